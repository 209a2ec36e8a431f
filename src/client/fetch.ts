import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { errorText, TunneliteError } from '../lib/errors.ts';

export interface TunnelFetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** PEM of the CA to trust for `https:`; the system's when left out. */
  readonly ca?: string;
  /** Largest body taken, in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
}

/** An HTTP answer that came through the tunnel. */
export interface TunnelFetchResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** TLS of the request itself, end to end inside the tunnel; undefined for `http:`. */
  readonly tls: { readonly protocol: string; readonly cipher: string } | undefined;
}

const MAX_BYTES = 64 * 1024 * 1024;

/** One HTTP/1.1 request over a stream that leads to the server. Its TLS is the request's own, untouched by the gateway. */
export async function fetchOver(stream: Duplex, url: URL, options: TunnelFetchOptions): Promise<TunnelFetchResponse> {
  let connection = stream;
  let tls: TunnelFetchResponse['tls'];
  if (url.protocol === 'https:') {
    const secure = tlsConnect({
      socket: stream,
      servername: url.hostname,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      secure.once('error', (error) =>
        reject(
          new TunneliteError('ERR_CLIENT_FETCH', `TLS with ${url.host} failed: ${errorText(error)}.`, { cause: error }),
        ),
      );
    });
    tls = { protocol: secure.getProtocol() ?? 'TLS', cipher: secure.getCipher().name };
    connection = secure;
  }
  try {
    return { ...(await exchange(connection, url, options)), tls };
  } finally {
    connection.destroy();
    stream.destroy();
  }
}

function exchange(
  connection: Duplex,
  url: URL,
  options: TunnelFetchOptions,
): Promise<Omit<TunnelFetchResponse, 'tls'>> {
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  return new Promise((resolve, reject) => {
    const fail = (detail: string, cause?: unknown): void =>
      reject(new TunneliteError('ERR_CLIENT_FETCH', `${url.href} could not be fetched: ${detail}.`, { cause }));
    const request = httpRequest(
      {
        method: options.method ?? 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, connection: 'close', ...options.headers },
        createConnection: () => connection,
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) request.destroy(new Error(`the answer is longer than ${maxBytes} bytes`));
          else chunks.push(chunk);
        });
        response.once('error', (error) => fail(errorText(error), error));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    request.once('error', (error) => fail(errorText(error), error));
    request.end(options.body);
  });
}
