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

/** How a scenario is made smaller. */
export interface ShrinkOptions extends ScenarioOptions {
  /** Runs at most. Default 1000. */
  readonly maxRuns?: number;
  /**
   * Whether a smaller scenario shows what the whole one has shown. Default: it comes to its end, and one of the expectations that were
   * not met is not met again, although it is without any step.
   */
  readonly fails?: (result: ScenarioResult) => boolean;
  /** Called after each run. */
  readonly onRun?: (progress: ShrinkProgress) => void;
}

/** How far it has come. */
export interface ShrinkProgress {
  readonly runs: number;
  /** Steps of the smallest scenario so far, its end not counted. */
  readonly steps: number;
}

/** The shortest scenario that still fails. */
export interface ShrunkScenario {
  readonly scenario: Scenario;
  /** A file that does it again. */
  readonly yaml: string;
  /** What came of it. */
  readonly result: ScenarioResult;
  /** Steps of the whole scenario and of this one, their ends not counted. */
  readonly steps: { readonly before: number; readonly after: number };
  readonly runs: number;
  /** Whether nothing more can be left out. False: `maxRuns` was reached, or it was told to stop. */
  readonly minimal: boolean;
}

const MAX_RUNS = 1000;

/** Tries that the end of the timeline is moved forward in. */
const END_TRIES = 6;

/**
 * Makes a scenario that fails as short as it can be: no step of its timeline can be left out any more, it has as few clients as will do, and
 * only the expectations that are not met. Every rule has chance of its own, which follows from the seed and its name, so that leaving one out
 * changes nothing for the others; and the same scenario is always made into the same one.
 *
 * @example
 * ```ts fragment
 * import { shrinkScenario } from 'tunnelite/testing';
 *
 * const { yaml, steps } = await shrinkScenario('storm.yaml');
 * console.log(`${steps.after} of ${steps.before} steps matter:\n${yaml}`);
 * ```
 * @throws TunneliteError `ERR_SCENARIO_SHRINK`: it passes, it cannot be run to its end, or it lives on the real clock; and what
 *   `runScenario` throws; `ERR_COUNT_INVALID`
 */
export async function shrinkScenario(
  scenario: string | Scenario | LoadedScenario,
  options: ShrinkOptions = {},
): Promise<ShrunkScenario> {
  if (options.maxRuns !== undefined) checkCount('How many runs there may be', options.maxRuns, { least: 1 });
  const loaded =
    typeof scenario === 'string' ? readScenario(scenario) : 'locate' in scenario ? scenario : checkScenario(scenario);
  if (loaded.scenario.clock === 'real') {
    throw new TunneliteError(
      'ERR_SCENARIO_SHRINK',
      `${loaded.name} lives on the real clock, on which it does not do the same twice.`,
    );
  }
  return new Shrinker(loaded, options).shrink();
}

class Shrinker {
  readonly #options: ShrinkOptions;
  readonly #name: string;
  readonly #before: number;
  readonly #fails: (result: ScenarioResult) => boolean;
  /** The smallest one that fails, and what came of it. */
  #best: Scenario;
  #result: ScenarioResult | undefined;
  #runs = 0;
  /** Whether it passes without its steps, and has to. */
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
    // With a judgement of the caller's own nobody knows which expectations it is about.
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

  /** Keeps the expectations that are not met; of those, the ones that are met where nothing happens, if there are such. */
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

  /** Takes a smaller scenario in place of the one that there is, if it fails as well. */
  async #take(smaller: Scenario | undefined): Promise<boolean> {
    if (smaller === undefined || this.#enough) return false;
    const result = await this.#run(smaller);
    if (!this.#fails(result) || !(await this.#passesWithoutSteps(smaller))) return false;
    this.#best = smaller;
    this.#result = result;
    return true;
  }

  /** What fails because there is not enough of it, such as an end before anything can have happened, is no smaller case of the same. */
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

  /** What is left out has its default then. */
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
    // Seconds as one writes them.
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
          ? 'does not fail in the way that is looked for'
          : `cannot be run to its end: ${error.message}`;
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

/** A scenario with some of its steps: without what speaks of a rule that is not there any more. Undefined where that leaves no scenario. */
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

/** An expectation about a time that never comes is none. */
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
