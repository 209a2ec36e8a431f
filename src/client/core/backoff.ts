import type { RandomSource } from '../../lib/random.ts';

/**
 * Delay after a failure: doubles with each one, up to `most`, minus a random part of up to a half, so that clients that
 * failed together do not return together.
 *
 * @param failures number of failures before this one
 */
export function backoff(failures: number, first: number, most: number, random: RandomSource): number {
  const pause = Math.min(most, first * 2 ** Math.min(failures, 30));
  return pause * (1 - random.float() / 2);
}
