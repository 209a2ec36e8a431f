import type { HeaderLine, HttpResponse as HttpMessage } from '../../wire/http1/index.ts';

/** A response exactly as it is sent: header case and order are preserved. */
export interface HttpResponse extends Omit<HttpMessage, 'version'> {
  /** The connection ends after it. */
  readonly close: boolean;
}

const EMPTY = Buffer.alloc(0);

/** @param body strings are sent as UTF-8; no Content-Length is added, since its position among the headers varies */
export function response(
  status: number,
  text: string,
  headers: readonly HeaderLine[] = [],
  body: Buffer | string = EMPTY,
  close = false,
): HttpResponse {
  return { status, text, headers, body: typeof body === 'string' ? Buffer.from(body) : body, close };
}

const CLEARED = 'expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly';

/** 401 that asks for a token; the connection stays open (observed: ocserv 1.3.0). */
export function challenge(): HttpResponse {
  return response(401, 'Unauthorized', [
    ['WWW-Authenticate', 'Bearer'],
    ['Content-Length', '0'],
  ]);
}

/** Final 401, without a reason for the client. */
export function authenticationFailed(): HttpResponse {
  return response(401, 'Authentication failed', [['Content-Length', '0']], '', true);
}

/** CONNECT without a cookie, or while the server accepts no tunnels (observed: ocserv 1.3.0). @param reason X-Reason header, which clients print */
export function serviceUnavailable(reason?: string): HttpResponse {
  return response(503, 'Service Unavailable', reason === undefined ? [] : [['X-Reason', reason]], '', true);
}

/** Answer to CONNECT with a refused cookie. */
export function cookieRefused(): HttpResponse {
  return response(401, 'Cookie is not acceptable', [], '', true);
}

export function notFound(): HttpResponse {
  const body = '<html><body><h1>404 Not Found</h1></body></html>\r\n';
  return response(
    404,
    'Not found',
    [
      ['Content-Length', String(body.length)],
      ['Connection', 'close'],
    ],
    body,
    true,
  );
}

/** The login form. */
export function authForm(document: string): HttpResponse {
  return response(
    200,
    'OK',
    [
      ['Set-Cookie', `webvpncontext=; ${CLEARED}`],
      ['Content-Type', 'text/xml'],
      ['Content-Length', String(Buffer.byteLength(document))],
      ['X-Transcend-Version', '1'],
    ],
    document,
  );
}

/** @param certificateHash SHA-1 of the server's certificate, upper-case hex: AnyConnect compares it */
export function authComplete(document: string, cookie: string, certificateHash: string): HttpResponse {
  return response(
    200,
    'OK',
    [
      ['Connection', 'Keep-Alive'],
      ['Content-Type', 'text/xml'],
      ['Content-Length', String(Buffer.byteLength(document))],
      ['X-Transcend-Version', '1'],
      ['Set-Cookie', `webvpncontext=${cookie}; Secure; HttpOnly`],
      ['Set-Cookie', `webvpn=${cookie}; Secure; HttpOnly`],
      ['Set-Cookie', `webvpnc=; ${CLEARED}`],
      ['Set-Cookie', `webvpnc=bu:/&p:t&iu:1/&sh:${certificateHash}; path=/; Secure; HttpOnly`],
    ],
    document,
  );
}

/** A fixed page. */
export function page(type: string, body: Buffer | string): HttpResponse {
  return response(
    200,
    'OK',
    [
      ['Connection', 'Keep-Alive'],
      ['Content-Type', type],
      ['X-Transcend-Version', '1'],
      ['Content-Length', String(Buffer.byteLength(body))],
    ],
    body,
  );
}
