import { cpus, totalmem } from 'node:os';
import { DTLS_HANDSHAKE_MS } from '../../client/core/index.ts';
import { version } from '../../lib/version.ts';
import type { CheckedPlan } from '../plan/read.ts';
import { conclude } from '../result/conclude.ts';
import { timeText } from '../result/judge.ts';
import type { Tally } from '../result/tally.ts';
import type { LoadMeta, LoadResult, PhaseResult } from '../result/types.ts';
import { behaviourOf } from './behaviour.ts';
import type { Books, PhaseBook } from './books.ts';
import type { Fleet } from './fleet.ts';
import type { Sampler } from './sampler.ts';
import type { LoadSurroundings } from './types.ts';

const MODEL =
  'Open loop: arrivals and requests are intended for times that were computed before the start, regardless of the gateway’s answers; durations are measured from the intended times.';

export interface ResultParts {
  readonly checked: CheckedPlan;
  readonly books: Books;
  readonly fleet: Fleet;
  readonly sampler: Sampler;
  readonly surroundings: LoadSurroundings;
  /** By the clock. */
  readonly start: number;
  readonly end: number;
  /** By the wall clock, in milliseconds. */
  readonly startedAt: number;
  readonly interrupted: boolean;
  readonly lagBound: number;
  readonly resolution: number;
}

/** Builds the result document of a run. */
export function buildResult(parts: ResultParts): LoadResult {
  const { books, sampler, start, interrupted, lagBound } = parts;
  for (const { tally, warm } of books.phases) {
    countLost(tally);
    countLost(warm);
  }
  const phases = books.phases.map((book) => phaseResult(book, start));
  const gateway = sampler.gateway();
  return conclude({
    meta: metaOf(parts),
    phases,
    totals: books.total().result(),
    reasons: phases.flatMap(({ name, measures }) => lagReason(name, measures.times.lag?.p99 ?? 0, lagBound)),
    lagBound,
    interrupted,
    ...(gateway && { gateway }),
    series: sampler.series(),
  });
}

/** Requests without an answer by now are lost. */
function countLost(tally: Tally): void {
  tally.count('requests.lost', tally.counted('requests.scheduled') - tally.counted('requests.answered'));
}

function lagReason(name: string, p99: number, bound: number): string[] {
  if (p99 <= bound * 1000) return [];
  return [
    `In the phase “${name}” the generator was ${timeText(p99)} late at the 99th percentile, more than ${timeText(bound * 1000)}: its times are those of the generator, not of the gateway. Use fewer clients or a longer period, give it its own processor, or split the run.`,
  ];
}

function phaseResult(book: PhaseBook, start: number): PhaseResult {
  const { phase, from, to, warmUntil, tally, warm, dropped } = book;
  return {
    name: phase.name,
    phase: phase.phase,
    from: Math.round(from - start),
    to: Math.round(to - start),
    planned: book.planned,
    warmup: Math.round(warmUntil - from),
    leftOut: warm.counted('requests.scheduled') + warm.counted('arrivals.planned'),
    arrivals: phase.phase === 'steady' ? undefined : (phase.arrivals ?? 'at once'),
    dropped: dropped.result(),
    measures: tally.result(),
  };
}

function metaOf({ checked, fleet, surroundings, start, end, startedAt, resolution }: ResultParts): LoadMeta {
  const { plan, name, worker } = checked;
  const { configuration } = fleet;
  const { dtls, unanswered, dtlsRetry, reconnect, timeout } = behaviourOf(plan);
  const processors = cpus();
  return {
    name,
    tunnelite: version,
    startedAt: new Date(startedAt).toISOString(),
    duration: Math.max(0, Math.round(end - start)),
    seed: plan.seed ?? 1,
    model: MODEL,
    plan,
    ...(worker && { worker }),
    server: {
      url: surroundings.url.href,
      kind: surroundings.serverKind,
      ...(configuration && { dpd: configuration.dpd }),
      ...(configuration?.dtls && { dtlsDpd: configuration.dtls.dpd }),
    },
    client: { dtls, unanswered, dtlsRetry: { ...dtlsRetry, handshake: DTLS_HANDSHAKE_MS }, reconnect, timeout },
    resolution,
    machine: {
      cpus: processors.length,
      cpu: processors[0]?.model ?? 'unknown',
      memory: totalmem(),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
    },
  };
}
