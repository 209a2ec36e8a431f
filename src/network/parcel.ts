/** Size of a parcel's buffer that is kept for the next datagram, in bytes: no tunnel has larger ones. */
const ROOM = 2048;

/** Maximum number of unused parcels to keep. */
const MOST_KEPT = 1024;

/** A datagram in transit. */
export class Parcel {
  /** The datagram is at its start. */
  readonly buffer: Buffer;
  #length = 0;

  constructor(room: number) {
    this.buffer = Buffer.allocUnsafeSlow(room);
  }

  /** Bytes of the datagram. */
  get length(): number {
    return this.#length;
  }

  /** Copies a datagram into the parcel. */
  fill(source: Buffer, offset: number, length: number): this {
    source.copy(this.buffer, 0, offset, offset + length);
    this.#length = length;
    return this;
  }
}

/** A pool of memory for datagrams in transit, reused after delivery. */
export class Parcels {
  readonly #free: Parcel[] = [];

  /** A copy of a datagram. */
  pack(source: Buffer, offset: number, length: number): Parcel {
    const parcel = length > ROOM ? new Parcel(length) : (this.#free.pop() ?? new Parcel(ROOM));
    return parcel.fill(source, offset, length);
  }

  /** Returns a parcel whose datagram was read. A lost one need not be returned. */
  recycle(parcel: Parcel): void {
    if (parcel.buffer.length === ROOM && this.#free.length < MOST_KEPT) this.#free.push(parcel);
  }
}
