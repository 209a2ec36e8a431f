/** What the real runners of fixtures.test.ts do not show: mistakes, failures of the fixture itself, and the shapes of Vitest and Jest. */
import { AssertionError } from 'node:assert';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { type FixtureOptions, type RunnerHooks, useSimulator } from '../../src/testing/index.ts';

type Hook = (context?: unknown) => Promise<void>;

/** A runner of the Jest family by hand: takes hooks, and calls them as the test says. */
function handRunner(): { hooks: RunnerHooks; run: Record<string, Hook>; limits: Record<string, unknown> } {
  const run: Record<string, Hook> = {};
  const limits: Record<string, unknown> = {};
  const take = (name: string) => (hook: Hook, limit?: number) => {
    run[name] = hook;
    limits[name] = limit;
  };
  const names = ['beforeAll', 'afterAll', 'beforeEach', 'afterEach'];
  return { hooks: Object.fromEntries(names.map((name) => [name, take(name)])) as unknown as RunnerHooks, run, limits };
}

/** What is written to the standard error output from now on. */
function printed(t: Test): () => string {
  const captured = t.capture(console, 'error');
  return () =>
    captured()
      .map(({ args }) => args.join(' '))
      .join('\n');
}

const sim = await startSimulator();
t.teardown(() => sim.close());
const instance = { connect: sim.admin.url, secret: sim.admin.secret };
const refuse = (): void => sim.emit('auth.refused', { remote: '127.0.0.1:1', reason: 'expired', explanation: 'Late.' });
const resets = (): number => sim.journal.count({ name: 'simulator.reset' });

t.test('hooks that are missing are named', async (t) => {
  const hook = (): void => {};
  const wrong: [object, string[]][] = [
    [{}, ['before or beforeAll', 'after, afterAll or teardown', 'beforeEach', 'afterEach']],
    [{ before: hook, beforeEach: hook, afterEach: hook }, ['after, afterAll or teardown']],
    [{ beforeAll: hook, after: hook, beforeEach: hook, afterEach: 1 }, ['afterAll', 'afterEach']],
  ];
  for (const [hooks, missing] of wrong) {
    t.throws(() => useSimulator(hooks as RunnerHooks), { code: 'ERR_TESTING_HOOKS', details: { missing } });
  }
  t.throws(() => useSimulator(undefined as unknown as RunnerHooks), { code: 'ERR_TESTING_HOOKS' });
});

t.test('hooks declare no parameter, and have time to start where the runner takes a limit', async (t) => {
  const { hooks, run, limits } = handRunner();
  useSimulator(hooks, instance);
  for (const hook of Object.values(run)) {
    t.equal(hook.length, 0);
    t.match(String(hook), /^function \(\s*\)/, 'also in its text');
  }
  t.strictSame(limits, { beforeAll: 60_000, afterAll: 60_000, beforeEach: undefined, afterEach: undefined });
});

