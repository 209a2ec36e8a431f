import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { REPOSITORY } from '../support/documents/markdown.ts';

const repeat = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/repeat-tests.ts', ...args], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, TAP_CHILD_ID: undefined, TAP: undefined },
  });

t.test('every run has all files, in an order that follows from its seed', async (t) => {
  // Each writes its name where the others do.
  const folder = t.testdir(
    Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [
        `${name}.test.ts`,
        `import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
appendFileSync(join(import.meta.dirname, 'order.txt'), '${name}');
t.pass();
`,
      ]),
    ),
  );
  const orderOf = (seed: number): string => {
    rmSync(join(folder, 'order.txt'), { force: true });
    const { status, stdout } = repeat('--runs', '2', '--jobs', '1', '--seed', String(seed), `${folder}/*.test.ts`);
    t.equal(status, 0, stdout);
    t.match(stdout, /^2 runs of 6 files, 1 at a time on \d+ processors\nrun 1, seed \d+\n {2}6 passed, 0 failed in /);
    return readFileSync(join(folder, 'order.txt'), 'utf8');
  };
  const first = orderOf(1);
  const [one, two] = [first.slice(0, 6), first.slice(6)];
  t.equal([...one].sort().join(''), 'abcdef');
  t.equal([...two].sort().join(''), 'abcdef');
  t.not(one, two, 'another run, another order');
  t.equal(orderOf(2).slice(0, 6), two, 'the second run has the next seed');
});

t.test('a file that fails, and one that hangs, are named with the reason, and the others run', async (t) => {
  const folder = t.testdir({
    'fails.test.ts': "import t from 'tap';\nt.equal(1, 2, 'one is two');\n",
    'hangs.test.ts': "import t from 'tap';\nt.test('waits', () => new Promise(() => setInterval(() => {}, 1000)));\n",
    'passes.test.ts': "import t from 'tap';\nt.pass();\n",
  });
  const { status, stdout } = repeat('--runs', '1', '--limit', '3', '--busy', '1', `${folder}/*.test.ts`);
  t.equal(status, 1);
  t.match(stdout, / processors, 1 of them kept busy\n/);
  t.match(stdout, /fails\.test\.ts failed after [\d.]+ s: one is two/);
  t.match(stdout, /hangs\.test\.ts (failed|timed out) after [\d.]+ s: /);
  t.match(stdout, /^ {2}1 passed, 2 failed in /m);
  t.match(stdout, /^ {2}1 of 1 runs {2}.*fails\.test\.ts$/m);
});

t.test('bad input is refused in a line', async (t) => {
  for (const [args, message] of [
    [['--runs', '0'], /^--runs 0: give a whole number from 1$/m],
    [['--busy', 'all'], /^--busy all: give a whole number from 0$/m],
    [['test/none.test.ts'], /^test\/none\.test\.ts: no such test file; name one/m],
  ] as const) {
    const { status, stderr } = repeat(...args);
    t.equal(status, 2);
    t.match(stderr, message);
  }
});
