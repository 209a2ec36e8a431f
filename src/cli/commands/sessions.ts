import type { SessionInfo } from '../../gateway/index.ts';
import { type Command, command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const id = {
  type: 'positional',
  valueHint: 'id',
  description: 'Short id of the session, as the list shows it',
  required: true,
} as const;

/** A command that acts on one session and reports it. */
function action(name: 'expire' | 'rekey', done: (id: string) => string): Command {
  return command({
    args: { id, ...remoteOptions },
    async run({ args, rawArgs, io }) {
      const { sim } = await connect(args, rawArgs, io);
      await sim.sessions[name](args.id);
      io.out(args.json ? `${JSON.stringify({ session: args.id, done: name })}\n` : `${done(args.id)}\n`);
      return EXIT.ok;
    },
  });
}

const show = command({
  args: { id, ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const session = await sim.sessions.get(args.id);
    if (args.json) io.out(`${JSON.stringify(session)}\n`);
    else for (const [name, value] of Object.entries(session)) io.out(`${name.padEnd(16)}${shown(name, value)}\n`);
    return EXIT.ok;
  },
});

const disconnect = command({
  args: {
    id,
    ...remoteOptions,
    reason: { type: 'string', valueHint: 'sentence', description: 'A sentence for the journal' },
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    await sim.sessions.disconnect(args.id, args.reason ? { reason: args.reason } : {});
    const done = `Ended the session ${args.id}; its cookie is no longer valid.`;
    io.out(args.json ? `${JSON.stringify({ session: args.id, done: 'disconnect' })}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const sessions = await sim.sessions.list();
    if (args.json) io.out(`${JSON.stringify({ sessions })}\n`);
    else if (sessions.length === 0) io.out('There are no sessions.\n');
    else io.out(table(sessions));
    return EXIT.ok;
  },
  subCommands: {
    show: { description: 'Show one session', load: async () => show },
    disconnect: { description: 'End a session as an administrator would', load: async () => disconnect },
    expire: {
      description: 'End a session as its time limit would',
      load: async () => action('expire', (one) => `The session ${one} has expired.`),
    },
    rekey: {
      description: 'Make the client renew its tunnel, and thereby all keys',
      load: async () =>
        action(
          'rekey',
          (one) => `Closed the tunnel of ${one}; its client reconnects with its cookie and gets new keys.`,
        ),
    },
  },
});

function table(sessions: readonly SessionInfo[]): string {
  const head = ['id', 'user', 'state', 'channel', 'address', 'from', 'in', 'out'];
  const rows = sessions.map((one) => [
    one.id,
    one.signInName ?? one.username,
    one.state,
    one.dataChannel ?? '-',
    one.address4 ?? one.address6 ?? '-',
    one.remoteAddress,
    String(one.bytesIn),
    String(one.bytesOut),
  ]);
  return columns(head, rows);
}

function shown(name: string, value: unknown): string {
  return name.endsWith('At') && typeof value === 'number' ? new Date(value).toISOString() : String(value);
}
