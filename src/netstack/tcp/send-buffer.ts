import type { Buffer } from 'node:buffer';

/** Number of released chunks after which the buffer compacts its array. */
const COMPACT_AT = 64;

/**
 * Data that the application wrote and the peer has not acknowledged, by reference. Positions are sequence numbers. Reads nearly always move
 * forward, so the chunk read last is remembered.
 */
export class SendBuffer {
  readonly #chunks: Buffer[] = [];
  /** Index of the first live chunk; the ones before it are released. */
  #first = 0;
  /** Sequence number of the first byte of chunk `#first`. */
  #start: number;
  /** Sequence number after the last byte. */
  end: number;
  #cursor = 0;
  #cursorStart: number;

  constructor(start: number) {
    this.#start = start;
    this.end = start;
    this.#cursorStart = start;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.end = (this.end + chunk.length) | 0;
  }

  /** Copies [seq, seq + length) to `target` at `at`. The range must be within the buffer. */
  copy(seq: number, length: number, target: Buffer, at: number): void {
    const chunks = this.#chunks;
    let index = this.#cursor;
    let start = this.#cursorStart;
    if (index < this.#first || ((seq - start) | 0) < 0) {
      index = this.#first;
      start = this.#start;
    }
    let skip = (seq - start) | 0;
    let chunk = chunks[index]!;
    while (skip >= chunk.length) {
      skip -= chunk.length;
      start = (start + chunk.length) | 0;
      chunk = chunks[++index]!;
    }
    this.#cursor = index;
    this.#cursorStart = start;
    for (;;) {
      const n = Math.min(length, chunk.length - skip);
      chunk.copy(target, at, skip, skip + n);
      length -= n;
      if (length === 0) return;
      at += n;
      skip = 0;
      chunk = chunks[++index]!;
    }
  }

  /** Releases everything before `seq`, a chunk at a time. */
  release(seq: number): void {
    const chunks = this.#chunks;
    while (this.#first < chunks.length) {
      const next = (this.#start + chunks[this.#first]!.length) | 0;
      if (((next - seq) | 0) > 0) break;
      chunks[this.#first] = NOTHING;
      this.#first++;
      this.#start = next;
    }
    if (this.#first === chunks.length) {
      chunks.length = 0;
      this.#first = 0;
      this.#cursor = 0;
      this.#cursorStart = this.#start;
    } else if (this.#first >= COMPACT_AT && this.#first * 2 >= chunks.length) {
      chunks.splice(0, this.#first);
      this.#cursor = Math.max(0, this.#cursor - this.#first);
      if (this.#cursor === 0) this.#cursorStart = this.#start;
      this.#first = 0;
    }
  }
}

const NOTHING = globalThis.Buffer.alloc(0);
