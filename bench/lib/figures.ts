/** What the benchmarks print of many measurements of one thing. */

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = low] = sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1);
  return (low + high) / 2;
}

export function least(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : Math.min(...values);
}

/** A number with as many digits as its size leaves sense in. */
export function digits(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** `3.10 (least 2.95)`; a dash for none. */
export function medianAndLeast(values: readonly number[]): string {
  return values.length === 0 ? '–' : `${digits(median(values))} (least ${digits(least(values))})`;
}

const ratio = (value: number): string => (Number.isFinite(value) ? `${value.toFixed(2)} ×` : '–');

/** `1.62 ×`, of the medians; a dash where one of them is missing. */
export function times(ours: readonly number[], theirs: readonly number[]): string {
  return ratio(median(ours) / median(theirs));
}

/** `0.60 × (0.58 × by the least)`: on a busy machine the least is what was disturbed least. */
export function timesAndLeast(ours: readonly number[], theirs: readonly number[]): string {
  return `${times(ours, theirs)} (${ratio(least(ours) / least(theirs))} by the least)`;
}

/** Each in turn, and the other way round in the next round, so that none always comes first. */
export async function inTurns<T>(
  rounds: number,
  contenders: readonly T[],
  measure: (contender: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) await measure(contender, round);
  }
}
