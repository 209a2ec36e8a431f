// Tries changes of the sources ("mutants") and names those that no test notices: `npm run mutate -- src/bearer --sample 100 --seed 1`.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Baseline, baselineOf } from './mutation/baseline.ts';
import { importGraph } from './mutation/import-graph.ts';
import { type Mutant, mutantsOf, nameOf } from './mutation/mutants.ts';
import { describe, type Equivalent, linesOf, type MutationReport, reportOf, takenUp } from './mutation/report.ts';
import { endTests } from './mutation/run-test.ts';
import { sampleOf } from './mutation/sample.ts';
import { copyTree } from './mutation/tree-copy.ts';
import { Trials, type Verdict } from './mutation/trial.ts';
import { wholeNumber } from './whole-number.ts';

const USAGE = `npm run mutate -- <folder or file of src>... [options]

  --sample <n>      how many mutants to try, at random (100)
  --seed <n>        which ones (1)
  --jobs <n>        how many to try at a time, each in its own copy of the tree (1)
  --tests <glob>    the test files to use, more than once (all that import the mutated files)
  --budget <s>      seconds of test time that one mutant may cost (60)
  --slowest <s>     leave out test files that take longer (30)
  --match <text>    only mutants of lines that hold the text, or of path:line
  --again <file>    only the survivors of an earlier report
  --json <file>     write the report
  --continue        take up the interrupted run whose report is the file of --json
  --list            name the mutants, and try none

Exit code 1 when a mutant survives that test/mutation/equivalent.json does not list.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    tests: { type: 'string', multiple: true },
    budget: { type: 'string', default: '60' },
    slowest: { type: 'string', default: '30' },
    match: { type: 'string', multiple: true },
    again: { type: 'string' },
    json: { type: 'string' },
    continue: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.continue && values.json === undefined) {
  console.error('--continue: name the report to take up with --json');
  process.exit(2);
}
if (values.help || (positionals.length === 0 && values.again === undefined)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const root = join(import.meta.dirname, '..');
const count = (name: 'sample' | 'seed' | 'jobs' | 'budget' | 'slowest'): number => wholeNumber(name, values[name], 1);
const [sample, seed, jobs, budget, slowest] = [
  count('sample'),
  count('seed'),
  count('jobs'),
  count('budget'),
  count('slowest'),
];
const globbed = (pattern: string): string[] =>
  globSync(pattern, { cwd: root }).map((path) => path.replaceAll('\\', '/'));

const read = (report: string): MutationReport => JSON.parse(readFileSync(report, 'utf8')) as MutationReport;
const before = values.again === undefined ? undefined : read(values.again);
const survived = before?.mutants.filter(({ outcome }) => outcome !== 'killed');
const files = survived
  ? [...new Set(survived.map(({ file }) => file))]
  : positionals
      .flatMap((path) => (path.endsWith('.ts') ? [path] : globbed(`${path.replace(/\/$/, '')}/**/*.ts`)))
      .sort();
if (files.length === 0) {
  console.error(`${positionals.join(' ')}: no TypeScript there; name a folder or a file from the repository's root`);
  process.exit(2);
}

const all = files.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
const wanted = (mutant: Mutant): boolean =>
  values.match === undefined ||
  values.match.some((text) => mutant.code.includes(text) || `${mutant.file}:${mutant.line}`.endsWith(text));
const again = survived && new Set(survived.map(nameOf));
const chosen = again ? all.filter((each) => again.has(nameOf(each))) : sampleOf(all.filter(wanted), sample, seed);
console.log(`${chosen.length} of ${all.length} mutants of ${files.length} files, seed ${seed}`);
if (values.list) {
  for (const mutant of chosen) console.log(describe(mutant));
  process.exit(0);
}

const earlier =
  values.continue && values.json !== undefined && existsSync(values.json) ? read(values.json).mutants : [];
const { kept, left } = takenUp(chosen, earlier);
if (kept.length > 0) console.log(`${kept.length} tried before`);

const graph = importGraph(root);
const mutated = new Set(left.map(({ file }) => file));
const tests = [...new Set((values.tests ?? ['test/**/*.test.ts']).flatMap(globbed))]
  .filter((test) => graph.closure(test).intersection(mutated).size > 0)
  .sort();

const copies = Array.from({ length: Math.min(jobs, left.length) }, () => copyTree(root));
const removeCopies = (): void => {
  for (const copy of copies) copy[Symbol.dispose]();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endTests();
    removeCopies();
    process.exit(1);
  });
}

/** Lets every copy take the next item until none is left. */
async function share<T>(
  items: readonly T[],
  work: (item: T, copy: (typeof copies)[number]) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    copies.map(async (copy) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item, copy);
    }),
  );
}

const baselines: Baseline[] = [];
const verdicts: Verdict[] = [];
const listed = join(root, 'test/mutation/equivalent.json');
const equivalents = existsSync(listed) ? (JSON.parse(readFileSync(listed, 'utf8')) as readonly Equivalent[]) : [];
const report = (): MutationReport => reportOf(verdicts, equivalents, seed, kept);
try {
  await share(tests, async (test, copy) => {
    const limit = slowest * 1000;
    const cache = join(root, '.tap', 'mutate');
    const baseline = await baselineOf({ test, root: copy.root, cache, graph, limit });
    if (baseline.passed) baselines.push(baseline);
    else console.log(`left out: ${test}: ${baseline.because}`);
  });
  console.log(`${baselines.length} test files`);
  const trials = new Trials(baselines, budget * 1000);
  const judged = new Set(equivalents.map(nameOf));
  await share(left, async (mutant, copy) => {
    if (judged.has(nameOf(mutant))) {
      verdicts.push({ mutant, killed: false, tried: 0, untried: 0 });
      return;
    }
    const verdict = await trials.try(mutant, copy);
    verdicts.push(verdict);
    const { killed, by, because, tried } = verdict;
    const end = killed ? `killed by ${by}: ${because}` : `SURVIVED ${tried} tests`;
    console.log(`${kept.length + verdicts.length}/${chosen.length} ${describe(mutant)}\n    ${end}`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report(), undefined, 2)}\n`);
  });
} finally {
  removeCopies();
}
const written = report();
console.log(['', ...linesOf(written)].join('\n'));
if (written.folders.some(({ survivors }) => survivors > 0)) process.exitCode = 1;
