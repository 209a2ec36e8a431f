/**
 * Timings and limits of the DTLS data channel. Times in milliseconds. "Spec" values are those of ocserv 1.3.0, "ours" are
 * choices that a client cannot distinguish from a fast network.
 */

/**
 * Ours: CSTP data that arrives this soon after a DTLS packet was sent before the client moved to DTLS, and is late
 * because TCP is. It does not move data back.
 */
export const STRAGGLER_MS = 250;

/** Ours: data over DTLS unanswered for this long is followed by a DPD request, once per such interval. */
export const UNANSWERED_PROBE_MS = 1000;

/** Ours: data over DTLS unanswered for this long moves to CSTP. Corresponds to `switch-to-tcp-timeout`, 25 s in ocserv's sample configuration. */
export const UNANSWERED_SWITCH_MS = 3500;

/** Ours: a client that was offered DTLS and sent nothing to the UDP port for this long is logged; clients normally start at once. */
export const NEVER_ARRIVED_MS = 10_000;

/** Ours: interval of the checks for silence. */
export const SILENCE_SCAN_MS = 500;

/** Ours: smallest slot for a datagram, and room beyond the link MTU for clients that probe above it. In bytes. */
export const MIN_DATAGRAM_SLOT = 2048;
export const DATAGRAM_HEADROOM = 256;

/** Ours: how long after the end of an association packets from its peer are not logged. */
export const AFTER_END_MS = 10_000;

/** Ours: how long after the end of a tunnel a ClientHello for it is not logged: the client may not know yet. A later one is an error. */
export const HELLO_AFTER_END_MS = 2_000;

/** Most endpoints identified only by their ClientHello while faults are injected; beyond this number they are dropped. */
export const MAX_NEWCOMERS = 4096;
