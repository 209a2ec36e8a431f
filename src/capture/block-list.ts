/** A block that later ones depend on, with its position in the ring. */
export interface SideBlock {
  readonly at: number;
  readonly bytes: Buffer;
}

/** Blocks that must outlive the ring: interface descriptions, keys. Separately bounded; the oldest are dropped first. */
export class BlockList {
  readonly #max: number;
  readonly #blocks: SideBlock[] = [];
  #bytes = 0;
  #first = 0;

  /** @param max bytes */
  constructor(max: number) {
    this.#max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(block: SideBlock): void {
    this.#blocks.push(block);
    this.#bytes += block.bytes.length;
    while (this.#bytes > this.#max && this.#blocks.length > 1) {
      this.#bytes -= this.#blocks.shift()!.bytes.length;
      this.#first++;
    }
  }

  /** The block with that number, or the oldest remaining one after it, and its number. */
  from(number: number): { readonly block: SideBlock; readonly number: number } | undefined {
    const index = Math.max(0, number - this.#first);
    const block = this.#blocks[index];
    return block && { block, number: this.#first + index };
  }
}
