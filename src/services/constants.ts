// Limits of the mock services. All are own choices: a mock must survive load tests without exhausting the machine.

/** Largest body of `/bytes/:count`, in bytes. */
export const MAX_DOWNLOAD_BYTES = 16 * 1024 ** 3;

/** Largest body that `/upload` accepts, in bytes. */
export const MAX_UPLOAD_BYTES = 16 * 1024 ** 3;

/**
 * Most requests at a time over one HTTP/2 connection (RFC 9113 §6.5.2 recommends no fewer than 100). Node's default is no limit, and close
 * to a limit it refuses requests of clients that keep it.
 */
export const MAX_HTTP2_STREAMS = 1_000;

/** Requests of one HTTP/1.1 connection that may wait for their answers before no more are read. */
export const MAX_PIPELINED = 100;

/** Timeout for request headers, in milliseconds. */
export const SERVICE_HEADERS_TIMEOUT_MS = 30_000;

/** Bytes to queue for one slow reader of the character generator. */
export const GENERATOR_CHUNK_BYTES = 64 * 1024;

/** Largest body that other routes accept, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Largest file that the web application accepts, in bytes. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Most bytes of bodies to hold in memory at a time; a session gets at most half of what the others leave. */
export const MAX_HELD_BYTES = 128 * 1024 * 1024;

/** Memory for the beginning of a body, in bytes; it doubles as the body grows. */
export const FIRST_BODY_BYTES = 4_096;

/** Most sessions, items, messages and counters that a site keeps; the oldest are dropped first. */
export const MAX_REMEMBERED = 1_000;

/** Longest delay that a client can request, in milliseconds. */
export const MAX_DELAY_MS = 60_000;

/** Default timeout of a long poll, in milliseconds. */
export const POLL_MS = 30_000;

/** Largest WebSocket message, in bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Largest head of a request to a proxy, in bytes. */
export const MAX_PROXY_HEAD_BYTES = 32 * 1024;

/** Most interim answers (RFC 9110 §15.2) of a site to one request through a proxy. */
export const MAX_INTERIM = 100;

/** Idle timeout of a connection to a proxy, in milliseconds. */
export const PROXY_IDLE_MS = 60_000;

/** How long a refused connection is still read, in milliseconds, so that its client sees the reason (RFC 9112 §9.6). */
export const LINGER_MS = 2_000;

/** Most connections to upstreams observed for HTTP at once, and the largest heads: the limits of Node's own servers and clients. */
export const MAX_WATCHED_CONNECTIONS = 512;
export const WATCHED_HEADS = {
  target: 8 * 1024,
  head: 16 * 1024,
  headerCount: 200,
  pipelined: 32,
  pipelinedBytes: 32 * 1024,
} as const;
