/** What may go wrong in the engine itself. What goes wrong in the client has a code of Tunnelite's: docs/reference/errors.md. */
export type EngineErrorCode =
  /** The script says something that means nothing to the engine. */
  | 'ERR_ENGINE_SCRIPT'
  /** A step needs a tunnel, and there is none. */
  | 'ERR_ENGINE_NOT_CONNECTED'
  /** No token is available. */
  | 'ERR_ENGINE_TOKEN'
  /** An answer has another status than the step expects. */
  | 'ERR_ENGINE_STATUS'
  /** An answer is not the one that the step expects. */
  | 'ERR_ENGINE_ANSWER'
  /** What the step waits for did not happen in time. */
  | 'ERR_ENGINE_TIMEOUT';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The name under which an error is counted: its code, or what kind of error it is. */
export function codeOf(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    name?: unknown;
  };
  for (const word of [code, name]) if (typeof word === 'string' && /^[A-Za-z][\w-]{0,63}$/.test(word)) return word;
  return 'UNKNOWN';
}

/** An error in words, with what to do next where it says so. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint } = error as { hint?: unknown };
  return typeof hint === 'string' ? `${error.message} ${hint}` : error.message;
}
