// Limits and timings of pairing. All are own choices.

/** Lifetime of a code, in milliseconds. */
export const CODE_LIFE_MS = 10 * 60_000;
/** Length of a code in characters: 40 random bits, so all allowed attempts together succeed once in a billion. */
export const CODE_LENGTH = 8;
/** Wrong attempts of all phones together that void a code. */
export const CODE_TRIES = 50;
/** Wrong attempts allowed per address and minute. */
export const TRIES_PER_ADDRESS = 5;
export const TRIES_WINDOW_MS = 60_000;
/** Addresses to remember; beyond that, the least recent ones are forgotten. */
export const MAX_ADDRESSES = 1_000;

/** Largest request body, in bytes. */
export const BODY_LIMIT = 1_024;
/** Most concurrent connections. */
export const MAX_CONNECTIONS = 100;
/** Timeouts for a request and for its head, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 10_000;
export const HEADERS_TIMEOUT_MS = 5_000;
/** Interval of the check for timed-out connections, in milliseconds. */
export const CHECK_INTERVAL_MS = 1_000;
