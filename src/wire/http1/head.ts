import { type Cursor, decodeText, LineReader, LineStep } from './bytes.ts';
import type { HeaderLine, HttpFault, HttpLimits, HttpVersion } from './message.ts';

/** The parsed first line of a message. */
export type StartLine =
  | { readonly method: string; readonly target: string; readonly version: HttpVersion }
  | { readonly status: number; readonly text: string; readonly version: HttpVersion };

export interface Head<S extends StartLine> {
  readonly start: S;
  readonly headers: readonly HeaderLine[];
}

/** How to read the first line of one kind of message. */
export interface StartLineFormat<S extends StartLine> {
  /** For error messages. */
  readonly name: string;
  /** Whether these can be the first bytes of such a line. Called once, with the first bytes. */
  readonly plausible: (beginning: string) => boolean;
  /** @param line without its line end; one character per byte */
  readonly parse: (line: string, limits: HttpLimits) => S | HttpFault;
}

/** Maximum number of empty lines before a start line (RFC 9112 §2.2). */
const MAX_EMPTY_LINES = 4;
/** Length that method, version and line end add to a target. */
const START_LINE_EXTRA = 64;
/** Number of bytes after which a line that is not HTTP is reported as such. */
const PLAUSIBLE_BYTES = 32;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

/** Bytes of a token (RFC 9110 §5.6.2). */
const TOKEN_BYTES = new Uint8Array(256);
for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
  TOKEN_BYTES[byte] = 1;
}

/** A header line in place of a start line. */
export const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[ \t]/;

const blank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

const malformed = (explanation: string): HttpFault => ({ reason: 'malformed', explanation });

/**
 * Reads one start line and the header lines after it, line by line as they arrive. Names and values are copied, so that keeping one of them
 * does not retain the rest of the message.
 *
 * The first line determines the line end: CR LF, or LF alone for input typed by hand. A value with a stray line feed at its end, which
 * openconnect sends for a token file with a final newline, therefore does not end the headers.
 */
export class HeadReader<S extends StartLine> {
  readonly #format: StartLineFormat<S>;
  readonly #limits: HttpLimits;
  readonly #stem: S | undefined;
  readonly #line = new LineReader();
  #start: S | undefined;
  #headers: HeaderLine[] = [];
  #count = 0;
  #bytes = 0;
  #emptyLines = 0;
  #judged = false;
  /** Lines end with CR LF. */
  #strict = false;
  /** The line had a line feed without CR, which must be its last byte. */
  #stray = false;

  /**
   * @param stem used as the start line if header lines come first: the rest of a head that a stray line break has split. Without it, such
   * lines are a fault.
   */
  constructor(format: StartLineFormat<S>, limits: HttpLimits, stem?: S) {
    this.#format = format;
    this.#limits = limits;
    this.#stem = stem;
  }

