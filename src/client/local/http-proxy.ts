import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { bareHost } from '../../lib/endpoint.ts';
import { errorText, isTunneliteError } from '../../lib/errors.ts';
import { createServer, request as httpRequest } from '../../lib/node-http.ts';
import { REQUEST_TIMEOUT_MS } from './constants.ts';
import { joinStreams } from './join.ts';
import { listening } from './listener.ts';
import type { LocalProxy, LocalProxyOptions, ProxiedClient } from './types.ts';

/** Headers that apply to one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Starts an HTTP proxy for other programs: CONNECT, and requests for `http:` URLs, routed by the rules of the tunnel. There is no
 * authentication: any program that reaches the port may use it.
 *
 * @throws TunneliteError `ERR_CLIENT_LISTEN`
 */
export async function startHttpProxy(client: ProxiedClient, options: LocalProxyOptions): Promise<LocalProxy> {
  const agent = client.httpAgent({ keepAlive: true });
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT_MS,
    // An upload may take any time.
    requestTimeout: 0,
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 32 * 1024,
    joinDuplicateHeaders: false,
  });
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    forward(incoming, response, agent, options);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    void tunnel(incoming, socket, head, client, options).catch(() => socket.destroy());
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (socket.writable && error.code !== 'ECONNRESET')
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  return listening(server, options, () => agent.destroy());
}

async function tunnel(
  { url = '' }: IncomingMessage,
  socket: Socket,
  head: Buffer,
  client: ProxiedClient,
  options: LocalProxyOptions,
): Promise<void> {
  socket.on('error', () => {});
  // At once: a program that sends all it has, and ends its half, may be through before the connection is open.
  if (head.length > 0) socket.unshift(head);
  const refuse = (text: string): void => {
    socket.end(text);
    socket.resume();
  };
  const [, host, digits] = /^(\[[0-9a-f:.]+\]|[^:/@\s]{1,255}):(\d{1,5})$/i.exec(url) ?? [];
  const target = host === undefined ? null : URL.parse(`https://${host}:${digits}/`);
  if (host === undefined || target === null) {
    refuse(answer(400, 'Bad Request', 'CONNECT requires host:port.'));
    return;
  }
  const port = Number(digits);
  const control = new AbortController();
  const onGone = (): void => control.abort(new Error('the program has disconnected'));
  socket.once('close', onGone);
  try {
    const stream = await client.connect({ host: bareHost(host), port, url: target, signal: control.signal });
    if (socket.destroyed) {
      stream.destroy();
      return;
    }
    socket.off('close', onGone);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    joinStreams(socket, stream);
  } catch (error) {
    if (socket.destroyed) return;
    options.onRefused?.({ host: bareHost(host), port }, error);
    const { status, reason, text } = refusal(error);
    refuse(answer(status, reason, text));
  }
}

function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  agent: ReturnType<ProxiedClient['httpAgent']>,
  options: LocalProxyOptions,
): void {
  const refuse = (status: number, text: string): void => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${text}\n`);
  };
  const url = URL.parse(incoming.url ?? '');
  if (url === null || url.protocol !== 'http:') {
    refuse(400, 'This is the HTTP proxy of a tunnel: it accepts requests for http: URLs, and CONNECT for all others.');
    return;
  }
  const port = Number(url.port || 80);
  const outgoing = httpRequest({
    agent,
    host: bareHost(url.hostname),
    port,
    method: incoming.method,
    path: `${url.pathname}${url.search}`,
    // The URL determines the host, whatever the header contains (RFC 9112 §3.2.2).
    headers: { ...endToEnd(incoming.headers), host: url.host },
    setHost: false,
  });
  outgoing.on('response', (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.statusMessage, endToEnd(answered.headers));
    pipeline(answered, response, () => {});
  });
  // Node would only close the connection, and the program would wait.
  outgoing.on('upgrade', (_answered, stream) => {
    stream.on('error', () => {}).destroy();
    refuse(502, `${url.host} changed to another protocol without being asked to.`);
  });
  outgoing.on('error', (error) => {
    if (response.destroyed) return;
    options.onRefused?.({ host: bareHost(url.hostname), port }, error);
    const { status, text } = refusal(error);
    refuse(status, text);
  });
  response.once('close', () => outgoing.destroy());
  pipeline(incoming, outgoing, () => {});
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name) && !named.has(name)));
}

function refusal(error: unknown): { status: number; reason: string; text: string } {
  const text = isTunneliteError(error) ? `${error.message}\n${error.hint}\n(${error.code})` : errorText(error);
  if (isTunneliteError(error, 'ERR_CLIENT_OUTSIDE')) return { status: 403, reason: 'Forbidden', text };
  if (isTunneliteError(error, 'ERR_TIMEOUT')) return { status: 504, reason: 'Gateway Timeout', text };
  return { status: 502, reason: 'Bad Gateway', text };
}

function answer(status: number, reason: string, text: string): string {
  const body = `${text}\n`;
  return `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
