/** Memory in which outgoing datagrams are built; see {@link SlabMemory}. */
export interface DatagramMemory {
  /** Set by `reserve`: where the next datagram is to be built. */
  readonly buffer: Buffer;
  readonly offset: number;
  /** Makes room for one datagram of up to `length` bytes. The next `send` of the options passes exactly this room. */
  reserve(length: number): void;
}

const SLAB_BYTES = 65_536;

/**
 * Cuts datagrams from slabs that are never used twice: a socket may still hold the last datagram when the next is
 * built. A slab is garbage-collected with the last datagram in it.
 */
export class SlabMemory implements DatagramMemory {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  #next = 0;

  reserve(length: number): void {
    if (this.#next + length > this.buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
      this.#next = 0;
    }
    this.offset = this.#next;
    this.#next += length;
  }
}
