import { ERROR_CODES } from './error-codes.ts';

/** What to do about a listener that could not be opened, where the reason is not that its port is taken. */
export function listenHint(cause: unknown): { readonly hint?: string } {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? {} : { hint: ERROR_CODES.ERR_GATEWAY_LISTEN.hint };
}
