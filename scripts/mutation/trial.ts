import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Baseline } from './baseline.ts';
import { reaches } from './coverage.ts';
import type { Mutant } from './mutants.ts';
import { runTest } from './run-test.ts';
import type { TreeCopy } from './tree-copy.ts';

/** What became of a mutant. */
export interface Verdict {
  readonly mutant: Mutant;
  readonly killed: boolean;
  /** The test that killed it, and by which assertion; of a survivor, how many tests it passed. */
  readonly by?: string;
  readonly because?: string;
  readonly tried: number;
  /** Tests that reach it and were not run, for want of time. */
  readonly untried: number;
}

/** Each test may take so many times its own time, and this many milliseconds more, before it counts as hanging. */
const PATIENCE = 4;
const SLACK = 10_000;

/** Tries mutants, the quickest test first, those that killed others of the same file before. */
export class Trials {
  readonly #baselines: readonly Baseline[];
  readonly #budget: number;
  readonly #kills = new Map<string, number>();

  /** `budget`: milliseconds of the tests' own time that one mutant may cost; the first test is always run. */
  constructor(baselines: readonly Baseline[], budget: number) {
    this.#baselines = baselines;
    this.#budget = budget;
  }

  /** Runs the tests that reach the mutant in the copy until one fails, and puts the file back. */
  async try(mutant: Mutant, copy: TreeCopy): Promise<Verdict> {
    const weight = ({ test, took }: Baseline): number => took / (1 + (this.#kills.get(`${mutant.file} ${test}`) ?? 0));
    const reaching = this.#baselines
      .filter(({ reached }) => reaches(reached, mutant.file, mutant.start))
      .toSorted((a, b) => weight(a) - weight(b));
    const original = readFileSync(join(copy.root, mutant.file), 'utf8');
    copy.write(mutant.file, mutant.text);
    let [spent, tried] = [0, 0];
    try {
      for (const { test, took } of reaching) {
        if (tried > 0 && spent + took > this.#budget) continue;
        const end = await runTest({ root: copy.root, test, limit: SLACK + PATIENCE * took });
        tried++;
        spent += took;
        if (end.outcome === 'passed') continue;
        const name = `${mutant.file} ${test}`;
        this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
        return { mutant, killed: true, by: test, because: end.because, tried, untried: 0 };
      }
    } finally {
      copy.write(mutant.file, original);
    }
    return { mutant, killed: false, tried, untried: reaching.length - tried };
  }
}
