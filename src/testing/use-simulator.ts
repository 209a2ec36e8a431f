import { connectSimulator, type RemoteSimulator } from '../admin/index.ts';
import type { ConfigInput } from '../config/index.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { type Simulator, type SimulatorRuntime, startSimulator } from '../simulator/index.ts';
import type { JournalMark, JournalQuery, ProblemQuery } from '../telemetry/index.ts';
import { GoodRuns } from './good-run.ts';
import { addHooks, type RunnerHooks, testName, undeclared, type Verdict, verdictOf } from './runners.ts';
import { addToError, tailText } from './tail.ts';

/** How a simulator serves a suite. */
export interface FixtureOptions {
  /**
   * Whether a test fails when it causes problems that it did not allow: refusals, protocol errors, spoofed packets, limits reached.
   * Default false, since many tests cause refusals; with `true`, those tests call `allow`.
   */
  readonly expectNoProblems?: boolean;
  /** How many of the newest events to show when a test fails, and how many problems; default 50. */
  readonly tail?: number;
  /** Whether to reset the simulator before each test; default true. False is for an instance that others use at the same time. */
  readonly reset?: boolean;
  /**
   * A folder: the journal of each test that passes is saved there, unless there already is one, and a failing test shows where it diverges from that.
   */
  readonly journal?: string;
}

/** How to reach an instance in another process. */
export interface InstanceAddress {
  /** `admin` of the readiness line, such as `http://127.0.0.1:8445`. */
  readonly connect: string;
  /** The instance's secret: `sim.admin.secret`, or what `tunnelite status --secret` prints. */
  readonly secret: string;
}

/**
 * Starts one simulator before the first test, resets it before each, shows the journal of a failed test, and closes the
 * simulator after the last.
 *
 * Tests that share it must run one after the other: it is not reset while another test is running, such as the parent of a subtest.
 *
 * @example
 * ```ts
 * import { after, afterEach, before, beforeEach, test } from 'node:test';
 * const fixture = useSimulator({ before, after, beforeEach, afterEach }, { gateway: { dpd: 5 } });
 *
 * test('connects', async () => {
 *   const { sim, mark } = fixture;
 *   await connectMyClient(sim.urls.gateway, await sim.token());
 *   await sim.journal.waitFor({ name: 'session.connect', since: mark });
 * });
 * ```
 * @param hooks the runner's functions, or tap's `t`
 * @param config settings that differ from the defaults, as for `startSimulator`; or the location of an instance in another process
 * @throws TunneliteError `ERR_TESTING_HOOKS` when functions are missing
 */
export function useSimulator(
  hooks: RunnerHooks,
  config?: ConfigInput,
  options?: SimulatorRuntime & FixtureOptions,
): SimulatorFixture<Simulator>;
export function useSimulator(
  hooks: RunnerHooks,
  instance: InstanceAddress,
  options?: FixtureOptions,
): SimulatorFixture<RemoteSimulator>;
export function useSimulator(
  hooks: RunnerHooks,
  config: ConfigInput | InstanceAddress = {},
  options: SimulatorRuntime & FixtureOptions = {},
): SimulatorFixture<Simulator | RemoteSimulator> {
  const start = (): Promise<Simulator | RemoteSimulator> =>
    'connect' in config ? connectSimulator(config.connect, config) : startSimulator(config, options);
  return new SimulatorFixture(hooks, start, options);
}

/** The simulator of a suite. */
export class SimulatorFixture<S extends Simulator | RemoteSimulator = Simulator> {
  readonly #options: Required<Omit<FixtureOptions, 'journal'>>;
  readonly #goodRuns: GoodRuns | undefined;
  #sim: S | undefined;
  #mark: JournalMark = 0;
  /** The position up to which the journal has been shown in this test; an outer test does not show the same events again. */
  #shown: JournalMark | undefined;
  /** Running tests: more than one if tests are nested. */
  #running = 0;
  #allowed: JournalQuery[] = [];

  /** @internal */
  constructor(hooks: RunnerHooks, start: () => Promise<S>, options: FixtureOptions) {
    const { expectNoProblems = false, tail = 50, reset = true } = options;
    this.#options = { expectNoProblems, tail, reset };
    this.#goodRuns = options.journal === undefined ? undefined : new GoodRuns(options.journal);
    addHooks(hooks, {
      start: async () => {
        this.#sim = await start();
        this.#mark = await this.#sim.journal.mark();
      },
      begin: () => this.#begin(),
      end: (self, context) => this.#end(verdictOf(self, context), testName(self, context)),
      close: async () => this.#sim?.close(),
    });
  }

