import { type Cursor, Growing, LineReader, LineStep } from './bytes.ts';
import { type HeaderLine, type HttpFault, headerValues } from './message.ts';

/** How a body is delimited (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Until the end of the connection. */
  | { readonly kind: 'close' };

/** Longest chunk size line, extensions included. */
const MAX_CHUNK_LINE = 256;
/** Maximum length of all chunk extensions of a body, in bytes, as in Node's own parser (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16_384;
/** Maximum length of the trailer lines of a body, in bytes. They are read and discarded. */
const MAX_TRAILER_BYTES = 1024;

const LF = 0x0a;
const CR = 0x0d;

/** How a message with these headers is delimited. @param silent the framing if no header specifies it */
export function framingOf(headers: readonly HeaderLine[], limit: number, silent: Framing): Framing | HttpFault {
  const lengths = headerValues(headers, 'content-length');
  const encodings = headerValues(headers, 'transfer-encoding');
  if (encodings.length > 0) {
    if (lengths.length > 0) return badLength('Content-Length and Transfer-Encoding are both present.');
    if (encodings.length > 1 || encodings[0]!.toLowerCase() !== 'chunked') {
      return badLength('The only supported transfer encoding is "chunked".');
    }
    return { kind: 'chunked' };
  }
  const [text] = lengths;
  if (text === undefined) return silent;
  if (!/^\d{1,15}$/.test(text) || lengths.some((other) => other !== text)) {
    return badLength('Content-Length is not one plain number.');
  }
  const length = Number(text);
  if (length > limit) {
    return { reason: 'body-too-large', explanation: `The body has ${length} bytes; the limit is ${limit}.` };
  }
  return { kind: 'length', length };
}

const badLength = (explanation: string): HttpFault => ({ reason: 'bad-length', explanation });
const badChunk = (explanation: string): HttpFault => ({ reason: 'bad-chunk', explanation });

const Part = { Size: 0, Data: 1, DataEnd: 2, DataEndFeed: 3, Trailer: 4, Done: 5 } as const;
type Part = (typeof Part)[keyof typeof Part];

/**
 * Assembles one body. Each byte is read once. Only the body itself is kept, not chunk sizes, extensions or trailers; of a body that is
 * only observed, no more than its beginning.
 *
 *   Size ──▶ Data ──▶ DataEnd ──▶ DataEndFeed ──▶ Size
 *    └─ size 0 ──▶ Trailer ──▶ Done
 */
export class BodyReader {
  readonly #framing: Framing;
  readonly #limit: number;
  readonly #keep: number;
  readonly #body = new Growing();
  /** Bytes of the body so far, kept or not. */
  #size = 0;
  readonly #line = new LineReader();
  #part: Part;
  /** Bytes of the body, or of the chunk, still to come. */
  #missing: number;
  #extensions = 0;
  #trailer = 0;

  /**
   * @param limit maximum length of the body in bytes
   * @param keep number of bytes to keep; the others are only counted
   */
  constructor(framing: Framing, limit: number, keep = limit) {
    this.#framing = framing;
    this.#limit = limit;
    this.#keep = keep;
    this.#part = framing.kind === 'chunked' ? Part.Size : Part.Data;
    this.#missing = framing.kind === 'length' ? framing.length : 0;
  }

  /** Bytes of the body received so far. */
  get size(): number {
    return this.#size;
  }

  /** A copy of the kept bytes of the body received so far. */
  beginning(): Buffer {
    // Not a part of a pool, all of which it would retain.
    const copy = Buffer.allocUnsafeSlow(this.#body.length);
    copy.set(this.#body.bytes);
    return copy;
  }

  /** The complete body, its fault, or undefined if more bytes are needed. */
  read(cursor: Cursor): Buffer | HttpFault | undefined {
    if (this.#framing.kind === 'close') return this.#readOn(cursor);
    if (this.#framing.kind === 'length') {
      this.#take(cursor);
      return this.#missing === 0 ? this.#body.take() : undefined;
    }
    while (cursor.at < cursor.bytes.length) {
      const fault = this.#step(cursor);
      if (fault) return fault;
      if (this.#part === Part.Done) return this.#body.take();
    }
    return undefined;
  }

  /** Call when the connection has ended: returns the body of a message that lasts until then. */
  end(): Buffer | undefined {
    return this.#framing.kind === 'close' ? this.#body.take() : undefined;
  }

  #readOn(cursor: Cursor): HttpFault | undefined {
    const size = cursor.bytes.length - cursor.at;
    if (this.#size + size > this.#limit) return this.#tooLarge();
    this.#missing = size;
    this.#take(cursor);
    return undefined;
  }

  #take(cursor: Cursor): void {
    const count = Math.min(this.#missing, cursor.bytes.length - cursor.at);
    if (count === 0) return;
    const kept = Math.min(count, this.#keep - this.#body.length);
    if (kept > 0) this.#body.append(cursor.bytes, cursor.at, cursor.at + kept);
    this.#size += count;
    this.#missing -= count;
    cursor.at += count;
  }

  #tooLarge(): HttpFault {
    return { reason: 'body-too-large', explanation: `The body is larger than ${this.#limit} bytes.` };
  }

  #step(cursor: Cursor): HttpFault | undefined {
    switch (this.#part) {
      case Part.Size:
        return this.#readSize(cursor);
      case Part.Data:
        this.#take(cursor);
        if (this.#missing === 0) this.#part = Part.DataEnd;
        return undefined;
      case Part.DataEnd:
      case Part.DataEndFeed: {
        const byte = cursor.bytes[cursor.at++];
        if (byte === LF) this.#part = Part.Size;
        else if (byte === CR && this.#part === Part.DataEnd) this.#part = Part.DataEndFeed;
        else return badChunk('A chunk is longer than its size says.');
        return undefined;
      }
      case Part.Trailer:
        return this.#readTrailer(cursor);
      case Part.Done:
        return undefined;
    }
  }

  #readSize(cursor: Cursor): HttpFault | undefined {
    const line = this.#line;
    const step = line.next(cursor, MAX_CHUNK_LINE);
    if (step === LineStep.TooLong) return badChunk('A chunk size line is too long.');
    if (step === LineStep.More) return undefined;
    const match = /^([0-9A-Fa-f]{1,8})([ \t]*(?:;[^\r\n]*)?)\r?\n$/.exec(
      line.bytes.toString('latin1', line.start, line.end),
    );
    if (!match) return badChunk('A chunk does not start with its size.');
    this.#extensions += match[2]!.length;
    if (this.#extensions > MAX_EXTENSION_BYTES) {
      return badChunk(`The chunk extensions are larger than ${MAX_EXTENSION_BYTES} bytes.`);
    }
    this.#missing = Number.parseInt(match[1]!, 16);
    if (this.#size + this.#missing > this.#limit) return this.#tooLarge();
    this.#part = this.#missing === 0 ? Part.Trailer : Part.Data;
    return undefined;
  }

  #readTrailer(cursor: Cursor): HttpFault | undefined {
    const line = this.#line;
    const step = line.next(cursor, MAX_TRAILER_BYTES - this.#trailer);
    if (step === LineStep.TooLong) return badChunk('The trailer does not end.');
    if (step === LineStep.More) return undefined;
    const size = line.end - line.start;
    this.#trailer += size;
    if (size === 1 || (size === 2 && line.bytes[line.start] === CR)) this.#part = Part.Done;
    return undefined;
  }
}
