import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { request as httpRequest } from '../lib/node-http.ts';
import { LINGER_MS, MAX_INTERIM } from './constants.ts';
import { PROXY_NAME } from './proxy-access.ts';
import type { ProxyRefusal } from './proxy-answer.ts';
import { passedOn, valuesOf, wentThrough } from './proxy-headers.ts';

/** Destination of a forwarded request. */
interface NextHop {
  readonly host: string;
  /** The origin's `Host`. */
  readonly authority: string;
  readonly path: string;
  /** Default: the machine's. */
  readonly clock: Clock;
  /** Connects to it; rejects with the reason for a failure. */
  readonly open: () => Promise<Duplex>;
}

/** Remaining `Max-Forwards` of a request (RFC 9110 §7.6.2), if present. */
const forwardsLeft = (request: IncomingMessage): number | undefined => {
  const [text] = valuesOf(request.rawHeaders, 'max-forwards');
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
};

/** Why a request cannot be forwarded, regardless of its target. */
export function faultOf(request: IncomingMessage): ProxyRefusal | undefined {
  const { method, rawHeaders } = request;
  if (wentThrough(rawHeaders, PROXY_NAME)) {
    const explanation = 'The request loops (Via).';
    return { status: 508, error: 'proxy_loop_detected', explanation };
  }
  // It would return headers that others added to the request.
  if (method === 'TRACE') return { status: 405, error: 'http_request_denied', explanation: 'TRACE is not forwarded.' };
  if (valuesOf(rawHeaders, 'host').length > 1) {
    return { status: 400, error: 'http_request_error', explanation: 'There is more than one Host header.' };
  }
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  const isFramed = codings.length === 0 || (codings.length === 1 && codings[0]!.trim().toLowerCase() === 'chunked');
  if (!isFramed || (codings.length > 0 && valuesOf(rawHeaders, 'content-length').length > 0)) {
    const explanation = 'The end of the body is ambiguous (Transfer-Encoding, Content-Length).';
    return { status: 400, error: 'http_request_error', explanation };
  }
  if (method === 'OPTIONS' && forwardsLeft(request) === 0) {
    return { status: 200, error: 'proxy_internal_response', explanation: 'Max-Forwards is reached.' };
  }
  return undefined;
}

/**
 * Forwards one request and its response: over a separate connection, with new framing, so that nothing ambiguous between two
 * parsers gets through. Resolves with the status; rejects with a failure that the client has not yet received.
 */
export async function forward(request: IncomingMessage, response: ServerResponse, next: NextHop): Promise<number> {
  const connection = await next.open();
  if (response.destroyed) {
    connection.destroy();
    return 0;
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      method: request.method ?? 'GET',
      path: next.path,
      setHost: false,
      headers: headersFor(request, next.authority) as unknown as string[],
      createConnection: () => connection as never,
    });
    outgoing.on('response', (answer) => {
      const chunked = valuesOf(answer.rawHeaders, 'transfer-encoding').length > 0;
      const headers = passedOn(answer.rawHeaders, chunked ? ['content-length'] : []);
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', [
        ...headers,
        ...['Via', `${answer.httpVersion} ${PROXY_NAME}`],
      ]);
      // A truncated response must look truncated.
      answer.on('error', () => response.destroy());
      answer.pipe(response);
      resolve(answer.statusCode ?? 502);
    });
    // Node lets go of a connection sooner than it is over.
    connection.on('error', () => {});
    const fail = (error: Error): void => {
      reject(error);
      connection.destroy();
    };
    // Node would only close the connection, and nobody would get an answer.
    outgoing.on('upgrade', () => fail(new Error('it changed to another protocol without being asked to')));
    let interim = 0;
    outgoing.on('information', () => {
      interim += 1;
      if (interim > MAX_INTERIM) fail(new Error(`more than ${MAX_INTERIM} interim answers came`));
    });
    outgoing.on('error', (error) => {
      if (response.headersSent) response.destroy();
      reject(error);
    });
    response.once('close', () => {
      resolve(0);
      // After a complete response, the origin closes its side too: avoids a reset.
      const rest = response.writableFinished ? LINGER_MS : 0;
      const limit = patience(next.clock, rest, () => {
        outgoing.destroy();
        connection.destroy();
      });
      connection.once('close', () => limit.cancel());
      connection.end();
    });
    request.on('error', () => outgoing.destroy());
    request.pipe(outgoing);
  });
}

function headersFor(request: IncomingMessage, authority: string): string[] {
  const raw = request.rawHeaders;
  const chunked = valuesOf(raw, 'transfer-encoding').length > 0;
  const hasLength = valuesOf(raw, 'content-length').length > 0;
  const left = request.method === 'OPTIONS' ? forwardsLeft(request) : undefined;
  const headers = [
    'Host',
    authority,
    ...passedOn(raw, ['host', 'expect', ...(left === undefined ? [] : ['max-forwards'])]),
  ];
  if (left !== undefined) headers.push('Max-Forwards', String(left - 1));
  if (chunked) headers.push('Transfer-Encoding', 'chunked');
  else if (!hasLength && ['POST', 'PUT', 'PATCH'].includes(request.method ?? '')) headers.push('Content-Length', '0');
  headers.push('Via', `${request.httpVersion} ${PROXY_NAME}`, 'Connection', 'close');
  return headers;
}
