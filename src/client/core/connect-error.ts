import { errorText, TunneliteError } from '../../lib/errors.ts';
import { insteadOfTls } from './not-a-gateway.ts';

const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

/** What a gateway also does when it rejects a connection. */
const CLOSED_EARLY =
  'A gateway closes connections at once if it is full, or has banned the address: check its log. Any other server may do so if it does not use TLS.';

/**
 * The error to report for a connection that could not be opened.
 * @param received the first bytes from the server; undefined if there was no connection
 */
export function connectError(
  error: unknown,
  options: { readonly host: string; readonly port: number; readonly signal: AbortSignal },
  received: Buffer | undefined,
): unknown {
  if (options.signal.aborted) return error;
  const { code = '', reason } = error as { readonly code?: string; readonly reason?: string };
  const where = `${options.host} port ${options.port}`;
  if (UNTRUSTED.test(code)) {
    const message = `The certificate of ${where} is not trusted: ${errorText(error)}.`;
    return new TunneliteError('ERR_CLIENT_UNTRUSTED', message, { cause: error });
  }
  if (received === undefined) {
    return new TunneliteError('ERR_CLIENT_CONNECT', `Could not connect to ${where}: ${errorText(error)}.`, {
      cause: error,
    });
  }
  if (received.length === 0) {
    const message = `${where} was reached, but it ended the connection before TLS was ready: ${errorText(error)}.`;
    return new TunneliteError('ERR_CLIENT_CONNECT', message, { cause: error, hint: CLOSED_EARLY });
  }
  const other = insteadOfTls(received);
  if (other) return other;
  // If OpenSSL has a reason, its message wraps the reason in line numbers of OpenSSL's source.
  const message = `The TLS handshake with ${where} failed: ${reason ?? errorText(error)}.`;
  return new TunneliteError('ERR_CLIENT_CONNECT', message, { cause: error });
}
