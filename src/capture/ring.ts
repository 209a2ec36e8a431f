/** Stands where the rest of the memory is left out: a block is never torn. No block of a capture file has this type. */
const SKIP = 0;

/**
 * The last blocks of a capture, in memory that is bounded and taken once. Positions count all bytes since the start; where there is no
 * room, the oldest blocks make it.
 */
export class BlockRing {
  readonly bytes: Buffer;
  readonly #size: number;
  #head = 0;
  #tail = 0;
  #first = 0;
  #next = 0;

  /** @param size bytes; at least as many as the largest block has */
  constructor(size: number) {
    this.#size = size & ~3;
    this.bytes = Buffer.allocUnsafeSlow(this.#size);
  }

  /** Where the next block will be. */
  get head(): number {
    return this.#head;
  }

  /** Where the oldest block is that is left. */
  get tail(): number {
    return this.#tail;
  }

  /** Number of the oldest block that is left: as many are gone. */
  get first(): number {
    return this.#first;
  }

  /** Number that the next block gets. */
  get next(): number {
    return this.#next;
  }

  /** Makes room for a block. Its type and its length have to be written at the returned index of `bytes` at once. @param length a multiple of 4 */
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

  /** Lets go of the oldest blocks, until what lies before `end` fits. */
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
   * Whole blocks from a position on, which must not be before `tail`: copied, and at most `max` bytes, unless the first has more.
   * @param before no block from this position on
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
      // What comes next lies at the beginning of the memory.
      if (end % this.#size === 0) break;
    }
    const at = start % this.#size;
    return { bytes: Buffer.from(this.bytes.subarray(at, at + end - start)), end, blocks };
  }
}
