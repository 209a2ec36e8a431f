import type { RemoteSimulator } from '../../admin/index.ts';
import { type Command, command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

const stopOptions = {
  ...remoteOptions,
  'lose-cookies': {
    type: 'boolean',
    description: 'Invalidate cookies, so that clients must authenticate again',
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
    return show(sim, args.json, io, 'The gateway accepts clients again.');
  },
});

const drain = command({
  args: {
    ...remoteOptions,
    timeout: {
      type: 'string',
      valueHint: 'duration',
      description: 'End the remaining sessions after this time, such as 30s; default: never',
    },
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const result = await sim.gateway.drain(args.timeout ? { timeout: args.timeout } : {});
    const done = `${result.left} left by themselves, ${result.ended} were ended. Run "gateway start" to accept clients again.`;
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
      description: 'Stop and start again on the same port',
      load: async () => down('restart', 'The gateway was restarted.'),
    },
    stop: {
      description: 'Close its ports and connections; Entra ID and REST continue',
      load: async () => down('stop', 'The gateway is stopped; run "gateway start" to start it again.'),
    },
    start: { description: 'Accept clients again, after stop or drain', load: async () => start },
    drain: {
      description: 'Accept no new clients, and wait until the connected ones have left',
      load: async () => drain,
    },
  },
});
