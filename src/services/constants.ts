// Limits of the mock services. All ours: a mock has to hold under load tests without eating the machine.

/** Largest body that `/bytes/:count` makes, in bytes. */
export const MAX_DOWNLOAD_BYTES = 16 * 1024 ** 3;

/** Largest body that `/upload` takes, in bytes. */
export const MAX_UPLOAD_BYTES = 16 * 1024 ** 3;

/** How long a client may take to send its request headers, in milliseconds. */
export const SERVICE_HEADERS_TIMEOUT_MS = 30_000;

/** Bytes queued to one slow reader of the character generator before it waits. */
export const GENERATOR_CHUNK_BYTES = 64 * 1024;
