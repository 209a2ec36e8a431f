import { TunneliteError } from '../../lib/errors.ts';

/*
 * HTTP/1.x messages on the control connection before CSTP takes it over. Not node:http, because bytes of another protocol follow on the
 * same connection, and because limits, header order and closing rules are those of ocserv (observed: ocserv 1.3.0).
 */

/** One header line. Some clients compare names case-sensitively: names are written exactly as given, and lower-cased when read. */
export type HeaderLine = readonly [name: string, value: string];

export type HttpVersion = '1.0' | '1.1';

export interface HttpRequest {
  readonly method: string;
  /** As sent: path and query, or `host:port` for CONNECT to a proxy. */
  readonly target: string;
  readonly version: HttpVersion;
  /** In their original order, with repetitions. */
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer;
}

export interface HttpResponse {
  readonly version: HttpVersion;
  readonly status: number;
  /** Reason phrase. */
  readonly text: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer;
}

/** Limits of a reader, which bound its memory. Bytes are counted as received. */
export interface HttpLimits {
  /** Longest request target; for a response, approximately the longest status line. */
  readonly target: number;
  /** Start line and header lines together. */
  readonly head: number;
  readonly headerCount: number;
  readonly body: number;
}

/** Why a byte stream is not a valid message. */
export interface HttpFault {
  readonly reason:
    | 'malformed'
    | 'version'
    | 'url-too-long'
    | 'headers-too-large'
    | 'too-many-headers'
    | 'body-too-large'
    | 'bad-length'
    | 'bad-chunk';
  /** A sentence for the log. */
  readonly explanation: string;
}

/** Values of a header, in order. @param name lower case */
export function headerValues(headers: readonly HeaderLine[], name: string): string[] {
  return headers.filter(([each]) => each === name).map(([, value]) => value);
}

/**
 * A request as bytes. No header is added: the caller adds Content-Length, because its position among the headers matters.
 * @throws TunneliteError `ERR_HTTP_HEADER` if a line break would create other headers
 */
export function serializeRequest(request: Omit<HttpRequest, 'version'>): Buffer {
  return serialize(`${request.method} ${request.target} HTTP/1.1`, request.headers, request.body);
}

/**
 * A response as bytes. No header is added.
 * @throws TunneliteError `ERR_HTTP_HEADER`
 */
export function serializeResponse(response: Omit<HttpResponse, 'version'>, version: HttpVersion): Buffer {
  return serialize(`HTTP/${version} ${response.status} ${response.text}`, response.headers, response.body);
}

/** Strings are written as UTF-8. */
function serialize(start: string, headers: readonly HeaderLine[], body: Buffer): Buffer {
  if (/[\r\n\0]/.test(start)) throw new TunneliteError('ERR_HTTP_HEADER', 'The first line has a line break in it.');
  let head = `${start}\r\n`;
  for (const [name, value] of headers) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new TunneliteError('ERR_HTTP_HEADER', `“${name.slice(0, 40)}” is not a header name.`);
    }
    if (/[\r\n\0]/.test(value)) throw new TunneliteError('ERR_HTTP_HEADER', `${name} has a line break in its value.`);
    head += `${name}: ${value}\r\n`;
  }
  head += '\r\n';
  if (body.length === 0) return Buffer.from(head, 'utf8');
  const length = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(length + body.length);
  bytes.write(head, 'utf8');
  bytes.set(body, length);
  return bytes;
}
