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

/** Folders that whole simulators, clients, or Chromium use more than their own tests. */
const WHOLE = [
  'test/e2e/{access,capture,client-flows,clock,configured-behaviour,entra-rest,flow,har,half-close,http-connect,key-roll-over,limits,metrics,proxy,reload,reset,resources,rest,rest-hostile,sessions,simulator,stubs,tcp-faults}.test.ts',
];
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

/** Keeps what V8 tells of this folder: a report reads all that is told of others too, which takes minutes. */
function keepOnly(folder: string, directory: string): number {
  let kept = 0;
  for (const name of readdirSync(directory)) {
    const file = join(directory, name);
    const told = JSON.parse(readFileSync(file, 'utf8')) as { result: readonly { readonly url: string }[] };
    const result = told.result.filter(({ url }) => url.startsWith(`file://${join(root, 'src', folder)}/`));
    kept += result.length;
    if (result.length > 0) writeFileSync(file, JSON.stringify({ result }));
    else rmSync(file);
  }
  return kept;
}

async function measure(folder: string): Promise<void> {
  const tests = [`test/${folder}/**/*.test.ts`, ...(MORE[folder] ?? [])].flatMap((one) => globSync(one, { cwd: root }));
  const queue = [...new Set(tests)].sort();
  const data = mkdtempSync(join(tmpdir(), 'tunnelite-coverage-'));
  const reports = join(data, 'reports');
  try {
    const next = async (): Promise<void> => {
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        const of = join(data, test.replaceAll('/', '_'));
        mkdirSync(of);
        // Node.js writes what it saw when a process ends; one that crashes while it does so is run again.
        for (let tries = 0; tries < 3; tries++) {
          const env = { NODE_V8_COVERAGE: of, TAP_TIMEOUT: '300' };
          const { outcome, because } = await runTest({ root, test, limit: LIMIT, env });
          if (outcome === 'passed' || tries === 2) {
            if (outcome !== 'passed') {
              console.log(`  ${test} ${outcome}: ${because}`);
              process.exitCode = 1;
            }
            break;
          }
        }
        keepOnly(folder, of);
      }
    };
    await Promise.all(Array.from({ length: jobs }, next));
    const all = join(data, 'all');
    mkdirSync(all);
    for (const [i, file] of globSync('test_*/*.json', { cwd: data }).entries()) {
      writeFileSync(join(all, `${i}.json`), readFileSync(join(data, file)));
    }
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
