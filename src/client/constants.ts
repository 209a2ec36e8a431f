// Limits and timings of the client inside the tunnel.

/** Time limit for opening a TCP connection through the tunnel, in milliseconds. */
export const OPEN_TIMEOUT_MS = 15_000;

/** Time between two attempts of one DNS query, in milliseconds (RFC 1035 §4.2.1 advises 2 to 5 s; a tunnel on one machine is faster). */
export const DNS_RETRY_MS = 1_000;

/** Attempts of one DNS query before it counts as unanswered. */
export const DNS_TRIES = 4;
