import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: {
    who: {
      type: 'positional',
      valueHint: 'session|address|last',
      description: 'Short id of a session, or address of a client, with or without a port; default: the last client',
      required: false,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const explanation = await sim.explain(args.who);
    if (args.json) {
      io.out(`${JSON.stringify(explanation)}\n`);
      return EXIT.ok;
    }
    const { explanationText } = await import('../../explain/index.ts');
    io.out(explanationText(explanation));
    return EXIT.ok;
  },
});