  /**
   * The running simulator.
   * @throws TunneliteError `ERR_TESTING_NOT_STARTED` outside tests and hooks
   */
  get sim(): S {
    if (this.#sim) return this.#sim;
    throw new TunneliteError('ERR_TESTING_NOT_STARTED');
  }

  /**
   * The position of the journal when the test began: `since: fixture.mark` in a query selects the events of this test.
   * @throws TunneliteError `ERR_TESTING_NOT_STARTED` outside tests and hooks
   */
  get mark(): JournalMark {
    void this.sim;
    return this.#mark;
  }

  /** Declares that this test causes problems itself, such as `{ name: 'auth.refused' }`: `expectNoProblems` ignores them. */
  allow(...problems: readonly JournalQuery[]): void {
    this.#allowed.push(...problems);
  }

  /**
   * Asserts, at any point in a test, that it has had no problems except those it allowed.
   * @throws TunneliteError `ERR_JOURNAL_PROBLEMS`, with a list of the problems
   */
  async expectNoProblems(): Promise<void> {
    await this.sim.journal.expectNoProblems(this.#problemQuery(this.mark));
  }

  /** The events of this test, as a failure shows them: problems first, then the newest events. */
  async tail(): Promise<string> {
    return (await this.#tail(this.mark)).text;
  }

  /**
   * Wraps a test so that the message of the error with which it fails includes the journal. For a runner whose failures are not visible from
   * outside, and for reports that contain only the errors.
   */
  withJournal<A extends unknown[], R>(test: (...given: A) => R | Promise<R>): (...given: A) => Promise<R> {
    return undeclared(async (self, given) => {
      try {
        return await test.apply(self, given as A);
      } catch (error) {
        await this.#show((text) => addToError(error, text) || console.error(text));
        throw error;
      }
    });
  }

  async #begin(): Promise<void> {
    if (this.#running++ > 0) return;
    try {
      const { sim } = this;
      this.#allowed = [];
      this.#mark = this.#options.reset ? (await sim.reset()).mark : await sim.journal.mark();
      this.#shown = undefined;
    } catch (error) {
      this.#running--;
      throw error;
    }
  }

  async #end({ failed, print, fail }: Verdict, name: string | undefined): Promise<void> {
    this.#running = Math.max(0, this.#running - 1);
    if (!this.#sim) return;
    if (failed) {
      await this.#show(print);
      await this.#compare(name, print);
      return;
    }
    if (this.#running > 0) return;
    try {
      if (this.#options.expectNoProblems) await this.expectNoProblems();
    } catch (error) {
      await this.#show(print);
      await this.#compare(name, print);
      fail(error as Error);
      return;
    }
    if (name !== undefined) this.#goodRuns?.keep(name, await this.sim.journal.query({ since: this.#mark }));
  }

  /** Shows where a test diverges from its good run, if there is one. */
  async #compare(name: string | undefined, write: (text: string) => void): Promise<void> {
    if (name === undefined || !this.#goodRuns) return;
    const text = await this.#goodRuns.compare(name, await this.sim.journal.query({ since: this.#mark }));
    if (text !== undefined) write(text);
  }

  /** Shows events that have not been shown yet. */
  async #show(write: (text: string) => void): Promise<void> {
    if (!this.#sim) return;
    try {
      const { text, newest } = await this.#tail(this.#shown ?? this.#mark);
      if (newest === this.#shown) return;
      this.#shown = newest;
      write(text);
    } catch (error) {
      // The test's own failure takes precedence.
      write(`Journal: it cannot be read (${errorText(error)}).`);
    }
  }

  async #tail(since: JournalMark): Promise<{ readonly text: string; readonly newest: JournalMark }> {
    const { journal } = this.sim;
    const [events, problems] = [await journal.query({ since }), await journal.problems(this.#problemQuery(since))];
    const text = tailText(events, problems, { since, limit: this.#options.tail });
    return { text, newest: events.at(-1)?.seq ?? since };
  }

  #problemQuery(since: JournalMark): ProblemQuery {
    return { since, except: this.#allowed };
  }
}
