/*
 * Timings and limits of connections and their requests. Protocol values are those of ocserv 1.3.0, the server that Microsoft Tunnel Gateway
 * is based on; implementation values are our own choice.
 */

// Protocol
/** Requests answered on one connection; the next one closes it (observed: ocserv 1.3.0). */
export const MAX_REQUESTS_PER_CONNECTION = 16;

/** Limits of a request. */
export const REQUEST_LIMITS = {
  /** Longest request target in bytes (observed: ocserv 1.3.0). */
  target: 255,
  // Implementation
  /** Request line and headers together, in bytes: tokens of 16 KB fit several times over. */
  head: 131_072,
  headerCount: 256,
  /** Bytes. */
  body: 65_536,
} as const;

// Implementation
/** Bytes kept from the start of a connection until its first request: the ClientHello, used to explain a failed handshake. */
export const FIRST_BYTES = 2048;
/** Longest duration of a TLS handshake, in seconds. */
export const HANDSHAKE_TIMEOUT = 30;
/** Seconds that a closed connection waits for its peer to close as well. */
export const CLOSE_TIMEOUT = 5;
