import { command } from '../context/command.ts';
import { checkOutputs, deliver, outputOptions } from './outputs.ts';

/** Shows a result from a file. */
export default command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'result.json',
      description: 'A result written by --out',
      required: true,
    },
    ...outputOptions,
  },
  async run({ args, io }) {
    checkOutputs(args);
    const { readResult } = await import('../../load/index.ts');
    return await deliver(readResult(args.file), args, io);
  },
});
