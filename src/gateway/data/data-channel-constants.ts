/**
 * Timings and limits of the DTLS data channel. Times in milliseconds. "Spec" values are those of the real server
 * (reference/openconnect-protocol.md), "ours" are choices that no client can tell from a fast network.
 */

/**
 * Ours: CSTP data that arrives this soon after a DTLS packet was sent before the client moved to DTLS, and is late
 * because TCP is. It does not move data back.
 */
export const STRAGGLER_MS = 250;

/** Ours: data over DTLS unanswered for this long is followed by a DPD request, once per such interval. */
export const UNANSWERED_PROBE_MS = 1000;

/** Ours: data over DTLS unanswered for this long moves to CSTP. The real server's switch-to-tcp-timeout, there 25 s (§9). */
export const UNANSWERED_SWITCH_MS = 3500;

/** Ours: a client that was offered DTLS and sent nothing to the UDP port for this long is told of in the log; clients begin at once. */
export const NEVER_ARRIVED_MS = 10_000;

/** Ours: how often silence is looked at. */
export const SILENCE_SCAN_MS = 500;

/** Ours: smallest slot for a datagram, and room beyond the link MTU for clients that probe above it. In bytes. */
export const MIN_DATAGRAM_SLOT = 2048;
export const DATAGRAM_HEADROOM = 256;

/** Ours: how long after the end of an association what its peer still sends is nothing to tell. */
export const AFTER_END_MS = 10_000;

/** Ours: how long after the end of a tunnel a ClientHello for it is nothing to tell. Its client may not have heard yet; later, it is mistaken. */
export const HELLO_AFTER_END_MS = 2_000;

/** Endpoints whose session is known by their ClientHello alone, while faults are injected; beyond it they are forgotten. */
export const MAX_NEWCOMERS = 4096;
