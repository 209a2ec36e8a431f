const EMPTY = Buffer.alloc(0);

/**
 * Reads fields in network order. Never throws and never reads past its end: a field that does not fit sets `failed`,
 * which stays, and reads as zero or empty.
 */
export class ByteReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  failed = false;

  constructor(buffer: Buffer, offset = 0, end: number = buffer.length) {
    this.#buffer = buffer;
    this.#at = offset;
    this.#end = end;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /** True when every byte was read and every field was there. */
  get complete(): boolean {
    return !this.failed && this.#at === this.#end;
  }

  uint(bytes: 1 | 2 | 3): number {
    if (this.failed || this.#at + bytes > this.#end) {
      this.failed = true;
      return 0;
    }
    const value = this.#buffer.readUIntBE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Buffer {
    if (this.failed || this.#at + length > this.#end) {
      this.failed = true;
      return EMPTY;
    }
    const view = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length;
    return view;
  }

  /** A view of a vector of at most `max` bytes, whose length is given in `bytes` bytes before it. */
  vector(bytes: 1 | 2 | 3, max: number = Number.POSITIVE_INFINITY): Buffer {
    const length = this.uint(bytes);
    if (length > max) this.failed = true;
    return this.bytes(length);
  }

  /** A vector of 16-bit numbers, its length in bytes given in `bytes` bytes before it. */
  numbers(bytes: 1 | 2): number[] {
    const view = this.vector(bytes);
    if (view.length % 2 !== 0) this.failed = true;
    const values: number[] = [];
    for (let i = 0; i + 1 < view.length; i += 2) values.push(view.readUInt16BE(i));
    return values;
  }
}
