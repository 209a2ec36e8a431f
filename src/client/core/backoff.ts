import type { RandomSource } from '../../lib/random.ts';

/**
 * How long to wait after a failure: twice as long after each, up to `most`, less up to a half by chance, so that clients that
 * failed together do not come back together.
 *
 * @param failures how many there were before this one
 */
export function backoff(failures: number, first: number, most: number, random: RandomSource): number {
  const pause = Math.min(most, first * 2 ** Math.min(failures, 30));
  return pause * (1 - random.float() / 2);
}
