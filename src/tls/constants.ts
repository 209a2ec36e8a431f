// Sizes of the way from packet to socket, in bytes; all ours but for the first two.

/** Smallest and largest size of a TLS record's content that OpenSSL can be told to cut at. */
export const MIN_FRAGMENT = 512;
export const MAX_FRAGMENT = 16_384;

/** Bytes queued towards one peer before packets are dropped, as a router would. */
export const MAX_QUEUED_BYTES = 1_048_576;
/** Ciphertext collected before it is handed to the kernel without waiting for the end of the turn. */
export const FLUSH_BYTES = 131_072;
/** Packets of one size that are encrypted with one call: enough that the call itself does not count. */
export const GROUP_BYTES = 65_536;
/** Packets that wait while the TLS layer cannot take one at once (a renegotiation). */
export const MAX_WAITING_PACKETS = 256;
/** Milliseconds that the trial of Node's insides may take before they count as unknown. */
export const TRIAL_TIMEOUT_MS = 2_000;
/** What libuv reads from a socket at once, at most: a read that long has probably left something (its `uv__read`, `alloc_cb`). */
export const FULL_READ_BYTES = 65_536;
/** Bytes that may wait in a gate in one direction of a connection before no more are taken for now. */
export const GATE_ROOM = 1_048_576;

/** Bytes of ciphertext that TLS is handed at once until there is a tunnel: as many as fit Node's first block (see `Transport.handInPieces`). */
export const HANDSHAKE_PIECE = 1_000;
