import type { TLSSocket } from 'node:tls';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { bareHost } from '../../lib/endpoint.ts';
import { errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { secureStream } from './secure.ts';
import { socketLike } from './socket-like.ts';
import type { OpenStream, ResourceTrust } from './types.ts';

export interface TunnelDispatcherOptions {
  /** PEM of the CA to trust for `https:`, instead of those that the client trusts for resources. */
  readonly ca?: string;
  /** Whether to verify the certificate of an `https:` resource. Default true. */
  readonly verify?: boolean;
}

export interface TunnelFetchOptions extends TunnelDispatcherOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Largest response body, in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** An HTTP response received through the tunnel. */
export interface TunnelFetchResponse {
  readonly status: number;
  /** The reason phrase, as the server sent it. */
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** TLS of the request itself, end to end inside the tunnel; undefined for `http:`. */
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
}

/** The source of connections for web requests. */
export interface WebTraffic {
  readonly open: OpenStream;
  readonly trust: ResourceTrust;
  readonly clock: Clock;
}

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * An undici dispatcher with connections routed by the client's rules: for undici's `fetch` and `request`, or as a global dispatcher.
 * The first call loads undici, so programs that never call it do not pay for loading.
 */
export async function tunnelDispatcher(
  { open, trust, clock }: WebTraffic,
  options: TunnelDispatcherOptions & { readonly signal?: AbortSignal },
  onSecure?: (socket: TLSSocket) => void,
): Promise<Dispatcher> {
  const { Agent } = await import('undici');
  const { ca, verify = true, signal } = options;
  return new Agent({
    connect: (target, callback) => {
      const secure = target.protocol === 'https:';
      const host = bareHost(target.hostname);
      const url = new URL(`${target.protocol}//${target.host ?? target.hostname}/`);
      const connected = open({ host, port: Number(target.port || (secure ? 443 : 80)), url, signal }).then(
        async (stream) => {
          // The callback's type requires a net.Socket; the members that undici uses beyond those of a stream are added here.
          const socket = socketLike(stream, clock);
          if (!secure) return socket as unknown as TLSSocket;
          const rejectUnauthorized = verify ? {} : { rejectUnauthorized: false };
          const tls = await secureStream(socket, {
            host,
            trust,
            signal,
            options: { ...(ca === undefined ? {} : { ca }), ...rejectUnauthorized },
          });
          onSecure?.(tls);
          return tls;
        },
      );
      connected.then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
  });
}

/** One HTTP request, on a connection of its own. */
export async function tunnelFetch(
  web: WebTraffic,
  url: URL,
  options: TunnelFetchOptions,
): Promise<TunnelFetchResponse> {
  const { request } = await import('undici');
  let tls: TunnelFetchResponse['tls'];
  const dispatcher = await tunnelDispatcher(web, options, (socket) => {
    tls = { protocol: socket.getProtocol() ?? 'TLS', cipher: socket.getCipher().name };
  });
  const { signal } = options;
  try {
    const { statusCode, statusText, headers, body } = await request(url, {
      dispatcher,
      method: (options.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: { ...options.headers } as Record<string, string | string[]>,
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(signal === undefined ? {} : { signal }),
    });
    const chunks: Buffer[] = [];
    const maxBytes = options.maxBytes ?? MAX_BYTES;
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: statusCode, statusText, headers, body: Buffer.concat(chunks), tls };
  } catch (error) {
    signal?.throwIfAborted();
    if (isTunneliteError(error)) throw error;
    throw new TunneliteError('ERR_CLIENT_FETCH', `${url.href} could not be fetched: ${errorText(error)}.`, {
      cause: error,
    });
  } finally {
    await dispatcher.destroy();
  }
}
