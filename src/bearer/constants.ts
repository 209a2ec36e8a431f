/** Longest token looked at, in characters. The gateway's HTTP header limit is of this order; real tokens have 1 to 3 KiB. */
export const MAX_TOKEN_CHARACTERS = 16 * 1024;

/** Longest user name that the gateway keeps, in characters (microsoft/mstunnel-ocserv). */
export const MAX_USER_NAME_CHARACTERS = 63;

/** Longest sign-in name kept for showing, in characters: Entra allows 113. */
export const MAX_SIGN_IN_NAME_CHARACTERS = 113;

/** `strict` policy: keys older than this are refreshed in the background, in seconds (Microsoft: "Signing key rollover"). */
export const STRICT_BACKGROUND_REFRESH = 3600;

/** `strict` policy: keys older than this are refreshed before use, in seconds (Microsoft: "Signing key rollover"). */
export const STRICT_TIME_TO_LIVE = 24 * 3600;

/** After a failed download the next one waits this long (own choice), in seconds. */
export const FAILURE_COOL_DOWN = 10;

/** Largest metadata document or key set read (own choice; Entra's key sets have about 20 KiB), in bytes. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Most keys taken from one key set (Microsoft: "Signing key rollover"). */
export const MAX_KEYS = 1000;

/** A document that is not there after this time is given up (own choice), in milliseconds. */
export const FETCH_TIMEOUT = 10_000;

/** Smallest RSA modulus taken (RFC 7518 §3.3), in bits. */
export const MIN_RSA_BITS = 2048;

/** Headers of verified tokens kept parsed (own choice): one for each key and token version is needed. */
export const REMEMBERED_HEADERS = 16;
