/** The command line of a benchmark: numbers first, then options. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options<Flag extends string> {
  /** Arguments that are no options. */
  readonly rest: readonly string[];
  readonly numbers: readonly number[];
  readonly flags: ReadonlySet<Flag>;
  /** Values of `--only`. */
  readonly only: readonly string[];
  /** Folders of other checkouts to measure beside this one. */
  readonly against: readonly string[];
  /** Values of `--sizes`, numbers separated by commas. */
  readonly sizes: readonly number[] | undefined;
}

/** Ends the process with what was wrong and the options that there are. */
function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Says so when nothing was named to compare with. */
export function tellIfAlone(against: readonly string[]): void {
  if (against.length === 0)
    console.log('No other checkout was named (--against ../checkout, with its own node_modules): there are no ratios.');
}

/** @param flags the options without a value; `--only`, `--against` and `--sizes` have one */
export function options<Flag extends string>(
  flags: readonly Flag[] = [],
  valued: readonly ('only' | 'against' | 'sizes')[] = [],
): Options<Flag> {
  const known = [...flags.map((flag) => `--${flag}`), ...valued.map((name) => `--${name}=…`)];
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: Object.fromEntries([
        ...flags.map((flag) => [flag, { type: 'boolean' }]),
        ...valued.map((name) => [name, { type: 'string', multiple: true }]),
      ]) as Record<string, { type: 'boolean' | 'string'; multiple?: boolean }>,
    });
    const strings = (name: string): string[] => (values[name] as unknown as string[] | undefined) ?? [];
    const against = strings('against').map((folder) => resolve(folder));
    for (const folder of against) {
      if (!existsSync(join(folder, 'src/index.ts')))
        refuse(
          `${folder} is no checkout of Tunnelite: it has no src/index.ts. Name a folder made by git clone or git worktree.`,
        );
      if (!existsSync(join(folder, 'node_modules'))) refuse(`${folder} has no node_modules: run npm ci there.`);
    }
    const sizes = strings('sizes')
      .flatMap((list) => list.split(','))
      .map(Number);
    if (sizes.some((size) => !(size > 0)))
      refuse('--sizes takes numbers of sessions separated by commas: --sizes=1000,10000');
    return {
      rest: positionals,
      numbers: positionals.map(Number),
      flags: new Set(flags.filter((flag) => values[flag])),
      only: strings('only').flatMap((list) => list.split(',')),
      against,
      sizes: sizes.length === 0 ? undefined : sizes.toSorted((a, b) => a - b),
    };
  } catch (error) {
    refuse(`${(error as Error).message}\nThis benchmark knows ${known.join(', ') || 'no options'}.`);
  }
}
