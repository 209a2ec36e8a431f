import { TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { type HttpResponse, headerValues } from '../../wire/http1/index.ts';

/** What came instead of a Tunnel gateway's answer: `details.came` of `ERR_CLIENT_PROTOCOL` while a client connects. */
export type Came =
  /** HTTP without TLS. */
  | 'plain-http'
  /** Something else that is not TLS. */
  | 'no-tls'
  /** Frames of HTTP/2. */
  | 'http2'
  /** Bytes over TLS that are not HTTP. */
  | 'no-http'
  /** An HTTP answer that is malformed, or longer than any answer of a gateway. */
  | 'broken-http'
  /** The connection ended before the first answer or within it. */
  | 'end'
  /** A status that no gateway returns for a login. */
  | 'status'
  | 'redirect'
  /** Another authentication method than a bearer token. */
  | 'other-login'
  /** 200, but without the document that completes a login. */
  | 'page'
  /** The answer that opens a tunnel lacks something that a tunnel needs. */
  | 'unusable-tunnel';

const OWN_PORT = 'Use the address and port of the gateway, as in the banner of “tunnelite start”.';

const HINTS: Readonly<Record<Came, string>> = {
  'plain-http': `That port is for HTTP without TLS. ${OWN_PORT}`,
  'no-tls': `Another service listens on that port. ${OWN_PORT}`,
  http2: `A gateway uses HTTP/1.1: this is another web server, or a proxy in front of the gateway, which must pass TLS through. ${OWN_PORT}`,
  'no-http': `Another service listens on that port. ${OWN_PORT}`,
  'broken-http': `Look for a device between client and gateway that changes the traffic. ${OWN_PORT}`,
  end: `If it is a gateway, its log shows why it closed the connection. ${OWN_PORT}`,
  status: `This is another web server, or a proxy in front of the gateway, which must pass TLS through. ${OWN_PORT}`,
  redirect: 'Connect to the address in the redirect if it is a gateway. This client does not follow redirects.',
  'other-login': 'This client signs in only with bearer tokens: configure the gateway for them, or use another client.',
  page: `This is another web server, or a proxy in front of the gateway, which must pass TLS through. ${OWN_PORT}`,
  'unusable-tunnel': 'Check the network settings of the gateway: its addresses and its MTU.',
};

/** The error for a server that is not a gateway. @param what a sentence about what came */
export function notAGateway(came: Came, what: string, cause?: unknown): TunneliteError {
  const options = { hint: HINTS[came], details: { came }, cause };
  return new TunneliteError('ERR_CLIENT_PROTOCOL', `The server is not a Tunnel gateway: ${what}`, options);
}

/** Number of bytes needed at most to classify the beginning of an answer. */
export const BEGINNING_BYTES = 64;

/** Describes the first bytes if they are not TLS. Undefined for bytes that may be TLS, and for no bytes. */
export function insteadOfTls(beginning: Buffer): TunneliteError | undefined {
  const kind = beginning[0];
  // Handshake records and alerts.
  if (kind === undefined || kind === 0x16 || kind === 0x15) return undefined;
  if (beginning.toString('latin1', 0, 5) === 'HTTP/') {
    return notAGateway('plain-http', `it answered the TLS handshake with plain HTTP, ${shown(beginning)}.`);
  }
  return notAGateway('no-tls', `it answered the TLS handshake with ${shown(beginning)}, which is not TLS.`);
}

/** Describes the first bytes of an answer if they are not HTTP/1. Undefined if they may become HTTP/1. */
export function insteadOfHttp(beginning: Buffer): TunneliteError | undefined {
  const text = beginning.toString('latin1').replace(/^[\r\n]+/, '');
  if ('HTTP/'.startsWith(text.slice(0, 5))) return undefined;
  // A SETTINGS frame comes first (RFC 9113 §3.4): three bytes of length, type 4, flags, stream 0.
  const settings = beginning.length >= 4 && beginning.readUInt16BE(0) === 0 && beginning[3] === 4;
  if (settings) return notAGateway('http2', 'it supports only HTTP/2.');
  // Wait for more if this may still become such a frame.
  if (beginning.length < 4 && beginning.every((byte, i) => i > 1 || byte === 0)) return undefined;
  return notAGateway('no-http', `it answered the login with ${shown(beginning)}, which is not HTTP.`);
}

/** An answer as text: `404 Not Found (text/html)`. */
export function answerWords(response: Pick<HttpResponse, 'status' | 'text' | 'headers'>): string {
  const [type] = headerValues(response.headers, 'content-type');
  const text = cut(response.text, 60);
  return `${response.status}${text === '' ? '' : ` ${text}`}${type === undefined ? '' : ` (${cut(type, 60)})`}`;
}

/** Untrusted text, shortened and escaped for use in a sentence. */
export function cut(text: string, characters: number): string {
  return printable(text.length > characters ? `${text.slice(0, characters)}…` : text);
}

/** Bytes as text if they are printable, otherwise in hexadecimal. */
function shown(bytes: Buffer): string {
  const line = bytes.toString('latin1').split(/[\r\n]/, 1)[0]!;
  if (/^[\x20-\x7e]{3,}$/.test(line)) return `“${cut(line, 40)}”`;
  return `the bytes ${bytes.toString('hex', 0, 8).replaceAll(/..(?!$)/g, '$& ')}`;
}
