import { randomFillSync } from 'node:crypto';

/** Random numbers as a dependency: cryptographic in production, seeded in tests and fault plans. */
export interface RandomSource {
  /** Fills `target` and returns it. */
  fill<T extends Uint8Array>(target: T): T;
  /** A new Buffer of `length` random bytes. */
  bytes(length: number): Buffer;
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A number in [0, 1). */
  float(): number;
}

const POOL_BYTES = 4096;
/** Longer values are read from the operating system's generator directly. */
const LARGEST_FROM_POOL = 64;

/** The operating system's generator, read in blocks so that a short value needs no system call. Bytes given out are erased in the block. */
class SystemRandom implements RandomSource {
  readonly #pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  #at = POOL_BYTES;

  fill<T extends Uint8Array>(target: T): T {
    const { length } = target;
    if (length > LARGEST_FROM_POOL) return randomFillSync(target);
    const at = this.#take(length);
    const pool = this.#pool;
    for (let i = 0; i < length; i++) {
      target[i] = pool[at + i]!;
      pool[at + i] = 0;
    }
    return target;
  }

  bytes(length: number): Buffer {
    return this.fill(Buffer.allocUnsafeSlow(length));
  }

  uint32(): number {
    const at = this.#take(4);
    const value = this.#pool.readUInt32LE(at);
    this.#pool.writeUInt32LE(0, at);
    return value;
  }

  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Where the next bytes of the block are. */
  #take(length: number): number {
    if (this.#at + length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

/** Cryptographically strong randomness. */
export const systemRandom: RandomSource = new SystemRandom();

/** A repeatable generator (mulberry32) for tests, fault plans and simulations only. Not suitable for keys. */
export function seededRandom(seed: number): RandomSource {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  };
  const fill = <T extends Uint8Array>(target: T): T => {
    for (let i = 0; i < target.length; i++) target[i] = uint32() & 0xff;
    return target;
  };
  return { uint32, fill, bytes: (length) => fill(Buffer.alloc(length)), float: () => uint32() / 0x1_0000_0000 };
}
