import type { RandomSource } from '../../lib/random.ts';

/**
 * SipHash-2-4 (Aumasson, Bernstein) on 32-bit halves: the keyed pseudorandom function F of RFC 6528 §3, over a few 32-bit words. The test
 * has reference vectors.
 */
export class SipHash {
  readonly #k: Int32Array;
  /** The two halves of the last result. */
  low = 0;
  high = 0;

  /** @param key 16 bytes */
  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, 16);
    this.#k = Int32Array.of(
      view.getInt32(0, true),
      view.getInt32(4, true),
      view.getInt32(8, true),
      view.getInt32(12, true),
    );
  }

  static random(random: RandomSource): SipHash {
    return new SipHash(random.bytes(16));
  }

  /** Hashes `words` (little-endian), an even number of them; the result is in `low` and `high`. */
  hash(words: Int32Array): void {
    const k = this.#k;
    const s = STATE;
    s[0] = k[0]! ^ 0x70736575;
    s[1] = k[1]! ^ 0x736f6d65;
    s[2] = k[2]! ^ 0x6e646f6d;
    s[3] = k[3]! ^ 0x646f7261;
    s[4] = k[0]! ^ 0x6e657261;
    s[5] = k[1]! ^ 0x6c796765;
    s[6] = k[2]! ^ 0x79746573;
    s[7] = k[3]! ^ 0x74656462;
    for (let i = 0; i < words.length; i += 2) absorb(words[i]!, words[i + 1]!);
    absorb(0, ((words.length * 4) & 0xff) << 24);
    s[4] = s[4]! ^ 0xff;
    round();
    round();
    round();
    round();
    this.low = s[0]! ^ s[2]! ^ s[4]! ^ s[6]!;
    this.high = s[1]! ^ s[3]! ^ s[5]! ^ s[7]!;
  }
}

/** v0..v3 as low, high pairs. */
const STATE = new Int32Array(8);

function absorb(low: number, high: number): void {
  const s = STATE;
  s[6] = s[6]! ^ low;
  s[7] = s[7]! ^ high;
  round();
  round();
  s[0] = s[0]! ^ low;
  s[1] = s[1]! ^ high;
}

function add(a: number, b: number): void {
  const s = STATE;
  const low = (s[a]! >>> 0) + (s[b]! >>> 0);
  s[a] = low | 0;
  s[a + 1] = (s[a + 1]! + s[b + 1]! + (low > 0xffffffff ? 1 : 0)) | 0;
}

/** s[a] = rotl64(s[a], bits) ^ s[b], 0 < bits < 32 */
function rotateXor(a: number, bits: number, b: number): void {
  const s = STATE;
  const low = s[a]!;
  const high = s[a + 1]!;
  s[a] = ((low << bits) | (high >>> (32 - bits))) ^ s[b]!;
  s[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ s[b + 1]!;
}

function rotate32(a: number): void {
  const s = STATE;
  const low = s[a]!;
  s[a] = s[a + 1]!;
  s[a + 1] = low;
}

function round(): void {
  add(0, 2);
  rotateXor(2, 13, 0);
  rotate32(0);
  add(4, 6);
  rotateXor(6, 16, 4);
  add(0, 6);
  rotateXor(6, 21, 0);
  add(4, 2);
  rotateXor(2, 17, 4);
  rotate32(4);
}
