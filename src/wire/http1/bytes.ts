import { isUtf8 } from 'node:buffer';

/** A chunk that is being read, and how far. */
export interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 64;
const LF = 0x0a;

/** Bytes that come in pieces. Room is doubled, so that each byte is copied a fixed number of times, and never asked for ahead. */
export class Growing {
  #room: Buffer = EMPTY;
  /** May be set to 0: the room is used again. */
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

  /** Gives the bytes away and starts anew. */
  take(): Buffer {
    const { bytes } = this;
    this.#room = EMPTY;
    this.length = 0;
    return bytes;
  }
}

/** What `LineReader.next` found. */
export const LineStep = {
  /** The chunk is used up; the line goes on in the next one. */
  More: 0,
  Whole: 1,
  TooLong: 2,
} as const;
export type LineStep = (typeof LineStep)[keyof typeof LineStep];

/**
 * Cuts lines out of chunks. A line that lies within one chunk is not copied, and of one that does not, no more is kept than the
 * caller would take. What it finds depends on the bytes alone, not on how they were cut.
 */
export class LineReader {
  readonly #partial = new Growing();
  /** The line that was found, its line feed included; of one that is too long or goes on, what there is. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;

  /** @param cap longest line, its line feed included */
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

  /** Takes the whole line back: its line feed belongs to it, and the line goes on behind it. */
  resume(): void {
    const { bytes, start, end } = this;
    this.#partial.append(bytes, start, end);
  }
}

/**
 * Bytes as a string of its own: not a slice that would keep a longer one alive. UTF-8 where it is that, else one character for
 * each byte.
 */
export function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  return /[\x80-\xff]/.test(text) && isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : text;
}
