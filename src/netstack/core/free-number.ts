import { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';

/** Numbers that flows of this side's making are told apart by. */
export interface NumberRange {
  readonly first: number;
  /** A power of two, so that each is drawn as often as any other. */
  readonly count: number;
  /** For the message when all are taken. */
  readonly name: string;
}

/** Ports that are given to nobody for good (RFC 6335 §6). */
export const EPHEMERAL_PORTS: NumberRange = { first: 49_152, count: 16_384, name: 'ephemeral ports' };
/** Identifiers of echo requests (RFC 792). */
export const ECHO_IDENTIFIERS: NumberRange = { first: 0, count: 65_536, name: 'echo identifiers' };

/**
 * The number of a new flow: the one that is asked for, or else an unpredictable one (RFC 6056 §3.3.1, RFC 5452 §9.2), and where that is
 * taken the next that is free.
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
    hint: 'Close flows that are no longer needed, wait until old connections have left TIME-WAIT, or use another address.',
  });
}
