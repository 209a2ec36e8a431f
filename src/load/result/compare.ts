import { suggest } from '../../lib/schema/index.ts';
import { COUNTERS, type CounterName, TIME_NAMES, type TimeName } from '../plan/metrics.ts';
import { differences } from './merge.ts';
import type { LoadResult, Measures } from './types.ts';

/** The compared statistics of a time. */
const STATISTICS = ['p50', 'p90', 'p99'] as const;

/** Counters for which more is worse. */
const WORSE: readonly CounterName[] = [
  'login.failed',
  'dtls.never',
  'fallback.never',
  'return.never',
  'reconnect.never',
  'requests.lost',
  'requests.unsent',
  'requests.repeated',
  'flows.failed',
  'flows.broken',
  'flows.stalled',
  'sessions.lost',
  'refusals',
  'arrivals.dropped',
];

/** Every figure that is compared. */
export const COMPARED: readonly string[] = [
  ...TIME_NAMES.flatMap((name) => STATISTICS.map((statistic) => `${name}.${statistic}`)),
  ...WORSE,
  'gateway.cpu',
  'gateway.rss',
];

/** Suggestions for the name of an unknown figure. */
export function suggestFigure(name: string): string {
  const meant = suggest(name, [...new Set([...COMPARED, ...TIME_NAMES])]);
  return meant === undefined ? `Use one of ${COMPARED.join(', ')}.` : `Did you mean ${meant}?`;
}

/** Ours: a smaller difference, in microseconds, is within the granularity of timers and of a busy machine. */
const GRAIN_US = 1000;

/** A figure in two results. */
export interface ComparedFigure {
  /** Undefined: all phases together. */
  readonly phase?: string;
  /** `fallback.p99`, `login.failed`, `gateway.cpu`. */
  readonly figure: string;
  /** Microseconds, a share from 0 to 1, a count, seconds of processor time, bytes. */
  readonly unit: 'µs' | 'share' | 'count' | 's' | 'bytes';
  /** Null: no data was measured. */
  readonly a: number | null;
  readonly b: number | null;
  /** (b − a) / a; null if that is not a number. */
  readonly change: number | null;
  /** `worse`, `better`: by more than the tolerance and the resolution. `same`: by less. `unknown`: not measured in both results, or caused by the generator. */
  readonly verdict: 'worse' | 'better' | 'same' | 'unknown';
}

export interface Comparison {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  /** Members of the plans that differ, and may explain different figures. */
  readonly plans: readonly string[];
  /** A share: 0.1 is 10 %. */
  readonly tolerance: number;
  readonly figures: readonly ComparedFigure[];
  /** Number of worse figures. */
  readonly worse: number;
  /** Why the figures allow no conclusion, in sentences. */
  readonly reasons: readonly string[];
}

export interface ComparedRun {
  readonly file: string;
  readonly name: string;
  readonly startedAt: string;
  readonly clients: number;
  readonly tunnelite: string;
  readonly outcome: LoadResult['outcome'];
}

interface Side {
  readonly file: string;
  readonly result: LoadResult;
}

/**
 * Finds the differences of the second of two results. Compares all phases together, and each phase for figures measured in several phases.
 * @param tolerance a share: figures that are worse by more than that count as worse
 * @param only figures, or the prefixes of times and counters; none: all
 */
export function compareResults(a: Side, b: Side, tolerance = 0, only: readonly string[] = []): Comparison {
  const resolution = Math.max(a.result.meta.resolution, b.result.meta.resolution) * 1000;
  const wanted = ({ figure }: ComparedFigure): boolean =>
    only.length === 0 || only.some((name) => figure === name || figure.startsWith(`${name}.`));
  const judge = { tolerance, resolution };
  const figures = [
    ...measuresOf(a.result.totals, b.result.totals, judge),
    ...gatewayOf(a.result, b.result, judge),
    ...phasesOf(a.result, b.result, judge),
  ].filter(wanted);
  return {
    a: runOf(a),
    b: runOf(b),
    plans: differences({ ...a.result.meta.plan }, { ...b.result.meta.plan }).filter(
      (key) => !['$schema', 'name', 'description', 'thresholds'].includes(key),
    ),
    tolerance,
    figures,
    worse: figures.filter(({ verdict }) => verdict === 'worse').length,
    reasons: [a, b].flatMap(({ file, result: { outcome, validity } }) => [
      ...validity.reasons.map((reason) => `${file}: ${reason}`),
      ...(outcome === 'interrupted' ? [`${file}: The run was interrupted.`] : []),
    ]),
  };
}