t.test('failures are seen where Vitest and Jest have them', async (t) => {
  const symbol = Symbol('JEST_STATE_SYMBOL');
  const jest = globalThis as unknown as Record<symbol, unknown>;
  t.teardown(() => delete jest[symbol]);
  for (const [name, endWith] of [
    ['Vitest', (hook: Hook, failed: boolean) => hook({ task: { result: { state: failed ? 'fail' : 'pass' } } })],
    [
      'Jest',
      (hook: Hook, failed: boolean) => {
        jest[symbol] = { currentlyRunningTest: { errors: failed ? [[new Error('x'), undefined]] : [] } };
        return hook();
      },
    ],
  ] as const) {
    const { hooks, run } = handRunner();
    useSimulator(hooks, instance);
    await run['beforeAll']!();
    const output = printed(t);
    for (const failed of [false, true]) {
      await run['beforeEach']!();
      refuse();
      await endWith(run['afterEach']!, failed);
      t.equal(/^Journal after #\d+: 1 event, 1 problem$/m.test(output()), failed, `${name}, failed: ${failed}`);
    }
    await run['afterAll']!();
  }
});

/** One test of a suite on the shared instance. */
async function oneTest(options: FixtureOptions, body: (fixture: ReturnType<typeof remote>) => unknown): Promise<void> {
  const { hooks, run } = handRunner();
  const fixture = remote(hooks, options);
  await run['beforeAll']!();
  await run['beforeEach']!();
  await body(fixture);
  await run['afterEach']!({ task: { result: { state: 'pass' } } });
  await run['afterAll']!();
}
const remote = (hooks: RunnerHooks, options: FixtureOptions) => useSimulator(hooks, instance, options);

t.test('problems fail a test only where that is asked for, and those of the test before do not count', async (t) => {
  printed(t);
  await t.rejects(oneTest({ expectNoProblems: true }, refuse), { code: 'ERR_JOURNAL_PROBLEMS' });
  await oneTest({}, refuse);
  await oneTest({ expectNoProblems: true }, () => {});
  await oneTest({ expectNoProblems: true }, (fixture) => {
    fixture.allow({ name: 'session.*' }, { name: 'auth.refused' });
    refuse();
  });
});

t.test('without resets a test still has its mark', async (t) => {
  const before = resets();
  refuse();
  await oneTest({ reset: false, expectNoProblems: true }, async (fixture) => {
    t.equal(fixture.mark, sim.journal.mark());
  });
  t.equal(resets(), before);
  await oneTest({}, () => {});
  t.equal(resets(), before + 1);
});

t.test('as many events are shown as are asked for', async (t) => {
  await oneTest({ tail: 0 }, async (fixture) => {
    refuse();
    t.match(
      await fixture.tail(),
      /^Journal after #\d+: 1 event, 1 problem\nProblems:\n {2}\(1 earlier one left out\)\nEvents:\n {2}\(1 earlier one left out\)$/,
    );
  });
});

t.test('withJournal hands on what the runner gives, and leaves thrown things what they are', async (t) => {
  const output = printed(t);
  await oneTest({}, async (fixture) => {
    const test = fixture.withJournal(async function (this: unknown, ...given: unknown[]) {
      return [this, ...given];
    });
    t.strictSame(await test.call('self', 1, 2), ['self', 1, 2]);
    for (const thrown of ['a text', Object.freeze(new Error('frozen')), undefined]) {
      refuse();
      const rejected = await fixture
        .withJournal(() => Promise.reject(thrown))()
        .catch((error: unknown) => error);
      t.equal(rejected, thrown);
      t.match(output(), /^Journal after #\d+: .* 1 problem$/m, 'the journal is printed instead');
    }
    refuse();
    const assertion = new AssertionError({ actual: 1, expected: 2, operator: 'strictEqual' });
    await t.rejects(fixture.withJournal(() => Promise.reject(assertion))(), {
      message: /\n\nJournal after #\d+: /,
      generatedMessage: false,
    });
    const without = new Error('no stack');
    delete without.stack;
    const error = await fixture
      .withJournal(() => Promise.reject(without))()
      .catch((error: unknown) => error);
    t.equal(error, without);
  });
});

t.test('a failed start is told by its own error, and so is each test then', async (t) => {
  const { hooks, run } = handRunner();
  const fixture = useSimulator(hooks, { ...instance, secret: 'wrong' });
  await t.rejects(run['beforeAll']!(), { code: 'ERR_ADMIN_SECRET' });
  await t.rejects(run['beforeEach']!(), { code: 'ERR_TESTING_NOT_STARTED', hint: /its own error has the reason/ });
  t.throws(() => fixture.mark, { code: 'ERR_TESTING_NOT_STARTED' });
  await run['afterEach']!({ task: { result: { state: 'fail' } } });
  await run['afterAll']!();
});

t.test('a journal that cannot be read does not hide why a test failed', async (t) => {
  const { hooks, run } = handRunner();
  const other = await startSimulator();
  const fixture = useSimulator(hooks, { connect: other.admin.url, secret: other.admin.secret });
  await run['beforeAll']!();
  await run['beforeEach']!();
  await other.close();
  const failing = fixture.withJournal(() => Promise.reject(new Error('the reason')));
  await t.rejects(failing(), { message: /^the reason\n\nJournal: it cannot be read \(/ });
  await run['afterAll']!();
});
