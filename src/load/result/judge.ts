import { durationText } from '../../lib/duration.ts';
import { isThreshold, type Operator, parseThreshold, type Threshold } from '../plan/threshold.ts';
import type { Measures, ThresholdResult } from './types.ts';

const HOLDS: Readonly<Record<Operator, (actual: number, value: number) => boolean>> = {
  '<': (actual, value) => actual < value,
  '<=': (actual, value) => actual <= value,
  '>': (actual, value) => actual > value,
  '>=': (actual, value) => actual >= value,
  '==': (actual, value) => actual === value,
  '!=': (actual, value) => actual !== value,
};

/** Evaluates thresholds that were already validated. @param phase its name; omitted for all phases together */
export function judge(thresholds: readonly string[], measures: Measures, phase?: string): ThresholdResult[] {
  return thresholds.flatMap((text) => {
    const threshold = parseThreshold(text);
    if (!isThreshold(threshold)) return [];
    const actual = actualOf(threshold, measures);
    const passed = actual !== undefined && HOLDS[threshold.operator](actual, threshold.value);
    return [
      {
        threshold: text,
        ...(phase === undefined ? {} : { phase }),
        passed,
        actual: actual ?? null,
        text: `${text}: ${actual === undefined ? 'nothing was measured' : shown(threshold, actual)}`,
      },
    ];
  });
}

function actualOf(threshold: Threshold, { times, counters }: Measures): number | undefined {
  if ('time' in threshold) {
    const time = times[threshold.time];
    if (threshold.statistic === 'count') return time?.count ?? 0;
    return time === undefined || time.count === 0 ? undefined : time[threshold.statistic];
  }
  const { counter, of } = threshold;
  if (of === undefined) return counters[counter];
  return counters[of] === 0 ? undefined : counters[counter] / counters[of];
}

function shown(threshold: Threshold, actual: number): string {
  if ('time' in threshold) return threshold.statistic === 'count' ? String(actual) : timeText(actual);
  return threshold.of === undefined ? String(actual) : `${Number((actual * 100).toPrecision(3))} %`;
}

/** Formats microseconds: `4.12 s`, `12.3 ms`, `650 µs`. */
export function timeText(microseconds: number): string {
  if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
  if (microseconds < 1_000_000) return `${Number((microseconds / 1000).toPrecision(3))} ms`;
  if (microseconds < 120_000_000) return `${Number((microseconds / 1_000_000).toPrecision(3))} s`;
  return durationText(Math.round(microseconds / 1_000_000) * 1000);
}
