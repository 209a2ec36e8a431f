import { isTunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { ask, findInstance } from '../context/instance.ts';
import { EXIT } from '../context/io.ts';

interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly explanation: string }[];
}

export default command({
  args: { ...fileOptions, json: { type: 'boolean', description: 'As JSON' } },
  async run({ args, rawArgs, io }) {
    try {
      const { value } = await ask(findInstance(configFromArgs(args, rawArgs, io)), '/readyz');
      const readiness = value as Readiness;
      if (args.json) io.out(`${JSON.stringify(readiness)}\n`);
      else
        for (const check of readiness.checks)
          io.out(`${check.ok ? 'ok' : 'FAILED'} ${check.name}: ${check.explanation}\n`);
      return readiness.ready ? EXIT.ok : EXIT.failed;
    } catch (error) {
      // A container's health check accepts only 0 and 1.
      if (!isTunneliteError(error)) throw error;
      if (args.json) io.out(`${JSON.stringify({ ready: false, checks: [], explanation: error.message })}\n`);
      else io.err(`${error.message}\n`);
      return EXIT.failed;
    }
  },
});
