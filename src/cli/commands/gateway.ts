import type { RemoteSimulator } from '../../admin/index.ts';
import { type Command, command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

const stopOptions = {
  ...remoteOptions,
  'lose-cookies': {
    type: 'boolean',
    description: 'Clients must authenticate again; otherwise they resume with their cookies',
  },
  notify: { type: 'boolean', description: 'Send clients a disconnect packet first' },
} as const;

async function show(sim: RemoteSimulator, json: boolean | undefined, io: CliIo, done?: string): Promise<number> {
  const state = await sim.gateway.state();
  io.out(json ? `${JSON.stringify({ state })}\n` : `${done ?? `The gateway is ${state}.`}\n`);
  return EXIT.ok;
}

function down(name: 'restart' | 'stop', done: string): Command {
  return command({
    args: stopOptions,
    async run({ args, rawArgs, io }) {
      const { sim } = await connect(args, rawArgs, io);
      await sim.gateway[name]({ cookies: args['lose-cookies'] ? 'lose' : 'keep', notify: args.notify === true });
      return show(sim, args.json, io, done);
    },
  });
}

const start = command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    await sim.gateway.start();
    return show(sim, args.json, io, 'The gateway takes clients again.');
  },
});

const drain = command({
  args: {
    ...remoteOptions,
    timeout: {
      type: 'string',
      valueHint: 'duration',
      description: 'End those that are left after this, such as 30s; default: never',
    },
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const result = await sim.gateway.drain(args.timeout ? { timeout: args.timeout } : {});
    const done = `${result.left} left by themselves, ${result.ended} were ended. "gateway start" lets clients in again.`;
    io.out(args.json ? `${JSON.stringify(result)}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    return show(sim, args.json, io);
  },
  subCommands: {
    restart: {
      description: 'Go down and come up again at the same port',
      load: async () => down('restart', 'The gateway was restarted.'),
    },
    stop: {
      description: 'Close its ports and connections; Entra ID and REST go on',
      load: async () => down('stop', 'The gateway is stopped; "gateway start" brings it back.'),
    },
    start: { description: 'Take clients again, after stop or drain', load: async () => start },
    drain: {
      description: 'Take no new clients, and wait until those that are connected have left',
      load: async () => drain,
    },
  },
});
