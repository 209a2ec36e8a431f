import { systemClock } from '../../lib/clock.ts';
import { errorText, isTunneliteError } from '../../lib/errors.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { checkScenario, type LoadedScenario, readScenario } from '../format/load.ts';
import type { Scenario } from '../format/types.ts';
import type { ExpectationResult, ScenarioResult } from '../report/result.ts';
import { reportText } from '../report/text.ts';
import { timelineLines } from './course.ts';
import { judge } from './judge.ts';
import { realStage } from './real-stage.ts';
import { Recording } from './record.ts';
import { Timeline } from './timeline.ts';
import { virtualStage } from './virtual-stage.ts';

/** How to run a scenario. */
export interface ScenarioOptions {
  /** Replaces the scenario's own. */
  readonly seed?: number;
  /**
   * Time limit in milliseconds of real time: for the whole of a virtual run, and in addition to the timeline of a real one. Default two
   * minutes.
   */
  readonly timeout?: number;
  /** Aborts it. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 120_000;

/**
 * Runs a scenario from a file or an object. Unmet expectations are reported in the result, not thrown.
 *
 * @example
 * ```ts
 * import { runScenario } from 'tunnelite/testing';
 *
 * const { passed, report } = await runScenario({
 *   gateway: { dpd: 5 },
 *   timeline: [
 *     { at: '20s', fault: { name: 'hole', on: { seam: 'udp' }, then: { do: 'drop' } } },
 *     { at: '60s' },
 *   ],
 *   expect: [{ event: 'channel.switch', where: { to: 'cstp' } }, { rule: 'hole' }],
 * });
 * if (!passed) throw new Error(report);
 * ```
 * @throws TunneliteError `ERR_SCENARIO_INVALID`, `ERR_CONFIG_FILE`, `ERR_CONFIG_SYNTAX`: it cannot start
 */
export async function runScenario(
  scenario: string | Scenario | LoadedScenario,
  { seed: givenSeed, timeout = TIMEOUT_MS, signal }: ScenarioOptions = {},
): Promise<ScenarioResult> {
  const loaded = loadedOf(scenario);
  const { clock = 'virtual', seed = givenSeed ?? 1 } = loaded.scenario;
  const used = givenSeed ?? seed;
  const begin = systemClock.monotonic();
  const recording = new Recording();
  let timeline: Timeline | undefined;
  let error: ScenarioResult['error'];
  let expectations: readonly ExpectationResult[] = [];
  try {
    signal?.throwIfAborted();
    const parts = { seed: used, timeout, recording, signal };
    const stage = await (clock === 'virtual' ? virtualStage : realStage)(loaded, parts);
    try {
      recording.begin(stage.clock);
      timeline = new Timeline(loaded, stage, recording);
      timeline.begin();
      await stage.pass(timeline.over);
      recording.freeze();
      expectations = judge(loaded, recording, timeline.rules);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  } catch (thrown) {
    recording.freeze();
    error = problemOf(thrown);
  }
  if (recording.overflowed && error === undefined) {
    error = {
      code: 'ERR_SCENARIO_LIMIT',
      message: 'There were more events than a run keeps, so it is unknown whether the expectations were met.',
      hint: 'Use a shorter run, fewer clients or less traffic.',
    };
  }
  const failed = recording.pages.filter(({ failure }) => failure !== undefined).length;
  const rules = [...(timeline?.rules ?? [])].map(([name, rule]) => ({ name, seen: rule.seen(), hits: rule.hits() }));
  const passed = error === undefined && expectations.every((one) => one.passed);
  const result = {
    name: loaded.name,
    file: loaded.file,
    clock,
    seed: used,
    outcome: error ? ('error' as const) : passed ? ('passed' as const) : ('failed' as const),
    passed,
    expectations,
    rules,
    pages: { fetched: recording.pages.length - failed, failed },
    error,
    duration: Math.round(recording.now),
    milliseconds: Math.round(systemClock.monotonic() - begin),
    timeline: timelineLines(recording),
    repeat:
      loaded.file === undefined
        ? `the same scenario, with the seed ${used}`
        : `tunnelite scenario run ${shellWord(loaded.file)} --seed ${used}`,
  };
  return { ...result, report: reportText(result) };
}

function loadedOf(scenario: string | Scenario | LoadedScenario): LoadedScenario {
  if (typeof scenario === 'string') return readScenario(scenario);
  return 'locate' in scenario ? scenario : checkScenario(scenario);
}

function problemOf(thrown: unknown): NonNullable<ScenarioResult['error']> {
  if (isTunneliteError(thrown)) return { code: thrown.code, message: thrown.message, hint: thrown.hint };
  return { code: 'ERR_INTERNAL', message: errorText(thrown), hint: undefined };
}
