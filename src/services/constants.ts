// Limits of the mock services. All ours: a mock has to hold under load tests without eating the machine.

/** Largest body that `/bytes/:count` makes, in bytes. */
export const MAX_DOWNLOAD_BYTES = 16 * 1024 ** 3;

/** Largest body that `/upload` takes, in bytes. */
export const MAX_UPLOAD_BYTES = 16 * 1024 ** 3;

/** How long a client may take to send its request headers, in milliseconds. */
export const SERVICE_HEADERS_TIMEOUT_MS = 30_000;

/** Bytes queued to one slow reader of the character generator before it waits. */
export const GENERATOR_CHUNK_BYTES = 64 * 1024;

/** Largest body that the other routes take, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Largest file that the web application takes, in bytes. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Sessions, items, messages and counters that a site remembers; the oldest go first. */
export const MAX_REMEMBERED = 1_000;

/** Longest delay that a client may ask for, in milliseconds. */
export const MAX_DELAY_MS = 60_000;

/** How long a long poll waits unless the client says otherwise, in milliseconds. */
export const POLL_MS = 30_000;

/** Largest message over WebSocket, in bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Largest head of a request to a proxy, in bytes. */
export const MAX_PROXY_HEAD_BYTES = 32 * 1024;

/** How long a connection to a proxy may wait for a request, in milliseconds. */
export const PROXY_IDLE_MS = 60_000;

/** How long a connection that was refused is still read, in milliseconds, so that its client sees why (RFC 9112 §9.6). */
export const LINGER_MS = 2_000;

/** Connections to upstreams that are watched for HTTP at a time, and the heads that are kept of each: those of Node's own servers and clients. */
export const MAX_WATCHED_CONNECTIONS = 512;
export const WATCHED_HEADS = {
  target: 8 * 1024,
  head: 16 * 1024,
  headerCount: 200,
  pipelined: 32,
  pipelinedBytes: 32 * 1024,
} as const;
