/** Fills the end of the memory where a block does not fit: blocks are never split. No block of a capture file has this type. */
const SKIP = 0;

/**
 * The latest blocks of a capture, in a fixed amount of memory. Positions count all bytes since the start; new blocks
 * overwrite the oldest ones.
 */
export class BlockRing {
  readonly bytes: Buffer;
  readonly #size: number;
  #head = 0;
  #tail = 0;
  #first = 0;
  #next = 0;

  /** @param size bytes; at least the size of the largest block */
  constructor(size: number) {
    this.#size = size & ~3;
    this.bytes = Buffer.allocUnsafeSlow(this.#size);
  }

  /** Position of the next block. */
  get head(): number {
    return this.#head;
  }

  /** Position of the oldest remaining block. */
  get tail(): number {
    return this.#tail;
  }

  /** Number of the oldest remaining block: also the number of overwritten blocks. */
  get first(): number {
    return this.#first;
  }

  /** Number of the next block. */
  get next(): number {
    return this.#next;
  }

  /** Reserves room for a block. The caller must write type and length at the returned index of `bytes` at once. @param length a multiple of 4 */
  reserve(length: number): number {
    const left = this.#size - (this.#head % this.#size);
    if (left < length) {
      this.#free(this.#head + left);
      this.bytes.writeUInt32LE(SKIP, this.#head % this.#size);
      this.#head += left;
    }
    this.#free(this.#head + length);
    const at = this.#head % this.#size;
    this.#head += length;
    this.#next++;
    return at;
  }

  /** Drops the oldest blocks until the memory before `end` is free. */
  #free(end: number): void {
    while (end - this.#tail > this.#size) {
      const at = this.#tail % this.#size;
      if (this.bytes.readUInt32LE(at) === SKIP) this.#tail += this.#size - at;
      else {
        this.#tail += this.bytes.readUInt32LE(at + 4);
        this.#first++;
      }
    }
  }

  /**
   * Copies whole blocks from a position, which must not precede `tail`: at most `max` bytes, unless the first block is larger.
   * @param before copies no block from this position on
   */
  read(
    from: number,
    max: number,
    before = this.#head,
  ): { readonly bytes: Buffer; readonly end: number; readonly blocks: number } {
    let start = from;
    if (start < before && this.bytes.readUInt32LE(start % this.#size) === SKIP)
      start += this.#size - (start % this.#size);
    let end = start;
    let blocks = 0;
    while (end < before && end % this.#size >= start % this.#size) {
      const at = end % this.#size;
      if (this.bytes.readUInt32LE(at) === SKIP) break;
      const length = this.bytes.readUInt32LE(at + 4);
      if (end > start && end + length - start > max) break;
      end += length;
      blocks++;
      // The next block is at the start of the memory.
      if (end % this.#size === 0) break;
    }
    const at = start % this.#size;
    return { bytes: Buffer.from(this.bytes.subarray(at, at + end - start)), end, blocks };
  }
}
