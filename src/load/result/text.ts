import { printable } from '../../lib/printable.ts';
import { TIME_NAMES } from '../plan/metrics.ts';
import { ownCount } from '../plan/worker.ts';
import { timeText } from './judge.ts';
import type { LoadResult, Measures, PhaseResult } from './types.ts';

/** A result as readable text. */
export function resultText(result: LoadResult): string {
  const { meta, outcome, validity, phases, totals, thresholds, gateway } = result;
  const lines = [
    `${meta.name}: ${outcome}`,
    `  ${clientsText(meta)} to ${meta.server.url} (${meta.server.kind}${dpdText(meta)}), seed ${meta.seed}, ${seconds(meta.duration)}`,
    ...workersText(meta),
    `  ${meta.model}`,
    ...phases.flatMap((phase) => phaseLines(phase, result)),
    'All phases',
    ...measureLines(totals, result),
  ];
  const refusals = Object.entries(totals.refusals).toSorted((a, b) => b[1] - a[1]);
  if (refusals.length > 0) {
    lines.push('Refusals', ...refusals.map(([cause, count]) => `  ${String(count).padStart(6)}  ${cause}`));
  }
  if (gateway) {
    const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    const delay = gateway.loopDelay
      ? `, loop delay p99 ${gateway.loopDelay.p99.toFixed(1)} ms, max ${gateway.loopDelay.max.toFixed(1)} ms`
      : '';
    lines.push(
      `Gateway (by ${gateway.source}): ${gateway.cpu.toFixed(2)} s of processor time, RSS ${mib(gateway.rss.first)} to ${mib(gateway.rss.last)}, at most ${mib(gateway.rss.max)}${delay}`,
    );
  }
  if (thresholds.length > 0) {
    lines.push('Thresholds');
    for (const { passed, text, phase } of thresholds) {
      lines.push(`  ${passed ? 'ok    ' : 'NOT OK'}  ${phase === undefined ? '' : `${phase}: `}${text}`);
    }
  }
  lines.push(...validity.reasons.map((reason) => `Invalid: ${reason}`));
  // Names and causes may come from an untrusted file.
  return `${lines.map(printable).join('\n')}\n`;
}

function clientsText({ plan: { clients }, worker }: LoadResult['meta']): string {
  return worker
    ? `worker ${worker.index} of ${worker.of}, ${ownCount(clients, worker)} of ${clients} clients`
    : `${clients} clients`;
}

function workersText({ worker, workers }: LoadResult['meta']): string[] {
  if (worker) return ['  Thresholds are evaluated when the results of all workers are merged.'];
  return workers ? [`  ${workers.length} workers, merged`] : [];
}

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

function dpdText({ server: { dpd, dtlsDpd } }: LoadResult['meta']): string {
  return dpd === undefined
    ? ''
    : `, DPD ${dpd} s${dtlsDpd === undefined || dtlsDpd === dpd ? '' : `, over DTLS ${dtlsDpd} s`}`;
}

function phaseLines(phase: PhaseResult, result: LoadResult): string[] {
  const { name, from, to, arrivals, measures, dropped, leftOut } = phase;
  const process = arrivals === undefined ? '' : `, ${arrivalsText(arrivals)}`;
  return [
    `${name} (${seconds(from)} to ${seconds(to)}${process})`,
    ...measureLines(measures, result),
    ...Object.entries(dropped).map(([why, count]) => `  ${count} arrivals dropped: ${why}`),
    ...(leftOut > 0 ? [`  ${leftOut} requests and arrivals of the warm-up excluded`] : []),
  ];
}

/** An arrival process in words. */
export function arrivalsText(arrivals: NonNullable<PhaseResult['arrivals']>): string {
  if (arrivals === 'at once') return arrivals;
  if ('constant' in arrivals) return `${arrivals.constant} arrivals per second`;
  if ('poisson' in arrivals) return `${arrivals.poisson} arrivals per second on average`;
  return `from ${arrivals.ramp[0]} to ${arrivals.ramp[1]} arrivals per second`;
}

function measureLines({ times, counters }: Measures, { meta }: LoadResult): string[] {
  const lag = times.lag ? `   (lag p99 ${timeText(times.lag.p99)})` : '';
  const lines: string[] = [];
  for (const name of TIME_NAMES) {
    const time = times[name];
    if (!time) continue;
    const figures = [
      ['p50', time.p50],
      ['p90', time.p90],
      ['p99', time.p99],
      ['max', time.max],
    ] as const;
    const text = figures.map(([key, value]) => `${key} ${timeText(value).padStart(8)}`).join('  ');
    lines.push(
      `  ${name.padEnd(15)} ${String(time.count).padStart(7)}  ${text}${name === 'lag' ? `  sum ${timeText(time.sum)}` : lag}`,
    );
    if (name === 'fallback' || name === 'interruption')
      lines.push(`${' '.repeat(27)}resolution ± ${meta.resolution} ms, the request period`);
    if (name === 'return') {
      const { first, most, handshake } = meta.client.dtlsRetry;
      lines.push(
        `${' '.repeat(27)}clients try a handshake for ${seconds(handshake)}, and again after ${seconds(first)} up to ${seconds(most)}, less up to a half`,
      );
    }
  }
  const counts = Object.entries(counters).filter(([, count]) => count > 0);
  for (let at = 0; at < counts.length; at += 5) {
    lines.push(
      `  ${counts
        .slice(at, at + 5)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    );
  }
  return lines;
}
