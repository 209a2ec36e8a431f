import { X509Certificate } from 'node:crypto';
import type { Agent as HttpAgent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Clock, systemClock } from './clock.ts';
import { bareHost, sniName } from './endpoint.ts';
import { errorText, TunneliteError } from './errors.ts';
import { patience } from './late-tick.ts';
import { request as httpRequest } from './node-http.ts';

/** Opens a raw connection to a host, instead of a socket of the machine. */
export type Dial = (target: { readonly host: string; readonly port: number }) => Duplex;

/** The request, its destination, and limits for the response. */
interface ExchangeOptions {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of certificate authorities to trust instead of the system's. */
  readonly ca?: string;
  /** PEM of the exact certificate that the server must present; its names, validity and issuer are then not checked. */
  readonly pinned?: string | undefined;
  /** Keeps connections for later exchanges; without one, the connection closes after the response. It has its own `ca`. */
  readonly agent?: HttpAgent | HttpsAgent;
  /** The clock for `timeout`. Default: the machine's. */
  readonly clock?: Clock;
  /** How to reach the host without an `agent`. Default: a socket of the machine. */
  readonly dial?: Dial | undefined;
  /** Longest response body, in bytes. */
  readonly maxBytes: number;
  /** For the whole exchange, in milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Checks the status before the body is read. If it returns an error, the exchange ends and throws it. */
  readonly refuse?: (status: number) => TunneliteError | undefined;
}

/** A complete response, whatever its status. */
interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Why there is no response: `details.reason` of `ERR_HTTP_EXCHANGE`. */
export type ExchangeFailure = 'network' | 'too-large' | 'timeout';

function failure(reason: ExchangeFailure, url: URL, text: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_HTTP_EXCHANGE', text, { details: { reason, url: url.href }, cause });
}

/**
 * Sends one HTTP or HTTPS request and reads the complete response, with limits for time and size. Redirects are returned like other
 * responses.
 *
 * @throws TunneliteError `ERR_HTTP_EXCHANGE`, whose details have the {@link ExchangeFailure}
 */
export async function exchange(address: string | URL, options: ExchangeOptions): Promise<ExchangeAnswer> {
  const url = new URL(address);
  const { maxBytes, timeout, clock = systemClock } = options;
  const expiry = new AbortController();
  const timer = patience(clock, timeout, () => expiry.abort());
  const signal = options.signal ? AbortSignal.any([expiry.signal, options.signal]) : expiry.signal;
  try {
    const answer = await send(url, options, signal);
    const status = answer.statusCode ?? 0;
    const length = Number(answer.headers['content-length'] ?? 0);
    const refusal = options.refuse?.(status) ?? (length > maxBytes ? tooLarge(url, maxBytes) : undefined);
    if (refusal) {
      answer.on('error', () => undefined).destroy();
      throw refusal;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    // Leaving the loop with an error destroys the body, and thereby the connection.
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(url, maxBytes);
      chunks.push(chunk);
    }
    return { status, headers: answer.headers, body: Buffer.concat(chunks) };
  } catch (error) {
    if (error instanceof TunneliteError) throw error;
    if (expiry.signal.aborted)
      throw failure('timeout', url, `${url.href} did not answer completely within ${timeout} ms.`, error);
    throw failure('network', url, `${url.href} could not be read: ${errorText(error)}.`, error);
  } finally {
    timer.cancel();
  }
}

function tooLarge(url: URL, maxBytes: number): TunneliteError {
  return failure('too-large', url, `${url.href} sent more than ${maxBytes} bytes.`);
}

function send(url: URL, options: ExchangeOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, ca, pinned, dial } = options;
  // Without an agent, the connection closes after the response.
  const agent = dial ? undefined : (options.agent ?? false);
  const common = { method, headers, signal };
  return new Promise((resolve, reject) => {
    const outgoing =
      url.protocol === 'https:'
        ? httpsRequest(url, {
            ...common,
            ...(dial
              ? { createConnection: (tls: object) => secured(dial, url, tls as ConnectionOptions) }
              : { agent: agent as HttpsAgent | false }),
            ...(pinned === undefined ? (ca === undefined ? {} : { ca }) : { rejectUnauthorized: false }),
          })
        : httpRequest(url, {
            ...common,
            ...(dial ? { createConnection: () => dial(targetOf(url)) } : { agent: agent as HttpAgent | false }),
          });
    if (pinned !== undefined) {
      outgoing.on('socket', (socket) => socket.once('secureConnect', () => checkPin(socket as TLSSocket, pinned)));
    }
    outgoing
      .on('response', resolve)
      .on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection just when it was reused, which is no error of either side: try a new one.
        const stale = method === 'GET' && outgoing.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted;
        if (stale) send(url, options, signal).then(resolve, reject);
        else reject(error);
      })
      .end(body);
  });
}

const targetOf = (url: URL) => ({
  host: bareHost(url.hostname),
  port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
});

/** TLS over an open connection. */
function secured(dial: Dial, url: URL, options: ConnectionOptions): TLSSocket {
  const { host, port } = targetOf(url);
  const servername = sniName(host);
  return tlsConnect({
    ...options,
    host,
    ...(servername === undefined ? {} : { servername }),
    socket: dial({ host, port }),
  });
}

function checkPin(socket: TLSSocket, pinned: string): void {
  const presented = socket.getPeerX509Certificate()?.fingerprint256;
  if (presented === new X509Certificate(pinned).fingerprint256) return;
  socket.destroy(new Error('the server presented a certificate other than the configured one'));
}
