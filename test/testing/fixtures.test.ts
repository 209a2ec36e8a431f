/** The fixtures of `tunnelite/testing` in real runners, each in a process of its own. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';

const story = (name: string): string => join(import.meta.dirname, 'fixtures', `story-${name}.ts`);
const mocha = join(dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'bin', 'mocha.js');

interface Run {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a suite to its end, which it has to come to by itself. */
async function run(t: Test, args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Run> {
  // One file for both streams: what it has is in the order in which it was written, as on a terminal.
  const file = join(t.testdir(), 'output');
  const both = openSync(file, 'a');
  const env = Object.entries(process.env).filter(([name]) => !/^(TAP|NODE_TEST|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, args, {
    env: { ...Object.fromEntries(env), ...variables, NO_COLOR: '1' },
    stdio: ['ignore', both, both],
    timeout: 60_000,
  });
  closeSync(both);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output: readFileSync(file, 'utf8') };
}

/** What the shared story shows in every runner, whatever each line begins with. */
function checkStory(t: Test, { output }: Run, resets: number): void {
  const lines = output.split('\n').map((line) => line.replace(/^[\s#ℹ]*/, ''));
  const tails = lines.flatMap((line, index) =>
    /^Journal after #\d+: /.test(line) ? [lines.slice(index, index + 12)] : [],
  );
  const ofFailure = tails.filter(([head, second]) => /: 8 events, 1 problem$/.test(head!) && second === 'Problems:');
  t.equal(ofFailure.length, 1, 'a failed test shows its journal once', { output });
  t.match(ofFailure[0], [
    String,
    'Problems:',
    /auth\.refused: Refused .*\(expired\)/,
    'Events:',
    '(3 earlier ones left out)',
  ]);
  const ofProblem = tails.filter(([head]) => /: 7 events, 1 problem$/.test(head!));
  t.equal(ofProblem.length, 1, 'so does one with a problem that it did not allow', { output });
  t.match(output, /One thing went wrong:\s.*auth\.refused/);
  t.match(output, /wrapped on purpose\s+Journal after \\?#\d+: \d+ events, no problems/, 'an error has its journal');
  t.notOk(
    tails.some(([head]) => / 0 events/.test(head!)),
    'nothing else is shown',
  );
  t.equal(output.match(/started \d+, reset .*/)?.[0], `started 1, reset ${resets}, closed true`);
}

/** The tests of the story that fail. */
const FAILURES = [
  'fails with a problem',
  'has a problem that it does not allow',
  'fails with the journal in its error',
] as const;

t.test('node:test', async (t) => {
  const ran = await run(t, ['--test-reporter=spec', story('node')]);
  t.equal(ran.code, 1);
  const failed = ran.output.split('failing tests:')[1]?.matchAll(/^✖ (.+) \(/gm) ?? [];
  t.strictSame(
    [...failed].map(([, name]) => name),
    [...FAILURES, 'inner fails'],
    ran.output,
  );
  checkStory(t, ran, 7);
  // What a test in a test has done is shown with it, and the test around goes on with the simulator as it was.
  t.equal(ran.output.match(/\(expired\): an inner problem/g)?.length, 2, 'among the problems and among the events');
  t.match(ran.output, /outer goes on/);
});

t.test('tap', async (t) => {
  const ran = await run(t, [story('tap')]);
  t.equal(ran.code, 1);
  const failed = [...ran.output.matchAll(/^not ok \d+ - (.+) # time/gm)].map(([, name]) => name);
  t.strictSame(failed, [...FAILURES, 'tests in a test', 'fails by an assertion'], ran.output);
  checkStory(t, ran, 9);
  t.equal(ran.output.match(/\(expired\): an inner problem/g)?.length, 2, 'shown once, though both tests fail');
  t.match(ran.output, /Journal: no events after #\d+\.\nnot ok \d+ - fails by an assertion/);
});

t.test('Mocha', async (t) => {
  const ran = await run(t, [mocha, story('globals')]);
  t.equal(ran.code, FAILURES.length, 'as many as failed');
  const failed = [...ran.output.matchAll(/^ {2}\d\) (.+)$/gm)].map(([, name]) => name);
  t.strictSame(failed.slice(0, 3), FAILURES, ran.output);
  // A hook that throws would end the suite here.
  t.match(ran.output, /✔ good in a wrapper/);
  checkStory(t, ran, 7);
});

t.test('a simulator in another process', async (t) => {
  await using sim = await startSimulator();
  const ran = await run(t, ['--test-reporter=spec', story('remote')], {
    ADMIN_URL: sim.admin.url,
    ADMIN_SECRET: sim.admin.secret,
  });
  t.equal(ran.code, 1);
  t.match(ran.output, /✖ fails after it has moved the clock/);
  t.match(ran.output, /✔ good on an instance that is as new/);
  t.match(ran.output, /ℹ Journal after #\d+: 1 event, no problems\n *ℹ Events:\n *ℹ {3}#\d+ clock\.advanced/);
  t.equal(sim.journal.count({ name: 'simulator.reset' }), 2);
  t.equal(sim.journal.complete, false, 'which goes on');
});
