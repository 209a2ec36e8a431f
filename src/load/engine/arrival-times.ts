import type { RandomSource } from '../../lib/random.ts';
import type { Arrivals } from '../plan/types.ts';

/**
 * Intended times of arrivals, in milliseconds since the beginning of the phase, in order. They end with the phase or after `most`, and are known
 * before the first of them: an open loop.
 *
 * @param length of the phase, in milliseconds
 */
export function arrivalTimes(arrivals: Arrivals, length: number, most: number, random: RandomSource): number[] {
  if (arrivals === 'at once') return new Array<number>(most).fill(0);
  const times: number[] = [];
  if ('constant' in arrivals) {
    const pause = 1000 / arrivals.constant;
    for (let n = 0; n < most && n * pause < length; n++) times.push(n * pause);
  } else if ('poisson' in arrivals) {
    // The sum of exponential pauses. 1 − x, because x may be 0.
    for (
      let at = pauseOf(arrivals.poisson, random);
      times.length < most && at < length;
      at += pauseOf(arrivals.poisson, random)
    ) {
      times.push(at);
    }
  } else {
    const [from, to] = arrivals.ramp.map((rate) => rate / 1000) as [number, number];
    for (let n = 0; n < most; n++) {
      const at = rampTime(n, from, to, length);
      if (!(at < length)) break;
      times.push(at);
    }
  }
  return times;
}

const pauseOf = (rate: number, random: RandomSource): number => (-Math.log(1 - random.float()) * 1000) / rate;

/**
 * The time after which `n` have arrived at a linearly changing rate: the root of `from·t + (to − from)·t²/2·length = n`. In a form that is exact even
 * if both rates are equal, and Infinity if that many never arrive.
 */
function rampTime(n: number, from: number, to: number, length: number): number {
  if (n === 0) return 0;
  const slope = (to - from) / length;
  const root = from * from + 2 * slope * n;
  if (root < 0) return Number.POSITIVE_INFINITY;
  return (2 * n) / (from + Math.sqrt(root));
}

/** Numbers from 0 to `count` − 1 in random order (Fisher and Yates). */
export function shuffled(count: number, random: RandomSource): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random.float() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
