import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const { mark, sessions, milliseconds } = await sim.reset();
    const ended = `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
    const done = `Reset in ${Math.ceil(milliseconds)} ms; ended ${ended}. The journal continues after #${mark}.`;
    io.out(args.json ? `${JSON.stringify({ mark, sessions, milliseconds })}\n` : `${done}\n`);
    return EXIT.ok;
  },
});
