/** Room of a parcel that is kept for the next datagram, in bytes: no tunnel has larger ones. */
const ROOM = 2048;

/** Parcels that are kept at most. */
const MOST_KEPT = 1024;

/** A datagram on its way. */
export class Parcel {
  /** The datagram lies at its beginning. */
  readonly buffer: Buffer;
  #length = 0;

  constructor(room: number) {
    this.buffer = Buffer.allocUnsafeSlow(room);
  }

  /** Bytes of the datagram. */
  get length(): number {
    return this.#length;
  }

  /** Copies a datagram into it. */
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

  /** Its datagram has been read. One that was lost need not come back. */
  recycle(parcel: Parcel): void {
    if (parcel.buffer.length === ROOM && this.#free.length < MOST_KEPT) this.#free.push(parcel);
  }
}
