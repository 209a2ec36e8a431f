import { TunneliteError } from '../lib/errors.ts';

/** A hook function of a test runner; runners of the Jest family also take its time limit in milliseconds. */
type AddHook = (hook: () => Promise<void>, timeout?: number) => unknown;
/** The same, if a second argument would have another meaning. */
type AddPlainHook = (hook: () => Promise<void>) => unknown;

/**
 * The hooks of a test runner: its functions in an object, or tap's `t` itself. node:test and Mocha have `before` and `after`, tap
 * `before` and `teardown`, Vitest and Jest `beforeAll` and `afterAll`.
 */
export type RunnerHooks = {
  readonly beforeEach: AddPlainHook;
  readonly afterEach: AddPlainHook;
} & (
  | { readonly before: AddPlainHook; readonly after: AddPlainHook }
  | { readonly before: AddPlainHook; readonly teardown: AddPlainHook }
  | { readonly beforeAll: AddHook; readonly afterAll: AddHook }
);

/** The body of a hook; gets the `this` and the first argument that the runner passes. */
export type Hook = (self: unknown, context: unknown) => Promise<void>;

/** Time limit for a start and an end in milliseconds, if the runner has a limit of its own: a busy machine takes more than two seconds. */
const START_LIMIT_MS = 60_000;

/**
 * A function without declared parameters that gets `this` and all arguments. Runners inspect the declaration: with a parameter,
 * Mocha and Jest wait for a callback, node:test looks for one, and Vitest expects the names of fixtures.
 */
export function undeclared<T>(call: (self: unknown, given: readonly unknown[]) => T): () => T {
  return function (this: unknown): T {
    // biome-ignore lint/complexity/noArguments: a rest parameter is a declared one
    return call(this, Array.from(arguments));
  };
}

/**
 * Registers hooks with a runner.
 * @throws TunneliteError `ERR_TESTING_HOOKS`, naming the functions that are missing
 */
export function addHooks(
  hooks: RunnerHooks,
  { start, begin, end, close }: Readonly<Record<'start' | 'begin' | 'end' | 'close', Hook>>,
): void {
  const given = hooks as unknown as Readonly<Record<string, unknown>> | null | undefined;
  const has = (name: string): boolean => typeof given?.[name] === 'function';
  const first = ['before', 'beforeAll'].find(has);
  const last = (first === 'beforeAll' ? ['afterAll'] : ['teardown', 'after']).find(has);
  const missing = [
    first === undefined && 'before or beforeAll',
    last === undefined && (first === 'beforeAll' ? 'afterAll' : 'after, afterAll or teardown'),
    !has('beforeEach') && 'beforeEach',
    !has('afterEach') && 'afterEach',
  ].filter((one) => one !== false);
  if (first === undefined || last === undefined || missing.length > 0) {
    throw new TunneliteError('ERR_TESTING_HOOKS', `The hooks passed to useSimulator lack ${missing.join(', ')}.`, {
      details: { missing },
    });
  }
  const add = (name: string, hook: Hook, limit?: number): void => {
    const plain = undeclared((self, [context]) => {
      if (limit !== undefined) allowMocha(self, limit);
      return hook(self, context);
    });
    // Called as methods, because tap's are on its `t`.
    const runner = hooks as unknown as Readonly<Record<string, AddHook>>;
    if (limit !== undefined && name.endsWith('All')) runner[name]!(plain, limit);
    else runner[name]!(plain);
  };
  add(first, start, START_LIMIT_MS);
  add('beforeEach', begin);
  add('afterEach', end);
  add(last, close, START_LIMIT_MS);
}

/** Mocha's limit is set from inside, on `this`. Other runners have a `timeout` with another meaning: tap's ends the test. */
function allowMocha(self: unknown, limit: number): void {
  const { timeout, test } = (self ?? {}) as { timeout?: (limit: number) => unknown; test?: { type?: unknown } };
  if (typeof timeout === 'function' && test?.type === 'hook') timeout.call(self, limit);
}

/** The result of a test, as seen by its hook. */
export interface Verdict {
  readonly failed: boolean;
  /** Prints text next to the test's result. */
  readonly print: (text: string) => void;
  /** Makes the test fail, without ending the suite. */
  readonly fail: (error: Error) => void;
}

const printToConsole = (text: string): void => console.error(text);
const throwIt = (error: Error): void => {
  throw error;
};

/** The name of the test that has just ended, with those of the enclosing tests or suites if the runner provides them. */
export function testName(self: unknown, context: unknown): string | undefined {
  const { fullName, fullname, name, task } = (context ?? {}) as Named;
  const { currentTest } = (self ?? {}) as { readonly currentTest?: { fullTitle?(): unknown } };
  const names = [fullName, fullname, task?.fullName, task?.name, name, currentTest?.fullTitle?.(), jestTest()?.name];
  return names.find((one) => typeof one === 'string' && one !== '') as string | undefined;
}

interface Named {
  readonly fullName?: unknown;
  readonly fullname?: unknown;
  readonly name?: unknown;
  readonly task?: { readonly name?: unknown; readonly fullName?: unknown };
}

/** The result of the test that has just ended, from the runner's own objects. Empty for an unknown runner. */
export function verdictOf(self: unknown, context: unknown): Verdict {
  const { passed, diagnostic, passing, task } = (context ?? {}) as Context;
  const verdict = { failed: false, print: printToConsole, fail: throwIt };
  // node:test: the context is the test's. Its reporters print line by line.
  if (typeof passed === 'boolean' && typeof diagnostic === 'function') {
    const print = (text: string): void => {
      for (const line of text.split('\n')) diagnostic.call(context, line);
    };
    return { ...verdict, failed: !passed, print };
  }
  // tap: the context is the test, which no longer accepts comments.
  if (typeof passing === 'function') return { ...verdict, failed: !passing.call(context) };
  // Vitest.
  if (task?.result) return { ...verdict, failed: task.result.state === 'fail' };
  // Mocha: a hook that throws would end the suite.
  const { currentTest, test } = (self ?? {}) as MochaContext;
  if (currentTest && test) {
    return { ...verdict, failed: currentTest.state === 'failed', fail: (error) => void test.error(error) };
  }
  return { ...verdict, failed: jestTestFailed() };
}

interface Context {
  readonly passed?: unknown;
  readonly diagnostic?: (line: string) => void;
  readonly passing?: () => boolean;
  readonly task?: { readonly result?: { readonly state?: string } };
}

interface MochaContext {
  readonly currentTest?: { readonly state?: string };
  readonly test?: { error(error: Error): void };
}

/** Jest passes nothing to hooks; its runner (jest-circus) keeps its state on the global object, under its own symbol. */
function jestTestFailed(): boolean {
  return (jestTest()?.errors?.length ?? 0) > 0;
}

function jestTest(): JestState['currentlyRunningTest'] {
  const symbol = Object.getOwnPropertySymbols(globalThis).find((one) => one.description === 'JEST_STATE_SYMBOL');
  if (symbol === undefined) return undefined;
  return (globalThis as unknown as Record<symbol, JestState | undefined>)[symbol]?.currentlyRunningTest;
}

interface JestState {
  readonly currentlyRunningTest?: { readonly name?: unknown; readonly errors?: readonly unknown[] } | null | undefined;
}
