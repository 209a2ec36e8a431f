// Which share of the branches of a folder of `src` its own tests reach: `npm run coverage -- dtls udp`.
import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTest } from './mutation/run-test.ts';
import { wholeNumber } from './whole-number.ts';

const USAGE = `npm run coverage -- [options] <folder of src>...

  --files    name the branches of each file
  --jobs <n> files at a time (2)

Runs the tests in the folder of the same name under test/, and for folders that whole simulators use more than those the files named in this program,
with the processes that they start, and prints the share of the branches that they reach. A file that fails is named, and the exit code is 1.`;

/** Tests of whole simulators. */
const WHOLE = [
  'test/e2e/{access,capture,client-flows,clock,configured-behaviour,entra-rest,flow,har,half-close,http-connect,key-roll-over,limits,metrics,proxy,reload,reset,resources,rest,rest-hostile,sessions,simulator,stubs,tcp-faults}.test.ts',
];
/** Tests of the folders that whole programs use more than their own tests do. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  client: [...WHOLE, 'test/cli/tunnel-commands*.test.ts'],
  gateway: WHOLE,
  load: ['test/cli/load*.test.ts'],
  services: WHOLE,
  simulator: WHOLE,
  admin: WHOLE,
};
/** Milliseconds for a file. */
const LIMIT = 300_000;

const { values, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    files: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || folders.length === 0) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}
const jobs = wholeNumber('jobs', values.jobs, 1);
const root = join(import.meta.dirname, '..');

interface Summary {
  readonly [file: string]: {
    readonly branches: { readonly total: number; readonly covered: number; readonly pct: number };
  };
}

/** Takes over what V8 tells of this folder: a report reads all that is told of others too, which takes minutes. */
function takeOver(folder: string, from: string, to: string): void {
  for (const name of readdirSync(from)) {
    const told = JSON.parse(readFileSync(join(from, name), 'utf8')) as { result: readonly { readonly url: string }[] };
    const result = told.result.filter(({ url }) => url.startsWith(`file://${join(root, 'src', folder)}/`));
    // Its name contains the process and the time, so that no two are the same.
    if (result.length > 0) writeFileSync(join(to, name), JSON.stringify({ result }));
  }
  rmSync(from, { recursive: true });
}

/** Runs a test, up to three times: Node.js writes what it saw when a process ends, and sometimes crashes while it does so. */
async function run(test: string, data: string): Promise<void> {
  for (let left = 2; ; left--) {
    const { outcome, because } = await runTest({ root, test, limit: LIMIT, env: { NODE_V8_COVERAGE: data } });
    if (outcome === 'passed') return;
    if (left === 0) {
      console.log(`  ${test} ${outcome}: ${because}`);
      process.exitCode = 1;
      return;
    }
  }
}

async function measure(folder: string): Promise<void> {
  const tests = [`test/${folder}/**/*.test.ts`, ...(MORE[folder] ?? [])].flatMap((one) => globSync(one, { cwd: root }));
  const queue = [...new Set(tests)].sort();
  const data = mkdtempSync(join(tmpdir(), 'tunnelite-coverage-'));
  const [all, reports] = [join(data, 'all'), join(data, 'reports')];
  try {
    mkdirSync(all);
    const next = async (): Promise<void> => {
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        const own = join(data, test.replaceAll('/', '_'));
        mkdirSync(own);
        await run(test, own);
        takeOver(folder, own, all);
      }
    };
    await Promise.all(Array.from({ length: jobs }, next));
    const c8 = join(root, 'node_modules/.bin/c8');
    const args = ['report', '--temp-directory', all, '--include', `src/${folder}/**`, '--reporter', 'json-summary'];
    const { status, stderr } = spawnSync(c8, [...args, '--reports-dir', reports], { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`c8 reports nothing of ${folder}:\n${stderr}`);
    const summary = JSON.parse(readFileSync(join(reports, 'coverage-summary.json'), 'utf8')) as Summary;
    const { branches } = summary.total!;
    console.log(
      `${folder.padEnd(10)} ${branches.pct.toFixed(1).padStart(5)} %  ${branches.covered} of ${branches.total}`,
    );
    if (!values.files) return;
    for (const [file, of] of Object.entries(summary)) {
      if (file === 'total' || of.branches.pct === 100) continue;
      console.log(
        `  ${of.branches.pct.toFixed(0).padStart(3)} %  ${file.slice(root.length + 1)} ${of.branches.covered} of ${of.branches.total}`,
      );
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

for (const folder of folders.map((one) => one.replace(/^src\//, '').replace(/\/$/, ''))) await measure(folder);
