import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** What may accompany a {@link TunneliteError} beside its code and message. */
export interface TunneliteErrorOptions {
  /** What to do next; the code's own hint when left out. */
  readonly hint?: string;
  /** Facts about this occurrence, for logs and assertions. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class of the project. Callers branch on `code`, people read `message` and `hint`.
 *
 * @example
 * ```ts
 * try {
 *   await startSimulator({ gateway: { port: 8443 } });
 * } catch (error) {
 *   if (isTunneliteError(error, 'ERR_GATEWAY_PORT_IN_USE')) console.error(error.hint);
 * }
 * ```
 */
export class TunneliteError extends Error {
  override readonly name = 'TunneliteError';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string = ERROR_CODES[code].summary, options: TunneliteErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? ERROR_CODES[code].hint;
    this.details = options.details ?? {};
  }
}

/** True when `error` is ours and, if a code is given, carries that code. */
export function isTunneliteError(error: unknown, code?: ErrorCode): error is TunneliteError {
  return error instanceof TunneliteError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown, on one line. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
