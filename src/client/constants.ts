// Limits and timings of the client.

/** Largest header block taken from a gateway; the complete set of the reference with 500 routes is about 30 KB. */
export const MAX_RESPONSE_HEADER_BYTES = 128 * 1024;

/** Largest answer body of the authentication phase. */
export const MAX_RESPONSE_BODY_BYTES = 1024 * 1024;

/** How long connecting, authenticating and opening the tunnel may take together, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 30_000;

/** How long a TCP connection through the tunnel may take to open, in milliseconds. */
export const OPEN_TIMEOUT_MS = 15_000;

/** Time between two tries of one DNS question, in milliseconds (RFC 1035 §4.2.1 advises 2 to 5 s; a tunnel on one machine is quicker). */
export const DNS_RETRY_MS = 1_000;

/** Tries of one DNS question before it counts as unanswered. */
export const DNS_TRIES = 4;

/** Packets that wait for the TLS connection before further ones are dropped, as by a router with a full queue. */
export const MAX_QUEUED_PACKETS = 4_096;

/** How often the client looks whether the gateway is alive, as a share of the DPD period (openconnect uses one half). */
export const DPD_CHECK_SHARE = 0.5;

/** How long a goodbye may take before the connection is cut, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 1_000;
