import { profileRules } from '../../config/fault-profiles.ts';
import { checkCount } from '../../lib/count.ts';
import { durationText, parseDuration } from '../../lib/duration.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { checkScenario, type LoadedScenario, readScenario } from '../format/load.ts';
import type { Expectation, Scenario, ScenarioStep } from '../format/types.ts';
import { scenarioYaml } from '../format/write.ts';
import type { ScenarioResult } from '../report/result.ts';
import { runScenario, type ScenarioOptions } from '../run/run.ts';
import { minimize } from './minimize.ts';

/** How to shrink a scenario. */
export interface ShrinkOptions extends ScenarioOptions {
  /** Maximum number of runs. Default 1000. */
  readonly maxRuns?: number;
  /**
   * Whether a smaller scenario shows the same failure as the original. Default: it runs to its end, and one of the unmet expectations
   * is unmet again, although it would be met without any step.
   */
  readonly fails?: (result: ScenarioResult) => boolean;
  /** Called after each run. */
  readonly onRun?: (progress: ShrinkProgress) => void;
}

/** Progress. */
export interface ShrinkProgress {
  readonly runs: number;
  /** Steps of the smallest scenario so far, not counting its end. */
  readonly steps: number;
}

/** The shortest scenario that still fails. */
export interface ShrunkScenario {
  readonly scenario: Scenario;
  /** A file that reproduces the failure. */
  readonly yaml: string;
  /** Its result. */
  readonly result: ScenarioResult;
  /** Steps of the original scenario and of this one, not counting their ends. */
  readonly steps: { readonly before: number; readonly after: number };
  readonly runs: number;
  /** Whether nothing more can be removed. False: `maxRuns` was reached, or the search was stopped. */
  readonly minimal: boolean;
}

const MAX_RUNS = 1000;

/** Attempts to move the end of the timeline forward. */
const END_TRIES = 6;

/**
 * Makes a failing scenario as short as possible: no step of its timeline can be removed, it has as few clients as necessary, and
 * only the unmet expectations. The randomness of every rule follows from the seed and the rule's name, so that removing one
 * changes nothing for the others; and the same scenario always gives the same result.
 *
 * @example
 * ```ts fragment
 * import { shrinkScenario } from 'tunnelite/testing';
 *
 * const { yaml, steps } = await shrinkScenario('storm.yaml');
 * console.log(`${steps.after} of ${steps.before} steps matter:\n${yaml}`);
 * ```
 * @throws TunneliteError `ERR_SCENARIO_SHRINK`: it passes, it cannot be run to its end, or it uses the real clock; and what
 *   `runScenario` throws; `ERR_COUNT_INVALID`
 */
