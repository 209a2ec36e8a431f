// Limits and timings of the client's side inside the tunnel.

/** How long a TCP connection through the tunnel may take to open, in milliseconds. */
export const OPEN_TIMEOUT_MS = 15_000;

/** Time between two tries of one DNS question, in milliseconds (RFC 1035 §4.2.1 advises 2 to 5 s; a tunnel on one machine is quicker). */
export const DNS_RETRY_MS = 1_000;

/** Tries of one DNS question before it counts as unanswered. */
export const DNS_TRIES = 4;
