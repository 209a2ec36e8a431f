import { TunneliteError } from '../../lib/errors.ts';
import { command, repeated } from '../context/command.ts';
import { EXIT } from '../context/io.ts';

/** Two results side by side. */
export default command({
  args: {
    a: {
      type: 'positional',
      valueHint: 'A.json',
      description: 'The baseline result',
      required: true,
    },
    b: { type: 'positional', valueHint: 'B.json', description: 'The result to compare', required: true },
    tolerance: {
      type: 'string',
      valueHint: 'percent',
      description: 'Exit with 1 if a figure is worse by more than this, such as 10%, or a run is invalid',
    },
    figure: {
      type: 'string',
      valueHint: 'name',
      description: 'Only this figure, such as fallback, login.p99 or requests.lost; repeatable',
    },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, rawArgs, io }) {
    const tolerance = toleranceOf(args.tolerance);
    const { compareResults, comparisonText, readResult } = await import('../../load/index.ts');
    const only = repeated(rawArgs, 'figure');
    await checkFigures(only);
    const [a, b] = [args.a, args.b].map((file) => ({ file, result: readResult(file) }));
    const comparison = compareResults(a!, b!, tolerance, only);
    io.out(args.json ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison));
    if (tolerance === undefined) return EXIT.ok;
    return comparison.worse > 0 || comparison.reasons.length > 0 ? EXIT.failed : EXIT.ok;
  },
});

function toleranceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number] = /^(\d{1,4}(?:\.\d{1,3})?)%?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) / 100;
  throw new TunneliteError('ERR_CLI_USAGE', `"--tolerance ${text}" is not a percentage.`, {
    hint: 'Use a form such as 10%.',
  });
}

async function checkFigures(names: readonly string[]): Promise<void> {
  const { COMPARED, suggestFigure } = await import('../../load/index.ts');
  for (const name of names) {
    if (COMPARED.some((known) => known === name || known.startsWith(`${name}.`))) continue;
    throw new TunneliteError('ERR_CLI_USAGE', `There is no figure "${name}" to compare.`, {
      hint: suggestFigure(name),
    });
  }
}
