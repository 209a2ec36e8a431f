/** Longest accepted token, in characters. The gateway's HTTP header limit is similar; real tokens have 1 to 3 KiB. */
export const MAX_TOKEN_CHARACTERS = 16 * 1024;

/** Longest user name that the gateway keeps, in characters (microsoft/mstunnel-ocserv). */
export const MAX_USER_NAME_CHARACTERS = 63;

/** Longest sign-in name kept for display, in characters: Entra allows 113. */
export const MAX_SIGN_IN_NAME_CHARACTERS = 113;

/** `strict` policy: keys older than this are refreshed in the background, in seconds (Microsoft: "Signing key rollover"). */
export const STRICT_BACKGROUND_REFRESH = 3600;

/** `strict` policy: keys older than this are refreshed before use, in seconds (Microsoft: "Signing key rollover"). */
export const STRICT_TIME_TO_LIVE = 24 * 3600;

/** Delay after a failed download (own choice), in seconds. */
export const FAILURE_COOL_DOWN = 10;

/** Largest metadata document or key set (own choice; Entra's key sets have about 20 KiB), in bytes. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Most keys taken from one key set (Microsoft: "Signing key rollover"). */
export const MAX_KEYS = 1000;

/** Timeout for a document (own choice), in milliseconds. */
export const FETCH_TIMEOUT = 10_000;

/** Smallest accepted RSA modulus (RFC 7518 §3.3), in bits. */
export const MIN_RSA_BITS = 2048;

/** Parsed headers of verified tokens to keep (own choice): each key and token version needs one. */
export const REMEMBERED_HEADERS = 16;
