import type { Buffer } from 'node:buffer';
import { allocateSummed, type SummedMemory } from '../../wire/checksum.ts';

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
 * The single buffer in which a stack builds its packets, and to which it copies arriving ones to compute checksums. `base`, where a packet
 * begins, is a multiple of four, so that headers are written as 32-bit words. Words are in memory order, which is little-endian on all
 * current platforms of Node except s390x.
 */
export class PacketSlab {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly base: number;
  /** Position to which arriving packets are copied. */
  readonly inbound: number;
  readonly #memory: SummedMemory;

  constructor(headroom: number) {
    this.base = (headroom + 3) & ~3;
    this.inbound = (this.base + PACKET_MAX + 63) & ~63;
    this.#memory = allocateSummed(this.inbound + PACKET_MAX);
    this.bytes = this.#memory.bytes;
    this.words = this.#memory.words;
  }

  /** One's-complement sum of `length` bytes at `at` (a multiple of four), folded, in little-endian order. */
  sum(at: number, length: number): number {
    return this.#memory.sum(at, length);
  }

  /** Like `sum`, for bytes elsewhere: copies them into the slab first. */
  sumOf(buffer: Buffer, at: number, length: number): number {
    const inbound = this.inbound;
    if (length > 96) {
      buffer.copy(this.bytes, inbound, at, at + length);
    } else {
      const bytes = this.bytes;
      for (let i = 0; i < length; i++) bytes[inbound + i] = buffer[at + i]!;
    }
    return this.#memory.sum(inbound, length);
  }
}
