import { ERROR_CODES } from './error-codes.ts';

/** The hint for a listener that could not be opened for another reason than a port in use. */
export function listenHint(cause: unknown): { readonly hint?: string } {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? {} : { hint: ERROR_CODES.ERR_GATEWAY_LISTEN.hint };
}
