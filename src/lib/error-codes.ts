/**
 * Every error code of the project, in one table: what happened (`summary`) and what to do next (`hint`).
 * `docs/errors.md` shows the same table; a test compares both.
 *
 * Add codes in the section of the module that raises them; a code is never renamed once published.
 */
export const ERROR_CODES = {
  // lib
  ERR_INTERNAL: {
    summary: 'A condition that the code rules out was met.',
    hint: 'Report this with the log lines before it.',
  },
  ERR_CLOSED: {
    summary: 'The object was used after it was closed.',
    hint: 'Keep it open for as long as it is in use, or make a new one.',
  },
  ERR_TIMEOUT: {
    summary: 'A wait ended before what it waited for happened.',
    hint: 'Look at the journal for what happened instead, or wait longer.',
  },
  // wire
  // config
  // certs
  // telemetry
  // dtls
  // netstack
  // identity
  // gateway
  // resources
  // client
  // simulator and cli
} as const satisfies Record<string, { readonly summary: string; readonly hint: string }>;

/** One of the stable codes that a {@link TunneliteError} carries. */
export type ErrorCode = keyof typeof ERROR_CODES;
