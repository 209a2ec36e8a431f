import { command } from '../context/command.ts';
import { checkOutputs, deliver, outputOptions } from './outputs.ts';

/** Merges the results of the workers of a run. */
export default command({
  args: {
    files: {
      type: 'positional',
      valueHint: 'file…',
      description: 'The results of all workers, written by --out',
      required: true,
    },
    ...outputOptions,
  },
  async run({ args, io }) {
    checkOutputs(args);
    const { mergeResults, readResult } = await import('../../load/index.ts');
    return await deliver(mergeResults(args._.map((file) => ({ file, result: readResult(file) }))), args, io);
  },
});
