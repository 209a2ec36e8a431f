import { Type } from '../lib/schema/index.ts';

/* Faults of the bytes under TLS, with the names, units and meanings of Toxiproxy's toxics. */

/** Stages of a connection that a rule can wait for. */
export const TCP_KINDS: readonly string[] = ['handshake', 'request', 'tunnel'];

const of = <const Needs extends readonly string[], const May extends readonly string[]>(
  needs: Needs,
  may: May,
  text: string,
) => ({ seams: ['tcp'] as const, needs, may, text });

/** Toxiproxy's toxics. */
export const TCP_ACTIONS = {
  latency: of(['latency'], ['jitter'], 'Bytes arrive `latency` ms later, plus or minus up to `jitter` ms, in order.'),
  bandwidth: of(['rate'], [], 'Each direction is limited to `rate` KB (1000 bytes) per second.'),
  slow_close: of(['delay'], [], 'The end of the connection arrives `delay` ms later; earlier bytes are not delayed.'),
  timeout: of(
    ['timeout'],
    [],
    'Bytes are lost. The connection is closed after `timeout` ms; with 0, when the rule is removed.',
  ),
  reset_peer: of([], ['timeout'], 'The connection ends with a TCP reset, at once or after `timeout` ms.'),
  slicer: of(
    ['average_size'],
    ['size_variation', 'delay'],
    'Bytes arrive in slices of `average_size`, plus or minus up to `size_variation`, each `delay` microseconds after the previous one.',
  ),
  limit_data: of(['bytes'], [], 'The connection is closed after `bytes` bytes in a direction.'),
};

const MAX_MS = 86_400_000;
const whole = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }));

/** Members of `then` that only these actions have. */
export const TCP_MEMBERS = {
  latency: whole(0, MAX_MS, 'Milliseconds.'),
  rate: whole(1, 100_000_000, 'Thousand bytes per second.'),
  delay: whole(0, MAX_MS, 'Of `slow_close` milliseconds, of `slicer` microseconds.'),
  timeout: whole(0, MAX_MS, 'Milliseconds.'),
  average_size: whole(1, 1_000_000, 'Bytes.'),
  size_variation: whole(0, 1_000_000, 'Bytes, fewer than `average_size`.'),
};

/** Largest number of bytes for `limit_data`. */
export const MAX_LIMIT = 1_000_000_000_000;
