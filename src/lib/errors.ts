import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import { printable } from './printable.ts';

export { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** Optional parts of a {@link TunneliteError} besides its code and message. */
interface TunneliteErrorOptions {
  /** What to do next; default: the hint of the code. */
  readonly hint?: string;
  /** Facts about this occurrence, for logs and assertions. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The error class of the project. Branch on `code`; `message` and `hint` are for people.
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

/** True when `error` is a {@link TunneliteError} and, if a code is given, has that code. */
export function isTunneliteError(error: unknown, code?: ErrorCode): error is TunneliteError {
  return error instanceof TunneliteError && (code === undefined || error.code === code);
}

/**
 * The message of any thrown value, on one printable line. Node.js messages about files are shortened to the cause, since the
 * surrounding message names the file.
 */
export function errorText(error: unknown): string {
  // If no address of a host could be reached, Node's error has no message, only those of the addresses.
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
