/*
 * HTTP/1.x requests as they come on the control connection, before CSTP takes it over. Not node:http, because bytes of
 * another protocol follow on the same connection, and because limits and closing rules are the real server's
 * (reference openconnect-protocol §3).
 */

/** One whole request. Header names are lower-cased; order and repetition are kept. */
export interface HttpRequest {
  readonly method: string;
  /** As sent: path and query, or `host:port` for a proxy's CONNECT. */
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Why a byte stream is not an acceptable request. */
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

export interface HttpLimits {
  /** Longest request target in bytes. */
  readonly target: number;
  /** Request line and headers together, in bytes. */
  readonly head: number;
  readonly headerCount: number;
  readonly body: number;
}

export type HttpReadResult =
  | { readonly request: HttpRequest }
  | { readonly fault: HttpFault }
  /** More bytes are needed. */
  | undefined;

const LF = 0x0a;
const CR = 0x0d;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/;
const MAX_CHUNK_LINE = 256;
const MAX_EMPTY_LINES = 4;
const EMPTY = Buffer.alloc(0);

interface Head {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly headers: (readonly [string, string])[];
}

/**
 * Collects bytes and gives out requests one at a time. Bytes after a request stay inside until `next` or `rest` is
 * called. After a fault it takes nothing more.
 */
export class HttpRequestReader {
  readonly #limits: HttpLimits;
  /** What has come and is not used yet: a view of `#store`. */
  #bytes: Buffer = EMPTY;
  #store: Buffer = EMPTY;
  /** False while the store is a chunk of the caller's, which must not be written to. */
  #owned = false;
  #emptyLines = 0;
  /** Where the search for the end of the head goes on, so that slow senders do not cost a rescan each time. */
  #scanned = 0;
  #lineStart = 0;
  #head: Head | undefined;
  #bodyAt = 0;
  #fault: HttpFault | undefined;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** True while some but not all bytes of a request are here. */
  get midRequest(): boolean {
    return this.#bytes.length > 0;
  }

  feed(chunk: Buffer): void {
    if (this.#fault) return;
    const used = this.#bytes.length;
    if (used === 0) {
      this.#bytes = this.#store = chunk;
      this.#owned = false;
      return;
    }
    // The store grows by doubling, so that a client that sends single bytes costs no copy of everything each time.
    const start = this.#bytes.byteOffset - this.#store.byteOffset;
    if (start + used + chunk.length > this.#store.length || !this.#owned) {
      const store = Buffer.allocUnsafeSlow(Math.max(1024, 2 * (used + chunk.length)));
      this.#bytes.copy(store, 0);
      this.#store = store;
      this.#owned = true;
      chunk.copy(store, used);
      this.#bytes = store.subarray(0, used + chunk.length);
      return;
    }
    chunk.copy(this.#store, start + used);
    this.#bytes = this.#store.subarray(start, start + used + chunk.length);
  }

  /** The next whole request, the fault that ended the stream, or undefined for "more bytes needed". */
  next(): HttpReadResult {
    if (this.#fault) return { fault: this.#fault };
    if (!this.#head && !this.#readHead()) return this.#fault ? { fault: this.#fault } : undefined;
    const head = this.#head!;
    const body = head.method === 'CONNECT' ? Buffer.alloc(0) : this.#readBody(head);
    if (this.#fault) return { fault: this.#fault };
    if (!body) return undefined;
    this.#drop(this.#bodyAt);
    this.#head = undefined;
    this.#emptyLines = 0;
    return { request: { ...head, body } };
  }

  /** Everything behind the last request; the reader is empty afterwards. */
  rest(): Buffer {
    const rest = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return rest;
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
    this.#scanned = 0;
    this.#lineStart = 0;
  }

  #fail(reason: HttpFault['reason'], explanation: string): undefined {
    this.#fault = { reason, explanation };
    this.#bytes = Buffer.alloc(0);
    return undefined;
  }

  #readHead(): boolean {
    const bytes = this.#bytes;
    const limit = this.#limits;
    let at = this.#scanned;
    while (at < bytes.length) {
      const newline = bytes.indexOf(LF, at);
      if (newline < 0) break;
      const end = newline > this.#lineStart && bytes[newline - 1] === CR ? newline - 1 : newline;
      at = newline + 1;
      const empty = end === this.#lineStart;
      const first = this.#lineStart === 0;
      this.#lineStart = at;
      if (empty && !first) {
        if (at > limit.head) break;
        this.#parseHead(bytes.toString('latin1', 0, end));
        this.#bodyAt = at;
        return this.#head !== undefined;
      }
      if (empty) {
        // An empty line before a request line is skipped (RFC 9112 §2.2), a handful at most.
        if (++this.#emptyLines > MAX_EMPTY_LINES) {
          this.#fail('malformed', 'Only empty lines came instead of a request.');
          return false;
        }
        this.#drop(at);
        return this.#readHead();
      }
      if (first && !this.#checkLine(bytes.toString('latin1', 0, end))) return false;
    }
    this.#scanned = bytes.length;
    if (this.#lineStart === 0 && bytes.length > limit.target + 32 && !bytes.subarray(0, 32).includes(0x20)) {
      this.#fail('malformed', 'The first line is no HTTP request line.');
    } else if (this.#lineStart === 0 && bytes.length > limit.target + 64) {
      this.#fail('url-too-long', `The request line is longer than a URL of ${limit.target} bytes allows.`);
    } else if (bytes.length > limit.head) {
      this.#fail('headers-too-large', `The request headers are larger than ${limit.head} bytes.`);
    }
    return false;
  }

  #checkLine(line: string): boolean {
    const match = REQUEST_LINE.exec(line);
    if (!match) {
      this.#fail('malformed', 'The first line is no HTTP request line.');
      return false;
    }
    if (match[3] !== '1') {
      this.#fail('version', `HTTP/${match[3]}.${match[4]} was asked for; only HTTP/1.1 and HTTP/1.0 are spoken here.`);
      return false;
    }
    if (match[2]!.length > this.#limits.target) {
      this.#fail(
        'url-too-long',
        `The URL has ${match[2]!.length} bytes; the server takes ${this.#limits.target} at most.`,
      );
      return false;
    }
    return true;
  }

  #parseHead(text: string): undefined {
    const lines = text.split(/\r?\n/);
    const match = REQUEST_LINE.exec(lines[0]!)!;
    const headers: (readonly [string, string])[] = [];
    if (lines.length - 1 > this.#limits.headerCount) {
      return this.#fail('too-many-headers', `A request may have ${this.#limits.headerCount} header lines.`);
    }
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i]!;
      if (line === '') continue;
      if ((line[0] === ' ' || line[0] === '\t') && headers.length > 0) {
        // Obsolete line folding (RFC 9112 §5.2): one space instead.
        const [name, value] = headers[headers.length - 1]!;
        headers[headers.length - 1] = [name, `${value} ${line.trim()}`];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon > 0 ? line.slice(0, colon) : '';
      if (!TOKEN.test(name)) return this.#fail('malformed', `Header line ${i} has no valid name before a colon.`);
      const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
      if (/[\x00\r]/.test(value))
        return this.#fail('malformed', `Header ${name} has a control character in its value.`);
      headers.push([name.toLowerCase(), value]);
    }
    this.#head = { method: match[1]!, target: match[2]!, version: match[4] === '0' ? '1.0' : '1.1', headers };
  }

