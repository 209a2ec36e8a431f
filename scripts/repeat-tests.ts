// Runs all test files several times, each time in another order, to find tests that depend on one another or on a quick machine:
// `npm run repeat -- --runs 10 --busy 1`.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endTests, runTest } from './mutation/run-test.ts';
import { sampleOf } from './mutation/sample.ts';
import { wholeNumber } from './whole-number.ts';

const USAGE = `npm run repeat -- [options] [test file or pattern]...

  --runs <n>     how often to run all files (10)
  --seed <n>     determines the orders; the run i uses the seed n + i - 1 (1)
  --jobs <n>     files at a time (4, as npm test)
  --busy <n>     keep so many processors busy meanwhile (0)
  --limit <s>    seconds after which a file is ended, and has failed (300)

Each run prints the files that failed, with the reason, and the three slowest. Exit code 1 if any failed. Peers that are not installed are skipped, unless
TUNNELITE_INTEROP=required is set.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '4' },
    busy: { type: 'string', default: '0' },
    limit: { type: 'string', default: '300' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const count = (name: 'runs' | 'seed' | 'jobs' | 'busy' | 'limit', least: number): number =>
  wholeNumber(name, values[name], least);
const [runs, seed, jobs, busy, limit] = [
  count('runs', 1),
  count('seed', 0),
  count('jobs', 1),
  count('busy', 0),
  count('limit', 1),
];

const root = join(import.meta.dirname, '..');
const patterns = positionals.length > 0 ? positionals : ['test/**/*.test.ts'];
const files = [...new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: root })))].sort();
if (files.length === 0) {
  console.error(
    `${patterns.join(' ')}: no such test file; name one from the repository's root, such as test/lib/count.test.ts`,
  );
  process.exit(2);
}

/** Processes that do nothing, and as much of it as they can. */
const spinners = Array.from({ length: busy }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
const endSpinners = (): void => {
  for (const spinner of spinners) spinner.kill('SIGKILL');
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endTests();
    endSpinners();
    process.exit(1);
  });
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
/** How often each file failed, of those that did. */
const failures = new Map<string, number>();

async function runAll(order: readonly string[]): Promise<void> {
  const queue = [...order];
  const times: { readonly test: string; readonly took: number }[] = [];
  const begin = performance.now();
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const { outcome, took, because } = await runTest({ root, test, limit: limit * 1000 });
      times.push({ test, took });
      if (outcome === 'passed') continue;
      failed++;
      failures.set(test, (failures.get(test) ?? 0) + 1);
      console.log(`  ${test} ${outcome} after ${seconds(took)}: ${because}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const slowest = times.toSorted((a, b) => b.took - a.took).slice(0, 3);
  console.log(
    `  ${order.length - failed} passed, ${failed} failed in ${seconds(performance.now() - begin)}; slowest: ` +
      slowest.map(({ test, took }) => `${test} ${seconds(took)}`).join(', '),
  );
}

console.log(
  `${runs} runs of ${files.length} files, ${jobs} at a time on ${availableParallelism()} processors` +
    (busy > 0 ? `, ${busy} of them kept busy` : ''),
);
try {
  for (let run = 0; run < runs; run++) {
    console.log(`run ${run + 1}, seed ${seed + run}`);
    await runAll(sampleOf(files, files.length, seed + run));
  }
} finally {
  endSpinners();
}
if (failures.size > 0) {
  console.log('\nFailed:');
  for (const [test, times] of [...failures].sort()) console.log(`  ${times} of ${runs} runs  ${test}`);
  process.exitCode = 1;
}
