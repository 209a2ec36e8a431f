import { isUtf8 } from 'node:buffer';

/** A chunk and the position of the reader in it. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 64;
const LF = 0x0a;

/**
 * Bytes received in pieces. The buffer doubles when it is full, so that each byte is copied a fixed number of times, and no memory is
 * allocated ahead.
 */
export class Growing {
  #room: Buffer = EMPTY;
  /** May be set to 0 to reuse the buffer. */
  length = 0;

  append(source: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.#room.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, Math.min(2 * this.#room.length, 2 * needed)));
      this.#room.copy(room, 0, 0, this.length);
      this.#room = room;
    }
    source.copy(this.#room, this.length, start, end);
    this.length = needed;
  }

  /** A view, valid until the next call of `append`. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.length);
  }

  /** Returns the bytes and starts with a new buffer. */
  take(): Buffer {
    const { bytes } = this;
    this.#room = EMPTY;
    this.length = 0;
    return bytes;
  }
}

/** Results of `LineReader.next`. */
export const LineStep = {
  /** The chunk has been read; the line continues in the next one. */
  More: 0,
  Whole: 1,
  TooLong: 2,
} as const;
export type LineStep = (typeof LineStep)[keyof typeof LineStep];

/**
 * Splits chunks into lines. A line within one chunk is not copied. Of a line across chunks, no more than the caller's limit is kept. The
 * results depend only on the bytes, not on how they were split.
 */
export class LineReader {
  readonly #partial = new Growing();
  /** The line found, including its line feed; for a line that is too long or continues, its beginning. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;

  /** @param cap length of the longest line, including its line feed */
  next(cursor: Cursor, cap: number): LineStep {
    const { bytes } = cursor;
    const newline = bytes.indexOf(LF, cursor.at);
    const stop = newline < 0 ? bytes.length : newline + 1;
    const room = cap + 1 - this.#partial.length;
    const whole = newline >= 0 && this.#partial.length === 0;
    if (stop - cursor.at >= room || !whole) {
      this.#partial.append(bytes, cursor.at, Math.min(stop, cursor.at + room));
      this.bytes = this.#partial.bytes;
      this.start = 0;
      this.end = this.#partial.length;
    } else {
      this.bytes = bytes;
      this.start = cursor.at;
      this.end = stop;
    }
    const step = stop - cursor.at >= room ? LineStep.TooLong : newline < 0 ? LineStep.More : LineStep.Whole;
    cursor.at = stop;
    if (step === LineStep.Whole) this.#partial.length = 0;
    return step;
  }

  /** Puts the whole line back: its line feed is part of it, and the line continues after it. */
  resume(): void {
    const { bytes, start, end } = this;
    this.#partial.append(bytes, start, end);
  }
}

/**
 * Converts bytes to a new string, not a slice that would retain a longer one. Decoded as UTF-8 if valid, otherwise one character per byte.
 */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  return /[\x80-\xff]/.test(text) && isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : text;
}
