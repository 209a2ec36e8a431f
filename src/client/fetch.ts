import type { Duplex } from 'node:stream';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Dispatcher } from 'undici';
import { bareHost, sniName } from '../lib/endpoint.ts';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';

export interface TunnelDispatcherOptions {
  /** PEM of the CA to trust for `https:`; the system's when left out. */
  readonly ca?: string;
}

export interface TunnelFetchOptions extends TunnelDispatcherOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Largest body taken, in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
}

/** An HTTP answer that came through the tunnel. */
export interface TunnelFetchResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** TLS of the request itself, end to end inside the tunnel; undefined for `http:`. */
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
}

/** Opens a TCP connection through the tunnel. */
export type OpenStream = (host: string, port: number) => Promise<Duplex>;

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * An undici dispatcher whose connections go through a tunnel: for undici's `fetch` and `request`, or as a global dispatcher.
 * undici is loaded by the first call, so that programs that never ask for it do not wait for it.
 */
export async function tunnelDispatcher(
  open: OpenStream,
  options: TunnelDispatcherOptions,
  onSecure?: (socket: TLSSocket) => void,
): Promise<Dispatcher> {
  const { Agent } = await import('undici');
  return new Agent({
    connect: (target, callback) => {
      const secure = target.protocol === 'https:';
      const host = bareHost(target.hostname);
      open(host, Number(target.port || (secure ? 443 : 80))).then(
        (stream) => {
          // The callback's type asks for a net.Socket; what undici uses of it beyond a stream is added here.
          const socket = withSocketMethods(stream);
          if (!secure) return callback(null, socket as never);
          const servername = sniName(host);
          const tls = tlsConnect({
            socket,
            host,
            ...(servername === undefined ? {} : { servername }),
            ALPNProtocols: ['http/1.1'],
            ...(options.ca === undefined ? {} : { ca: options.ca }),
          });
          const onError = (error: Error): void => {
            stream.destroy();
            callback(
              new TunneliteError('ERR_CLIENT_FETCH', `TLS with ${target.host} failed: ${errorText(error)}.`, {
                cause: error,
              }),
              null,
            );
          };
          tls.once('error', onError);
          tls.once('secureConnect', () => {
            tls.off('error', onError);
            onSecure?.(tls);
            callback(null, tls);
          });
        },
        (error: Error) => callback(error, null),
      );
    },
  });
}

/** One HTTP request through the tunnel, on a connection of its own. */
export async function tunnelFetch(
  open: OpenStream,
  url: URL,
  options: TunnelFetchOptions,
): Promise<TunnelFetchResponse> {
  const { request } = await import('undici');
  let tls: TunnelFetchResponse['tls'];
  const dispatcher = await tunnelDispatcher(open, options, (socket) => {
    tls = { protocol: socket.getProtocol() ?? 'TLS', cipher: socket.getCipher().name };
  });
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      method: (options.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: { ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body }),
    });
    const chunks: Buffer[] = [];
    const maxBytes = options.maxBytes ?? MAX_BYTES;
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: statusCode, headers, body: Buffer.concat(chunks), tls };
  } catch (error) {
    if (isTunneliteError(error)) throw error;
    throw new TunneliteError('ERR_CLIENT_FETCH', `${url.href} could not be fetched: ${errorText(error)}.`, {
      cause: error,
    });
  } finally {
    await dispatcher.destroy();
  }
}

/** What undici calls on a socket beyond a stream. A stream through the tunnel keeps no process alive, nor has it options. */
function withSocketMethods(stream: Duplex): Duplex {
  const self = (): Duplex => stream;
  return Object.assign(stream, { ref: self, unref: self, setKeepAlive: self, setNoDelay: self, setTimeout: self });
}
