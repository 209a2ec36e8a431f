import { Buffer } from 'node:buffer';

/** Size of the smallest chunk of received data, in bytes. */
export const CHUNK_MIN = 2048;
/** Spare chunks to keep: 128 KiB of them, for as many short requests in one batch. */
const MAX_SPARE = 64;
/** Size of a block that small pieces share, in bytes: what one of them retains at most. */
const SHARED_BLOCK = 4096;
/** Larger pieces get memory of their own. */
const MAX_SHARED = 512;

/**
 * Memory for received data. V8 allocates it outside its heap, which takes longer than copying a short request, and counts it as a reason to collect
 * garbage. So small chunks of which no part was delivered are used again, and small pieces that are processed at once share blocks.
 */
export class ReceiveChunks {
  readonly #spare: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Memory of `size` bytes, of unknown content. */
  take(size: number): Buffer {
    return (size === CHUNK_MIN ? this.#spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
  }

  /** A chunk of which no part was delivered: its data was copied. */
  giveBack(chunk: Buffer): void {
    if (chunk.length === CHUNK_MIN && this.#spare.length < MAX_SPARE) this.#spare.push(chunk);
  }

  /** Memory of `size` bytes, for data that is processed at once: if it is small, part of a block with others. */
  share(size: number): Buffer {
    if (size > MAX_SHARED) return Buffer.allocUnsafeSlow(size);
    if (this.#at + size > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(SHARED_BLOCK);
      this.#at = 0;
    }
    const piece = this.#block.subarray(this.#at, this.#at + size);
    this.#at += size;
    return piece;
  }
}
