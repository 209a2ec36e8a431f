import type { Duplex } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { sniName } from '../../lib/endpoint.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import type { ResourceTrust } from './types.ts';

/** Opens TLS to a resource, end to end inside the tunnel: the gateway sees encrypted bytes only. */
export interface SecureRequest {
  /** The name or address that the certificate must match. */
  readonly host: string;
  readonly trust: ResourceTrust;
  /** In addition to, or instead of, the options derived from `host` and `trust`. */
  readonly options?: ConnectionOptions;
  readonly signal?: AbortSignal | undefined;
}

/** @throws TunneliteError `ERR_CLIENT_FETCH` if the other side's certificate is not valid for `host`, or it does not speak TLS */
export function secureStream(stream: Duplex, { host, trust, options = {}, signal }: SecureRequest): Promise<TLSSocket> {
  const servername = options.servername ?? sniName(host);
  const own = options.ca === undefined && options.secureContext === undefined && options.cert === undefined;
  const tls = tlsConnect({
    ALPNProtocols: ['http/1.1'],
    ...(own ? { secureContext: trust() } : {}),
    ...options,
    socket: stream,
    host,
    ...(servername === undefined ? {} : { servername }),
  });
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      tls.off('error', onError);
      tls.off('close', onClose);
      signal?.removeEventListener('abort', onAbort);
    };
    const fail = (reason: unknown): void => {
      finish();
      tls.on('error', () => {});
      tls.destroy();
      stream.destroy();
      reject(reason);
    };
    const onError = (cause: Error): void =>
      fail(new TunneliteError('ERR_CLIENT_FETCH', `TLS with ${host} failed: ${errorText(cause)}.`, { cause }));
    const onClose = (): void => onError(new Error('the connection was closed'));
    const onAbort = (): void => fail(signal!.reason);
    tls.once('error', onError);
    tls.once('close', onClose);
    tls.once('secureConnect', () => {
      finish();
      resolve(tls);
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
