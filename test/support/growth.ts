import type { Test } from 'tap';

/** How many times as large the larger input is. */
const FACTOR = 64;
/** So many times dearer, and the cost is not in proportion: linear is 64, the square is 4096. */
const BOUND = 640;
/** Busy machines are given further chances. */
const TRIES = 5;
/** A shorter moment than this is not to be told from none, in milliseconds. */
const MOMENT = 0.05;

/**
 * Holds that an input 64 times as large costs about 64 times as much. No time is asserted, only how the cost grows.
 *
 * @param run reads an input that was made of `size` parts; what it throws is what it found
 * @param size of the smaller input: small enough for the larger one to end even where cost grows with the square
 */
export function costsInProportion<T>(
  t: Test,
  label: string,
  make: (size: number) => T,
  run: (input: T) => unknown,
  size: number,
): void {
  const [small, large] = [make(size), make(size * FACTOR)];
  const cost = (input: T): number => {
    const start = performance.now();
    try {
      run(input);
    } catch (error) {
      // The engine itself gives up: a stack or a string without end.
      if (error instanceof RangeError) throw error;
    }
    return performance.now() - start;
  };
  let least = MOMENT * 1000;
  // The first runs are those of cold code.
  for (let i = 0; i < 20; i++) least = Math.max(MOMENT, Math.min(least, cost(small)));
  let ratio = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES && ratio >= BOUND; i++) ratio = Math.min(ratio, cost(large) / least);
  t.ok(ratio < BOUND, `${label}: ${FACTOR} times the input cost ${ratio.toFixed(0)} times as much`);
}
