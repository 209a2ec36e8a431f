// Sizes for the path from packet to socket, in bytes. All are our values except the first two.

/** Smallest and largest fragment size of TLS records that OpenSSL accepts. */
export const MIN_FRAGMENT = 512;
export const MAX_FRAGMENT = 16_384;

/** Bytes queued for one peer before packets are dropped, as in a router. */
export const MAX_QUEUED_BYTES = 1_048_576;
/** Amount of collected ciphertext that is passed to the kernel before the end of the turn. */
export const FLUSH_BYTES = 131_072;
/** Number of packets of one size that are encrypted with one call: enough to make the cost of the call negligible. */
export const GROUP_BYTES = 65_536;
/** Number of packets that wait while the TLS layer cannot accept one at once (a renegotiation). */
export const MAX_WAITING_PACKETS = 256;
/** Duration in milliseconds after which the trial of Node's internals fails. */
export const TRIAL_TIMEOUT_MS = 2_000;
/** Largest read of libuv from a socket: after a read of this length, there is probably more to read (its `uv__read`, `alloc_cb`). */
export const FULL_READ_BYTES = 65_536;
/** Bytes that may wait in a gate, in one direction of a connection, before it accepts no more for now. */
export const GATE_ROOM = 1_048_576;

/** Bytes of ciphertext that TLS gets at once until there is a tunnel: the capacity of Node's first block (see `Transport.handInPieces`). */
export const HANDSHAKE_PIECE = 1_000;
