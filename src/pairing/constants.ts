// Limits and timings of pairing. All are choices of ours.

/** How long a code is good, in milliseconds. */
export const CODE_LIFE_MS = 10 * 60_000;
/** Characters of a code: 40 bits of chance, so that all tries together guess it once in a thousand million. */
export const CODE_LENGTH = 8;
/** Wrong tries of all phones together, after which a code is void. */
export const CODE_TRIES = 50;
/** Wrong tries of one address within a minute. */
export const TRIES_PER_ADDRESS = 5;
export const TRIES_WINDOW_MS = 60_000;
/** Addresses that are remembered; when there are more, those that waited longest are forgotten. */
export const MAX_ADDRESSES = 1_000;

/** Bytes of a request's body. */
export const BODY_LIMIT = 1_024;
/** Connections at once. */
export const MAX_CONNECTIONS = 100;
/** Milliseconds for a request to arrive, and for its head. */
export const REQUEST_TIMEOUT_MS = 10_000;
export const HEADERS_TIMEOUT_MS = 5_000;
/** Connections are looked through for late ones so often. */
export const CHECK_INTERVAL_MS = 1_000;