interface Judge {
  readonly tolerance: number;
  /** Microseconds. */
  readonly resolution: number;
}

function runOf({ file, result: { meta, outcome } }: Side): ComparedRun {
  const { name, startedAt, plan, tunnelite } = meta;
  return { file, name, startedAt, clients: plan.clients, tunnelite, outcome };
}

function phasesOf(a: LoadResult, b: LoadResult, judge: Judge): ComparedFigure[] {
  const both = [...a.phases, ...b.phases];
  /** Measured in more than one phase: for figures measured in one, the totals are enough. */
  const spread = (has: (measures: Measures) => boolean): boolean =>
    new Set(both.filter(({ measures }) => has(measures)).map(({ name }) => name)).size > 1;
  const times = new Set(TIME_NAMES.filter((name) => spread((measures) => measures.times[name] !== undefined)));
  const counters = new Set(WORSE.filter((name) => spread((measures) => measures.counters[name] > 0)));
  return a.phases.flatMap((phase) => {
    const other = b.phases.find(({ name }) => name === phase.name);
    if (!other) return [];
    return measuresOf(phase.measures, other.measures, judge, { times, counters }).map((figure) => ({
      ...figure,
      phase: phase.name,
    }));
  });
}

function measuresOf(
  a: Measures,
  b: Measures,
  judge: Judge,
  only?: { readonly times: ReadonlySet<TimeName>; readonly counters: ReadonlySet<CounterName> },
): ComparedFigure[] {
  const figures: ComparedFigure[] = [];
  for (const name of TIME_NAMES) {
    const [one, other] = [a.times[name], b.times[name]];
    if ((!one && !other) || (only && !only.times.has(name))) continue;
    const least = name === 'fallback' || name === 'interruption' ? Math.max(GRAIN_US, judge.resolution) : GRAIN_US;
    for (const statistic of STATISTICS) {
      const values = [one, other].map((time) => (time && time.count > 0 ? time[statistic] : null));
      const figure = compared(`${name}.${statistic}`, 'µs', values[0]!, values[1]!, judge.tolerance, least);
      figures.push(name === 'lag' ? { ...figure, verdict: 'unknown' } : figure);
    }
  }
  for (const name of WORSE) {
    if ((a.counters[name] === 0 && b.counters[name] === 0) || (only && !only.counters.has(name))) continue;
    const of = COUNTERS[name];
    const values = [a, b].map(({ counters }) =>
      of === undefined ? counters[name] : share(counters[name], counters[of]),
    );
    figures.push(compared(name, of === undefined ? 'count' : 'share', values[0]!, values[1]!, judge.tolerance, 0));
  }
  return figures;
}

const share = (part: number, whole: number): number | null => (whole === 0 ? (part === 0 ? 0 : null) : part / whole);

function gatewayOf({ gateway: a }: LoadResult, { gateway: b }: LoadResult, { tolerance }: Judge): ComparedFigure[] {
  if (!a && !b) return [];
  return [
    compared('gateway.cpu', 's', a?.cpu ?? null, b?.cpu ?? null, tolerance, 0),
    compared('gateway.rss', 'bytes', a?.rss.max ?? null, b?.rss.max ?? null, tolerance, 0),
  ];
}

/** @param least smaller differences are ignored */
function compared(
  figure: string,
  unit: ComparedFigure['unit'],
  a: number | null,
  b: number | null,
  tolerance: number,
  least: number,
): ComparedFigure {
  if (a === null || b === null) return { figure, unit, a, b, change: null, verdict: 'unknown' };
  const difference = b - a;
  const counts = Math.abs(difference) > least && Math.abs(difference) > Math.abs(a) * tolerance;
  const verdict = !counts ? 'same' : difference > 0 ? 'worse' : 'better';
  return { figure, unit, a, b, change: a === 0 ? null : difference / a, verdict };
}
