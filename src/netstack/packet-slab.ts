import { Buffer } from 'node:buffer';

/** Largest IP packet. */
const PACKET_MAX = 65_536;

/** Folds a sum of 16-bit words to 16 bits with end-around carry (RFC 1071). */
export function fold(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

export function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

/**
 * The one buffer that all packets of a stack are built in, and where arriving ones are laid on an aligned place to be
 * summed. `base`, where a packet begins, is a multiple of four, so that headers are written as 32-bit words.
 * Words are in memory order, little-endian, as on every machine that Node runs on today but one (s390x).
 */
export class PacketSlab {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly base: number;
  /** Where arriving packets are copied to. */
  readonly inbound: number;
  readonly #unsigned: Uint32Array;

  constructor(headroom: number) {
    this.base = (headroom + 3) & ~3;
    this.inbound = (this.base + PACKET_MAX + 63) & ~63;
    this.bytes = Buffer.from(new ArrayBuffer(this.inbound + PACKET_MAX));
    this.words = new Int32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
    this.#unsigned = new Uint32Array(this.bytes.buffer, 0, this.bytes.length >> 2);
  }

  /** One's-complement sum of `length` bytes at `at` (a multiple of four), folded, in little-endian order. */
  sum(at: number, length: number): number {
    const words = this.#unsigned;
    let a = 0;
    let b = 0;
    let i = at >> 2;
    const end = i + (length >> 2);
    const end4 = end - 3;
    for (; i < end4; i += 4) {
      a += words[i]! + words[i + 1]!;
      b += words[i + 2]! + words[i + 3]!;
    }
    for (; i < end; i++) a += words[i]!;
    a += b;
    let sum = fold(a >>> 0) + fold(Math.floor(a / 4_294_967_296));
    let tail = at + (length & ~3);
    if (length & 2) {
      sum += this.bytes[tail]! | (this.bytes[tail + 1]! << 8);
      tail += 2;
    }
    if (length & 1) sum += this.bytes[tail]!;
    return fold(sum);
  }

  /** As `sum`, of bytes that lie elsewhere: copies them in first. */
  sumOf(buffer: Buffer, at: number, length: number): number {
    const inbound = this.inbound;
    if (length > 96) {
      buffer.copy(this.bytes, inbound, at, at + length);
    } else {
      const bytes = this.bytes;
      for (let i = 0; i < length; i++) bytes[inbound + i] = buffer[at + i]!;
    }
    return this.sum(inbound, length);
  }
}
