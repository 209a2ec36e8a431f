import type { IncomingMessage, ServerResponse } from 'node:http';
import { html } from '../lib/html.ts';
import { STATUS_CODES } from '../lib/node-http.ts';
import { serializeResponse } from '../wire/http1/index.ts';
import { OnwardFailure, type OnwardRefusalKind } from './onward.ts';
import { page } from './page.ts';
import { PROXY_NAME } from './proxy-access.ts';
import { valuesOf } from './proxy-headers.ts';

/** A response from the proxy itself: status, error type of RFC 9209 §2.3, and explanation. */
export interface ProxyRefusal {
  readonly status: number;
  readonly error: string;
  readonly explanation: string;
  /** Values of `Proxy-Authenticate`. */
  readonly challenges?: readonly string[] | undefined;
}

const OF_KIND: Readonly<Record<OnwardRefusalKind, readonly [status: number, error: string]>> = {
  denied: [403, 'http_request_denied'],
  refused: [502, 'connection_refused'],
  unreachable: [502, 'destination_unavailable'],
  timeout: [504, 'connection_timeout'],
  busy: [503, 'connection_limit_reached'],
  unknown: [502, 'dns_error'],
};

/** The response for a failure on the way to the resource. */
export function refusalOf(error: unknown, host: string): ProxyRefusal {
  if (error instanceof OnwardFailure) {
    const [status, kind] = OF_KIND[error.refusal.kind];
    return { status, error: kind, explanation: error.refusal.explanation };
  }
  const { code, message } = error as NodeJS.ErrnoException;
  const certificate = /CERT|SIGNATURE|ISSUER|ALTNAME/.test(code ?? '');
  if (certificate) {
    const explanation = `The proxy does not trust the certificate of ${host}: ${message.slice(0, 300)} (${code}).`;
    return { status: 502, error: 'tls_certificate_error', explanation };
  }
  if (code?.startsWith('ERR_SSL') || code === 'EPROTO') {
    const explanation = `TLS between the proxy and ${host} failed: ${message.slice(0, 300)}.`;
    return { status: 502, error: 'tls_protocol_error', explanation };
  }
  return {
    status: 502,
    error: 'http_response_incomplete',
    explanation: `${host} sent no complete answer: ${message}.`,
  };
}

export const badRequest = (explanation: string): ProxyRefusal => ({
  status: 400,
  error: 'http_request_error',
  explanation,
});

/** Headers and body of a refusal: a page for browsers, a line for programs. */
function contentOf({ status, error, explanation, challenges = [] }: ProxyRefusal, forPeople: boolean, close: boolean) {
  const title = `${status} ${STATUS_CODES[status]}`;
  const body = Buffer.from(
    forPeople ? page(title, html`<p>${explanation}</p><p>${PROXY_NAME}</p>`) : `${explanation}\n`,
  );
  const headers: [string, string][] = [
    ['Content-Type', forPeople ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['Proxy-Status', `${PROXY_NAME}; error=${error}; details="${explanation.replaceAll(/[^ !#-[\]-~]/g, '?')}"`],
    ...challenges.map((challenge): [string, string] => ['Proxy-Authenticate', challenge]),
    ...(close ? [['Connection', 'close'] as [string, string]] : []),
  ];
  return { headers, body };
}

const wantsPage = ({ headers }: IncomingMessage): boolean => headers.accept?.includes('text/html') === true;

/** Responds with a refusal. Does not wait for unread parts of the request body: the connection ends. */
export function refuseRequest(request: IncomingMessage, response: ServerResponse, refusal: ProxyRefusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const hasBody = ['content-length', 'transfer-encoding'].some((name) => valuesOf(request.rawHeaders, name).length > 0);
  const { headers, body } = contentOf(refusal, wantsPage(request), hasBody);
  response.writeHead(refusal.status, headers.flat()).end(request.method === 'HEAD' ? undefined : body);
}

/** The response to a refused CONNECT; ends the connection. */
export function refusedConnect(request: IncomingMessage, refusal: ProxyRefusal): Buffer {
  const text = STATUS_CODES[refusal.status] ?? '';
  return serializeResponse({ status: refusal.status, text, ...contentOf(refusal, wantsPage(request), true) }, '1.1');
}

/** The response to bytes that are not a request. */
export function refusedBytes(refusal: ProxyRefusal): Buffer {
  const text = STATUS_CODES[refusal.status] ?? '';
  return serializeResponse({ status: refusal.status, text, ...contentOf(refusal, false, true) }, '1.1');
}
