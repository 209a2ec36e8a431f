import { TunneliteError } from '../lib/errors.ts';
import { MAX_RESPONSE_BODY_BYTES, MAX_RESPONSE_HEADER_BYTES } from './constants.ts';

/** An HTTP/1.1 answer of the gateway. Header names are lower-case; a repeated header has several values, in order. */
export interface ControlResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
}

/**
 * Reads one HTTP/1.1 answer out of a byte stream, whatever its boundaries, and gives back what follows it:
 * after a CONNECT those bytes are the first CSTP packets.
 */
export class ResponseReader {
  readonly #bodyless: boolean;
  #buffer: Buffer = Buffer.alloc(0);

  /** @param bodyless the answer has no body whatever its headers say, as after CONNECT */
  constructor(options: { readonly bodyless: boolean }) {
    this.#bodyless = options.bodyless;
  }

  /**
   * Takes bytes; returns the answer and the rest once it is complete.
   * @throws TunneliteError `ERR_CLIENT_PROTOCOL`
   */
  push(bytes: Buffer): { response: ControlResponse; rest: Buffer } | undefined {
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
    const end = this.#buffer.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#buffer.length > MAX_RESPONSE_HEADER_BYTES) throw protocolError('Its headers do not end.');
      return undefined;
    }
    const [statusLine = '', ...lines] = this.#buffer.toString('latin1', 0, end).split('\r\n');
    const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine);
    if (!match) throw protocolError(`Its first line is “${printable(statusLine)}”.`);
    const headers = parseHeaders(lines);
    const status = Number(match[1]);
    const length = this.#bodyless && status === 200 ? 0 : contentLength(headers);
    const bodyStart = end + 4;
    if (this.#buffer.length < bodyStart + length) return undefined;
    return {
      response: {
        status,
        statusText: match[2] ?? '',
        headers,
        body: Buffer.from(this.#buffer.subarray(bodyStart, bodyStart + length)),
      },
      rest: this.#buffer.subarray(bodyStart + length),
    };
  }
}

function parseHeaders(lines: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw protocolError(`A header line is “${printable(line)}”.`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = headers.get(name);
    if (known) known.push(value);
    else headers.set(name, [value]);
  }
  return headers;
}

function contentLength(headers: ReadonlyMap<string, readonly string[]>): number {
  const text = headers.get('content-length')?.[0];
  if (text === undefined) return 0;
  const length = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(length <= MAX_RESPONSE_BODY_BYTES)) throw protocolError(`Its Content-Length is “${printable(text)}”.`);
  return length;
}

function protocolError(detail: string): TunneliteError {
  return new TunneliteError('ERR_CLIENT_PROTOCOL', `The server's answer is not one of a Tunnel gateway. ${detail}`);
}

function printable(text: string): string {
  return text.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '.');
}
