import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import { printable } from './printable.ts';

export { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** What may accompany a {@link TunneliteError} beside its code and message. */
interface TunneliteErrorOptions {
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

/**
 * The text of anything that was thrown, on one printable line. What Node.js says about a file is cut to what happened to it,
 * since the message around it names the file.
 */
export function errorText(error: unknown): string {
  // Where no address of a host could be reached, Node has no message; those of the addresses are within.
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0) {
    return [...new Set(error.errors.map(errorText))].join('; ');
  }
  const { path, code } = (error instanceof Error ? error : {}) as NodeJS.ErrnoException;
  const message = error instanceof Error ? error.message : String(error);
  const what = path !== undefined && code !== undefined ? /^[A-Z0-9]+: (.+?), \w+/.exec(message)?.[1] : undefined;
  const text = what === undefined ? message : `${what} (${code})`;
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return printable(lines.filter((line) => line !== '').join(' '));
}