  #readBody(head: Head): Buffer | undefined {
    const lengths = head.headers.filter(([name]) => name === 'content-length').map(([, value]) => value);
    const encodings = head.headers.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
    if (encodings.length > 0) {
      if (lengths.length > 0) return this.#fail('bad-length', 'Content-Length and Transfer-Encoding came together.');
      if (encodings.length > 1 || encodings[0]!.toLowerCase() !== 'chunked') {
        return this.#fail('bad-length', 'The only transfer encoding understood is "chunked".');
      }
      return this.#readChunks();
    }
    if (lengths.length === 0) return Buffer.alloc(0);
    const text = lengths[0]!;
    if (!/^\d{1,15}$/.test(text) || lengths.some((other) => other !== text)) {
      return this.#fail('bad-length', 'Content-Length is not one plain number.');
    }
    const length = Number(text);
    if (length > this.#limits.body) {
      return this.#fail(
        'body-too-large',
        `The body has ${length} bytes; the server takes ${this.#limits.body} at most.`,
      );
    }
    if (this.#bytes.length - this.#bodyAt < length) return undefined;
    const body = this.#bytes.subarray(this.#bodyAt, this.#bodyAt + length);
    this.#bodyAt += length;
    return body;
  }

  #readChunks(): Buffer | undefined {
    const parts: Buffer[] = [];
    let total = 0;
    let at = this.#bodyAt;
    for (;;) {
      const newline = this.#bytes.indexOf(LF, at);
      if (newline < 0 || newline - at > MAX_CHUNK_LINE) {
        if (this.#bytes.length - at > MAX_CHUNK_LINE) return this.#fail('bad-chunk', 'A chunk size line does not end.');
        return undefined;
      }
      const size = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?$/.exec(this.#bytes.toString('latin1', at, newline));
      if (!size) return this.#fail('bad-chunk', 'A chunk does not start with its size.');
      const length = Number.parseInt(size[1]!, 16);
      total += length;
      if (total > this.#limits.body) {
        return this.#fail('body-too-large', `The body is larger than ${this.#limits.body} bytes.`);
      }
      at = newline + 1;
      if (length === 0) return this.#endChunks(parts, at);
      if (this.#bytes.length < at + length + 1) return undefined;
      parts.push(this.#bytes.subarray(at, at + length));
      at += length;
      if (this.#bytes[at] === CR) at++;
      if (this.#bytes.length <= at) return undefined;
      if (this.#bytes[at] !== LF) return this.#fail('bad-chunk', 'A chunk is longer than its size says.');
      at++;
    }
  }

  /** Skips the trailer fields. */
  #endChunks(parts: Buffer[], from: number): Buffer | undefined {
    let at = from;
    for (;;) {
      const newline = this.#bytes.indexOf(LF, at);
      if (newline < 0 || newline - from > MAX_CHUNK_LINE * 4) {
        if (this.#bytes.length - from > MAX_CHUNK_LINE * 4) return this.#fail('bad-chunk', 'The trailer does not end.');
        return undefined;
      }
      const empty = newline === at || (newline === at + 1 && this.#bytes[at] === CR);
      at = newline + 1;
      if (empty) break;
    }
    this.#bodyAt = at;
    return Buffer.concat(parts);
  }
}
