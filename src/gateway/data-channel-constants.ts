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
