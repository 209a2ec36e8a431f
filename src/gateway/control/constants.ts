/*
 * Timings and limits of connections and their requests. Protocol values are the real server's (reference openconnect-protocol, section in
 * brackets); implementation values are ours.
 */

// Protocol
/** Requests answered on one connection; the next one closes it [§3]. */
export const MAX_REQUESTS_PER_CONNECTION = 16;

/** What a request may have. */
export const REQUEST_LIMITS = {
  /** Longest request target in bytes [§3]. */
  target: 255,
  // Implementation
  /** Request line and headers together, in bytes: tokens of 16 KB fit several times over. */
  head: 131_072,
  headerCount: 256,
  /** Bytes. */
  body: 65_536,
} as const;

// Implementation
/** Bytes from the begin of a connection that are kept until its first request: a ClientHello, with which a failure is explained. */
export const FIRST_BYTES = 2048;
/** Seconds that a TLS handshake may take. */
export const HANDSHAKE_TIMEOUT = 30;
/** Seconds that a closed connection may linger for its peer to close too. */
export const CLOSE_TIMEOUT = 5;
