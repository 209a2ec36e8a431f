import { TunneliteError } from './errors.ts';
import { printable } from './printable.ts';

/** Accepted values besides integers. */
export interface CountLimits {
  /** Default 0. */
  readonly least?: number;
  /** Whether Infinity stands for all. */
  readonly endless?: boolean;
}

/**
 * Checks a count from a program: an integer. NaN would never be reached.
 * @param what what is counted, for the message
 * @throws TunneliteError `ERR_COUNT_INVALID`
 */
export function checkCount(what: string, count: number, { least = 0, endless = false }: CountLimits = {}): number {
  if (Number.isSafeInteger(count) && count >= least) return count;
  if (endless && count === Number.POSITIVE_INFINITY) return count;
  const given = typeof count === 'number' ? String(count) : printable(String(count).slice(0, 80));
  throw new TunneliteError('ERR_COUNT_INVALID', `${what} must be a whole number of at least ${least}, not ${given}.`);
}
