/**
 * Memory of a vector of `struct mmsghdr`, laid out by hand (recvmmsg(2), 64-bit little-endian):
 *
 * ```text
 *   headers   count × 64   0 name*  8 namelen  16 iov*  24 iovlen  32 control*  40 controllen  48 flags  56 msg_len
 *   names     count × 32   struct sockaddr_in (16 bytes used) or sockaddr_in6 (28)
 *   iovecs    count × 16   0 base*  8 len
 *   data      count × slot
 * ```
 *
 * The memory belongs to an ArrayBuffer and is freed with the socket. It does not move, and the system keeps no pointer to it after a call
 * has returned.
 */
export class MessageVector {
  readonly memory: ArrayBuffer;
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  /** Address of the first header. */
  readonly address: number;
  readonly count: number;
  readonly slot: number;
  readonly nameLength: number;
  /** Byte offset of the first name and of the first data slot. */
  readonly names: number;
  readonly data: number;
  /** Byte offset of the first iovec. */
  readonly iovecs: number;

  constructor(count: number, slot: number, nameLength: number, addressOf: (memory: ArrayBuffer) => number) {
    this.count = count;
    this.slot = slot;
    this.nameLength = nameLength;
    this.names = count * HEADER;
    this.iovecs = this.names + count * NAME;
    this.data = this.iovecs + count * IOVEC;
    this.memory = new ArrayBuffer(this.data + count * slot);
    this.bytes = Buffer.from(this.memory);
    this.words = new Uint32Array(this.memory);
    this.address = addressOf(this.memory);
    for (let i = 0; i < count; i++) {
      this.#pointer(i * HEADER, this.address + this.names + i * NAME);
      this.words[(i * HEADER + 8) >> 2] = nameLength;
      this.#pointer(i * HEADER + 16, this.address + this.iovecs + i * IOVEC);
      this.words[(i * HEADER + 24) >> 2] = 1;
      this.#pointer(this.iovecs + i * IOVEC, this.address + this.data + i * slot);
      this.words[(this.iovecs + i * IOVEC + 8) >> 2] = slot;
    }
  }

  /** Length in bytes that the system reported for message `i`. */
  length(i: number): number {
    return this.words[i * 16 + 14] as number;
  }

  flags(i: number): number {
    return this.words[i * 16 + 12] as number;
  }

  /** Index in `words` of the name of message `i`. */
  nameWord(i: number): number {
    return (this.names >> 2) + i * 8;
  }

  dataOffset(i: number): number {
    return this.data + i * this.slot;
  }

  /** Length of the datagram in slot `i`, as set last. */
  lengthSet(i: number): number {
    return this.words[(this.iovecs >> 2) + i * 4 + 2] as number;
  }

  setLength(i: number, length: number): void {
    this.words[(this.iovecs >> 2) + i * 4 + 2] = length;
  }

  #pointer(at: number, address: number): void {
    this.words[at >> 2] = address >>> 0;
    this.words[(at >> 2) + 1] = Math.floor(address / 0x1_0000_0000);
  }
}

const HEADER = 64;
const NAME = 32;
const IOVEC = 16;
