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

/** Ours: how often silence is looked at. */
export const SILENCE_SCAN_MS = 500;

/** Spec: bytes of X-DTLS-App-ID and X-DTLS-Session-ID (§5.2). */
export const APP_ID_BYTES = 32;

/** Spec: extension in which older clients repeat the App-ID, with a length byte (§7.2). */
export const APP_ID_EXTENSION = 48_018;

/** Spec: the pre-shared key is exported from the CSTP connection's TLS session, 32 bytes, no context (§7.2). */
export const PSK_LABEL = 'EXPORTER-openconnect-psk';
export const PSK_BYTES = 32;

/** Ours: smallest slot for a datagram, and room beyond the link MTU for clients that probe above it. In bytes. */
export const MIN_DATAGRAM_SLOT = 2048;
export const DATAGRAM_HEADROOM = 256;

/** Ours: refusals of one kind told in the journal within a window; the rest are only counted. */
export const REFUSALS_PER_WINDOW = 5;
export const REFUSAL_WINDOW_MS = 1000;
