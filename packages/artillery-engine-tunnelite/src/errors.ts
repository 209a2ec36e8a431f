/** Errors of the engine itself. Errors of the client have a Tunnelite code: docs/reference/errors.md. */
export type EngineErrorCode =
  /** The script contains something that the engine does not understand. */
  | 'ERR_ENGINE_SCRIPT'
  /** A step needs a tunnel, and there is none. */
  | 'ERR_ENGINE_NOT_CONNECTED'
  /** No token is available. */
  | 'ERR_ENGINE_TOKEN'
  /** A response has another status than the step expects. */
  | 'ERR_ENGINE_STATUS'
  /** A response is not the one that the step expects. */
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

/** The name under which an error is counted: its code, or the kind of error. */
export function codeOf(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    name?: unknown;
  };
  for (const word of [code, name]) if (typeof word === 'string' && /^[A-Za-z][\w-]{0,63}$/.test(word)) return word;
  return 'UNKNOWN';
}

/** An error in words, with its hint if it has one. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { hint } = error as { hint?: unknown };
  return typeof hint === 'string' ? `${error.message} ${hint}` : error.message;
}
