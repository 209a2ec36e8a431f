import type { ClockReading } from '../../admin/index.ts';
import { command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

function show({ now, offset, mode }: ClockReading, json: boolean | undefined, io: CliIo): number {
  const ahead = offset === 0 ? '' : `, ${(offset / 1000).toFixed(offset % 1000 === 0 ? 0 : 3)} s ahead of this machine`;
  const still = mode === 'manual' ? ', frozen' : '';
  io.out(json ? `${JSON.stringify({ now, offset, mode })}\n` : `${new Date(now).toISOString()}${ahead}${still}\n`);
  return EXIT.ok;
}

const advance = command({
  args: {
    duration: {
      type: 'positional',
      valueHint: 'duration',
      description: 'A duration such as 3600s, 90m, 1h30m or 2d',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const text = args.duration;
    return show(await sim.clock.advance(text), args.json, io);
  },
});

const modes = { freeze: 'Freeze time', resume: 'Let time run' } as const;

const modeCommand = (name: keyof typeof modes) =>
  command({
    args: remoteOptions,
    async run({ args, rawArgs, io }) {
      const { sim } = await connect(args, rawArgs, io);
      return show(await sim.clock[name](), args.json, io);
    },
  });

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    return show(await sim.clock.read(), args.json, io);
  },
  subCommands: {
    advance: {
      description: 'Move time forward: tokens, sessions, cookies and certificates age at once',
      load: async () => advance,
    },
    freeze: { description: modes.freeze, load: async () => modeCommand('freeze') },
    resume: { description: modes.resume, load: async () => modeCommand('resume') },
  },
});
