import { isDeepStrictEqual } from 'node:util';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { conclude } from './conclude.ts';
import { mergeSeries } from './merge-series.ts';
import { Causes, Tally } from './tally.ts';
import type { LoadResult, PhaseResult } from './types.ts';

/** Ours: largest difference between the starts of workers that count as one run, in milliseconds. */
const MOST_APART_MS = 2000;

/** A result, and its name in messages. */
export interface NamedResult {
  readonly file: string;
  readonly result: LoadResult;
}

const refuse = (message: string, hint?: string): TunneliteError =>
  new TunneliteError('ERR_LOAD_RESULT', message, hint === undefined ? {} : { hint });

/**
 * Merges the results of all workers of a run: adds counters, merges histograms, and evaluates the thresholds of the plan. If a worker is
 * missing, or they did not run at the same time, the result is `invalid`, because the plan was not run as a whole.
 * @throws TunneliteError `ERR_LOAD_RESULT` for results that do not belong together
 */
export function mergeResults(named: readonly NamedResult[]): LoadResult {
  const sorted = inOrder(named);
  const results = sorted.map(({ result }) => result);
  const [first] = results as [LoadResult, ...LoadResult[]];
  const tallies: Tally[] = [];
  const length = Math.max(...results.map(({ phases }) => phases.length));
  const phases = Array.from({ length }, (_, i) => {
    const { phase, tally } = mergePhase(sorted, i);
    tallies.push(tally);
    return phase;
  });
  const total = new Tally();
  for (const tally of tallies) total.add(tally);
  const { worker: _worker, ...meta } = first.meta;
  const starts = results.map(({ meta: { startedAt } }) => startedAt).toSorted((a, b) => Date.parse(a) - Date.parse(b));
  const asked = results.find(({ gateway }) => gateway !== undefined);
  return conclude({
    meta: {
      ...meta,
      startedAt: starts[0]!,
      duration: Math.max(...results.map(({ meta: { duration } }) => duration)),
      workers: results.map(({ meta: { worker, startedAt, machine } }) => ({
        index: worker!.index,
        startedAt,
        machine,
      })),
    },
    phases,
    totals: total.result(),
    reasons: [
      ...togetherReasons(results, starts),
      ...results.flatMap(({ meta: { worker }, validity }) =>
        validity.reasons.map((reason) => `Worker ${worker!.index}: ${reason}`),
      ),
    ],
    lagBound: first.validity.lagBound,
    interrupted: results.some(({ outcome }) => outcome === 'interrupted'),
    ...(asked?.gateway && { gateway: asked.gateway }),
    series: mergeSeries(results.map(({ series }) => series)),
  });
}

/** Sorted by number of the worker. @throws TunneliteError if they are not of one run */
function inOrder(named: readonly NamedResult[]): readonly NamedResult[] {
  const [first] = named;
  if (first === undefined) throw refuse('There is nothing to merge.');
  const seen = new Map<number, string>();
  for (const { file, result } of named) {
    const { worker } = result.meta;
    if (worker === undefined) {
      throw refuse(
        `${file} is the result of ${result.meta.workers ? 'several workers already' : 'a whole run'}, and not of a worker.`,
        'Merge the results of "tunnelite load --worker 1/n" to "n/n". "tunnelite load compare" compares two whole runs.',
      );
    }
    const other = seen.get(worker.index);
    if (other !== undefined) throw refuse(`${other} and ${file} are both from worker ${worker.index}.`);
    seen.set(worker.index, file);
    const { of } = first.result.meta.worker!;
    if (worker.of !== of)
      throw refuse(`${first.file} is from a run with ${of} workers, ${file} from one with ${worker.of}.`);
    if (worker.index > worker.of) throw refuse(`${file} is from worker ${worker.index} of ${worker.of}.`);
    const different = differences(sharedBy(first.result), sharedBy(result));
    if (different.length > 0) {
      throw refuse(`${first.file} and ${file} did not run the same plan: they differ in ${different.join(', ')}.`);
    }
    if (result.meta.tunnelite !== first.result.meta.tunnelite) {
      throw refuse(
        `${first.file} is from Tunnelite ${first.result.meta.tunnelite}, ${file} from ${result.meta.tunnelite}: they may measure differently.`,
        'Run all workers with the same version.',
      );
    }
  }
  return named.toSorted((a, b) => a.result.meta.worker!.index - b.result.meta.worker!.index);
}

/** What all workers have in common. Users and source addresses differ between workers. */
function sharedBy({ meta: { name, plan, seed, server }, series }: LoadResult): Readonly<Record<string, unknown>> {
  const { token: _token, password: _password, source: _source, ...shared } = plan;
  return { ...shared, name, seed, 'kind of server': server.kind, 'period of the series': series.every };
}

/** Names of the members that differ. */
export function differences(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key]));
}

function togetherReasons(results: readonly LoadResult[], starts: readonly string[]): string[] {
  const { of } = results[0]!.meta.worker!;
  const there = new Set(results.map(({ meta }) => meta.worker!.index));
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((index) => !there.has(index));
  const apart = Date.parse(starts.at(-1)!) - Date.parse(starts[0]!);
  return [
    ...(missing.length > 0
      ? [
          `Of ${of} workers ${missing.length === 1 ? `number ${missing[0]} is` : `${missing.length} are`} missing${missing.length > 1 ? ` (${numbers(missing)})` : ''}: the gateway had fewer clients than in the plan, or they are not counted.`,
        ]
      : []),
    ...(apart > MOST_APART_MS
      ? [
          `The workers started up to ${(apart / 1000).toFixed(1)} s apart by their clocks: the plan did not run simultaneously. Start them with the same --start-at, on machines with synchronized clocks.`,
        ]
      : []),
  ];
}

const numbers = (list: readonly number[]): string =>
  list.length > 10 ? `${list.slice(0, 10).join(', ')}, …` : list.join(', ');

function mergePhase(named: readonly NamedResult[], at: number): { readonly phase: PhaseResult; readonly tally: Tally } {
  const tally = new Tally();
  const dropped = new Causes();
  const parts: PhaseResult[] = [];
  for (const { file, result } of named) {
    const part = result.phases[at];
    if (part === undefined) continue;
    const [other] = parts;
    if (other && (other.name !== part.name || other.phase !== part.phase)) {
      throw refuse(`The phase ${at + 1} of ${file} is “${part.name}”, but elsewhere “${other.name}”.`);
    }
    parts.push(part);
    try {
      tally.add(Tally.of(part.measures));
    } catch (cause) {
      throw refuse(`${file}: in the phase “${part.name}”, ${errorText(cause)}.`);
    }
    for (const [why, count] of Object.entries(part.dropped)) dropped.add(why, count);
  }
  const phase: PhaseResult = {
    ...parts[0]!,
    from: Math.min(...parts.map(({ from }) => from)),
    to: Math.max(...parts.map(({ to }) => to)),
    leftOut: parts.reduce((sum, { leftOut }) => sum + leftOut, 0),
    dropped: dropped.result(),
    measures: tally.result(),
  };
  return { phase, tally };
}
