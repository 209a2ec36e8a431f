import { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';

/** Numbers that identify flows opened by this side. */
export interface NumberRange {
  readonly first: number;
  /** A power of two, so that each number is equally likely. */
  readonly count: number;
  /** For the error message when all are in use. */
  readonly name: string;
}

/** Dynamic ports, which are never assigned (RFC 6335 §6). */
export const EPHEMERAL_PORTS: NumberRange = { first: 49_152, count: 16_384, name: 'ephemeral ports' };
/** Identifiers of echo requests (RFC 792). */
export const ECHO_IDENTIFIERS: NumberRange = { first: 0, count: 65_536, name: 'echo identifiers' };

/**
 * The number of a new flow: the requested one, or an unpredictable one (RFC 6056 §3.3.1, RFC 5452 §9.2); if that is in use, the next free
 * one.
 *
 * @param wanted undefined = any
 * @throws TunneliteError `ERR_NETSTACK_PORT_IN_USE`
 */
export function freeNumber(
  random: RandomSource,
  range: NumberRange,
  taken: (number: number) => boolean,
  wanted: number | undefined,
): number {
  const { first, count, name } = range;
  if (wanted !== undefined) {
    if (taken(wanted)) throw new TunneliteError('ERR_NETSTACK_PORT_IN_USE');
    return wanted;
  }
  const start = random.uint32();
  for (let i = 0; i < count; i++) {
    const number = first + ((start + i) & (count - 1));
    if (!taken(number)) return number;
  }
  throw new TunneliteError('ERR_NETSTACK_PORT_IN_USE', `All ${count} ${name} between these two ends are in use.`, {
    hint: 'Close unneeded flows, wait until old connections have left TIME-WAIT, or use another address.',
  });
}