  /** The complete head, its fault, or undefined if more bytes are needed. */
  read(cursor: Cursor): Head<S> | HttpFault | undefined {
    while (cursor.at < cursor.bytes.length) {
      const result = this.#start ? this.#readHeader(cursor) : this.#readStart(cursor);
      if (result === 'end') return { start: this.#start!, headers: this.#headers };
      if (result) return result;
    }
    return undefined;
  }

  #readStart(cursor: Cursor): HttpFault | undefined {
    const line = this.#line;
    const limits = this.#limits;
    const step = line.next(cursor, Math.min(limits.target + START_LINE_EXTRA, limits.head));
    const length = line.end - line.start;
    if (!this.#judged && length > PLAUSIBLE_BYTES) {
      this.#judged = true;
      if (!this.#format.plausible(line.bytes.toString('latin1', line.start, line.start + PLAUSIBLE_BYTES))) {
        return malformed(`The first line is not an HTTP ${this.#format.name} line.`);
      }
    }
    if (step === LineStep.TooLong) {
      return {
        reason: 'url-too-long',
        explanation: `The ${this.#format.name} line is longer than a URL of ${limits.target} bytes allows.`,
      };
    }
    if (step === LineStep.More) return undefined;
    const strict = length > 1 && line.bytes[line.end - 2] === CR;
    if (length === (strict ? 2 : 1)) {
      if (++this.#emptyLines <= MAX_EMPTY_LINES) return undefined;
      return malformed(`There were only empty lines instead of a ${this.#format.name}.`);
    }
    const end = line.end - (strict ? 2 : 1);
    const text = line.bytes.toString('latin1', line.start, end);
    const isHeader = this.#stem !== undefined && HEADER_LINE.test(text);
    const start = isHeader ? this.#stem : this.#format.parse(text, limits);
    if ('reason' in start) return start;
    this.#start = start;
    this.#strict = strict;
    this.#bytes = length;
    this.#count = isHeader ? 1 : 0;
    return isHeader ? this.#takeHeader(line.bytes, line.start, end) : undefined;
  }

  #readHeader(cursor: Cursor): HttpFault | 'end' | undefined {
    const line = this.#line;
    const step = line.next(cursor, this.#limits.head - this.#bytes);
    if (step === LineStep.TooLong) {
      return {
        reason: 'headers-too-large',
        explanation: `The ${this.#format.name} headers are larger than ${this.#limits.head} bytes.`,
      };
    }
    if (step === LineStep.More) return undefined;
    const { bytes, start } = line;
    let end = line.end - 1;
    if (end > start && bytes[end - 1] === CR) {
      end--;
    } else if (this.#strict) {
      if (this.#stray || end === start) return this.#brokenLine();
      this.#stray = true;
      line.resume();
      return undefined;
    }
    if (this.#stray) {
      this.#stray = false;
      if (bytes[--end] !== LF) return this.#brokenLine();
      // "\r\n\r\n" within a value would have ended the headers; "\r" alone is rejected below.
    }
    this.#bytes += line.end - line.start;
    if (end === start) return 'end';
    if (++this.#count > this.#limits.headerCount) {
      return {
        reason: 'too-many-headers',
        explanation: `A ${this.#format.name} is limited to ${this.#limits.headerCount} header lines.`,
      };
    }
    return this.#takeHeader(bytes, start, end);
  }

  #brokenLine(): HttpFault {
    const { bytes, start, end } = this.#line;
    const name = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}(?=:)/.exec(
      bytes.toString('latin1', start, Math.min(end, start + 65)),
    )?.[0];
    return malformed(
      `${name === undefined ? 'A header line' : `Header ${name.toLowerCase()}`} has a line break within it.`,
    );
  }

  #takeHeader(bytes: Buffer, start: number, end: number): HttpFault | undefined {
    const folded = blank(bytes[start]) && this.#headers.length > 0;
    let colon = start;
    if (!folded) {
      while (TOKEN_BYTES[bytes[colon]!]) colon++;
      if (colon === start || bytes[colon] !== COLON || colon >= end) {
        return malformed(`Header line ${this.#count} has no valid name before a colon.`);
      }
    }
    let from = folded ? start : colon + 1;
    let to = end;
    while (from < to && blank(bytes[from])) from++;
    while (to > from && blank(bytes[to - 1])) to--;
    const value = decodeText(bytes, from, to);
    const last = this.#headers.length - 1;
    const name = folded ? this.#headers[last]![0] : bytes.toString('latin1', start, colon).toLowerCase();
    if (/[\0\r\n]/.test(value)) return malformed(`Header ${name} has a control character in its value.`);
    if (folded) this.#fold(last, value);
    else this.#headers.push([name, value]);
    return undefined;
  }

  /** Obsolete line folding (RFC 9112 §5.2): replaced by one space. */
  #fold(index: number, more: string): void {
    const [name, value] = this.#headers[index]!;
    this.#headers[index] = [name, `${value} ${more}`];
  }
}