export async function shrinkScenario(
  scenario: string | Scenario | LoadedScenario,
  options: ShrinkOptions = {},
): Promise<ShrunkScenario> {
  if (options.maxRuns !== undefined) checkCount('The maximum number of runs', options.maxRuns, { least: 1 });
  const loaded =
    typeof scenario === 'string' ? readScenario(scenario) : 'locate' in scenario ? scenario : checkScenario(scenario);
  if (loaded.scenario.clock === 'real') {
    throw new TunneliteError(
      'ERR_SCENARIO_SHRINK',
      `${loaded.name} uses the real clock, so its runs are not repeatable.`,
    );
  }
  return new Shrinker(loaded, options).shrink();
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #name: string;
  readonly #before: number;
  readonly #fails: (result: ScenarioResult) => boolean;
  /** The smallest failing scenario, and its result. */
  #best: Scenario;
  #result: ScenarioResult | undefined;
  #runs = 0;
  /** Whether it passes without its steps, and must. */
  #controlled = false;
  /** Whether scenarios without steps pass, by their text. */
  readonly #controls = new Map<string, boolean>();

  constructor({ scenario, name }: LoadedScenario, options: ShrinkOptions) {
    const { seed, fails } = options;
    this.#options = options;
    this.#name = name;
    this.#before = scenario.timeline.length - 1;
    this.#fails = fails ?? ((result) => result.outcome === 'failed');
    this.#best = { ...scenario, name, seed: seed ?? scenario.seed ?? 1 };
  }

  async shrink(): Promise<ShrunkScenario> {
    const whole = await this.#run(this.#best);
    if (!this.#fails(whole)) throw this.#sound(whole);
    this.#result = whole;
    const bare = withTimeline(this.#best, [this.#best.timeline.at(-1)!]);
    const control = bare && (await this.#run(bare));
    this.#controlled = control === undefined || !this.#fails(control);
    // With the caller's own function, the relevant expectations are unknown.
    if (this.#options.fails === undefined) this.#keepMissed(whole, bare, control);
    let before: Scenario | undefined;
    while (before !== this.#best && !this.#enough) {
      before = this.#best;
      await this.#fewerSteps();
      await this.#fewerClients();
      await this.#withoutMembers();
      await this.#soonerEnd();
    }
    const after = this.#best.timeline.length - 1;
    return {
      scenario: this.#best,
      yaml: scenarioYaml(this.#best, this.#heading(after)),
      result: this.#result,
      steps: { before: this.#before, after },
      runs: this.#runs,
      minimal: !this.#enough,
    };
  }

  /** Keeps the unmet expectations; among those, the ones that are met if nothing happens, if there are any. */
  #keepMissed(whole: ScenarioResult, bare: Scenario | undefined, control: ScenarioResult | undefined): void {
    const missed = this.#best.expect.filter((_, i) => whole.expectations[i]?.passed === false);
    if (missed.length === 0) return;
    const trivial = new Set(bare?.expect.filter((_, i) => control?.expectations[i]?.passed === false).map(textOf));
    const caused = missed.filter((one) => !trivial.has(textOf(one)));
    this.#best = { ...this.#best, expect: caused.length > 0 ? caused : missed };
    this.#controlled = caused.length > 0;
  }

  get #enough(): boolean {
    return this.#runs >= (this.#options.maxRuns ?? MAX_RUNS) || this.#options.signal?.aborted === true;
  }

  async #run(scenario: Scenario): Promise<ScenarioResult> {
    const { timeout, signal, onRun } = this.#options;
    this.#runs++;
    const result = await runScenario(scenario, {
      ...(timeout !== undefined && { timeout }),
      ...(signal && { signal }),
    });
    onRun?.({ runs: this.#runs, steps: this.#best.timeline.length - 1 });
    return result;
  }

  /** Replaces the current scenario by a smaller one, if that fails too. */
  async #take(smaller: Scenario | undefined): Promise<boolean> {
    if (smaller === undefined || this.#enough) return false;
    const result = await this.#run(smaller);
    if (!this.#fails(result) || !(await this.#passesWithoutSteps(smaller))) return false;
    this.#best = smaller;
    this.#result = result;
    return true;
  }

  /** A failure caused by removing too much, such as an end before anything can happen, is not a smaller case of the same failure. */
  async #passesWithoutSteps(scenario: Scenario): Promise<boolean> {
    const bare = this.#controlled ? withTimeline(scenario, [scenario.timeline.at(-1)!]) : undefined;
    if (bare === undefined) return true;
    const key = JSON.stringify(bare);
    let passes = this.#controls.get(key);
    if (passes === undefined) {
      passes = !this.#fails(await this.#run(bare));
      this.#controls.set(key, passes);
    }
    return passes;
  }

  async #fewerSteps(): Promise<void> {
    const { timeline } = this.#best;
    const whole = this.#best;
    const end = timeline.at(-1)!;
    await minimize(
      timeline.slice(0, -1),
      (steps) => this.#take(withTimeline(whole, [...steps, end])),
      () => this.#enough,
    );
  }

  async #fewerClients(): Promise<void> {
    const { clients = 1, timeline } = this.#best;
    const needed = Math.max(0, ...timeline.map(({ of = 0 }) => of)) + 1;
    for (let count = needed; count < clients; count *= 2)
      if (await this.#take({ ...this.#best, clients: count })) return;
  }

  /** Omitted members then have their defaults. */
  async #withoutMembers(): Promise<void> {
    for (const member of ['link', 'nat', 'token', 'resources', 'services', 'identity', 'gateway'] as const) {
      if (this.#best[member] === undefined) continue;
      const { [member]: _, ...rest } = this.#best;
      await this.#take(valid(rest));
    }
  }

  async #soonerEnd(): Promise<void> {
    const { timeline } = this.#best;
    const last = timeline.at(-2);
    // Seconds in the usual notation.
    let from = Math.floor((last ? parseDuration(last.at) : 0) / 1000);
    let to = Math.ceil(parseDuration(timeline.at(-1)!.at) / 1000);
    for (let tries = 0; tries < END_TRIES && to - from > 1; tries++) {
      const at = Math.floor((from + to) / 2);
      const sooner = [...timeline.slice(0, -1), { at: `${at}s` }];
      if (await this.#take(withTimeline(this.#best, sooner))) to = at;
      else from = at;
    }
  }

  #sound({ outcome, error }: ScenarioResult): TunneliteError {
    const what =
      outcome === 'passed'
        ? 'passes'
        : error === undefined
          ? 'does not fail in the same way'
          : `cannot be completed: ${error.message}`;
    return new TunneliteError('ERR_SCENARIO_SHRINK', `${this.#name} ${what} (seed ${this.#best.seed}).`);
  }

  #heading(after: number): string {
    const missed = this.#result!.expectations.filter(({ passed }) => !passed).map(({ expected }) => expected);
    return [
      `The shortest part of ${this.#name} that fails: ${after} of ${this.#before} steps, found in ${this.#runs} runs${this.#enough ? '; there may be a shorter one' : ''}.`,
      ...missed.map((expected) => `Not met: ${expected}`),
    ].join('\n');
  }
}

const textOf = (expectation: Expectation): string => JSON.stringify(expectation);

/** A scenario with some of its steps: without members that refer to a removed rule. Undefined if that leaves no scenario. */
function withTimeline(scenario: Scenario, steps: readonly ScenarioStep[]): Scenario | undefined {
  const inForce = new Set<string>();
  const added = new Set<string>();
  const add = (name: string): void => {
    inForce.add(name);
    added.add(name);
  };
  const timeline = steps.filter(({ fault, clear, profile }) => {
    if (fault) add(fault.name);
    if (profile) for (const { name } of profileRules(profile)) add(name);
    return clear === undefined || inForce.delete(clear);
  });
  const expect = scenario.expect.filter(({ rule }) => rule === undefined || added.has(rule));
  return valid({ ...scenario, timeline, expect: withinEnd(expect, steps.at(-1)!) });
}

/** An expectation about a time that is never reached is removed. */
function withinEnd(expect: readonly Expectation[], { at }: ScenarioStep): Expectation[] {
  const end = parseDuration(at);
  return expect.flatMap(({ between, ...rest }) => {
    if (between === undefined) return [rest];
    const [from, to] = between;
    if (parseDuration(from) >= end) return [];
    return [{ ...rest, between: [from, parseDuration(to) > end ? durationText(end) : to] as const }];
  });
}

function valid(scenario: Scenario): Scenario | undefined {
  if (scenario.expect.length === 0) return undefined;
  try {
    return checkScenario(scenario).scenario;
  } catch {
    return undefined;
  }
}
