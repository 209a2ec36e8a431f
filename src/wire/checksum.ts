import { Buffer } from 'node:buffer';
import { CHECKSUM_WASM } from './checksum-wasm.ts';

/** Folds a sum of 16-bit words (below 2^32) to 16 bits with end-around carry (RFC 1071 §1). */
function foldSum(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

/**
 * Memory whose bytes can be summed fast at any position: a user-space stack builds its packets here and copies received packets here
 * (`Buffer.copy` of 1400 bytes costs less than the faster sum saves).
 */
export interface SummedMemory {
  readonly bytes: Buffer;
  /** The same bytes as 32-bit words in the machine's order. */
  readonly words: Int32Array;
  /**
   * One's-complement sum of `bytes[at, at + length)` as 16-bit words **in memory order** (little-endian), folded; `length` is at most
   * 65,536. Swap its two bytes for the sum in network order, or store it unchanged: the sum does not depend on byte order (RFC 1071 §2 B).
   */
  sum(at: number, length: number): number;
}

type NativeSum = (at: number, length: number) => number;

/** The part of this global that is used; Node's types do not declare it. */
interface WasmNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (options: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly s: NativeSum } };
}
const wasm = (globalThis as unknown as { WebAssembly: WasmNamespace }).WebAssembly;

/** Bytes of one WebAssembly memory. Many small allocations share one, because each reserves gigabytes of address space. */
const CHUNK = 4 * 1024 * 1024;
const PAGE = 65_536;
const ALIGNMENT = 64;

let compiled: object | null | undefined;
let chunk: { readonly buffer: ArrayBuffer; readonly sum: NativeSum; used: number } | undefined;

function nativeModule(): object | null {
  if (compiled === undefined) {
    try {
      compiled = new wasm.Module(Buffer.from(CHECKSUM_WASM, 'base64'));
    } catch {
      // No WebAssembly (--jitless) or no SIMD: the JavaScript version computes the same sum.
      compiled = null;
    }
  }
  return compiled;
}

/**
 * `length` bytes of memory for sums, zeroed and aligned to 64 bytes. It is never freed explicitly, but garbage-collected with the
 * allocations that share it.
 *
 * @param native false: the version in plain JavaScript, for comparison in tests
 */
export function allocateSummed(length: number, native = true): SummedMemory {
  const module = native ? nativeModule() : null;
  if (module === null) return new PlainMemory(length);
  const size = Math.ceil(length / ALIGNMENT) * ALIGNMENT;
  if (chunk === undefined || chunk.used + size > chunk.buffer.byteLength) {
    const memory = new wasm.Memory({ initial: Math.ceil(Math.max(size, CHUNK) / PAGE) });
    const instance = new wasm.Instance(module, { '': { m: memory } });
    chunk = { buffer: memory.buffer, sum: instance.exports.s, used: 0 };
  }
  const memory = new NativeMemory(chunk.buffer, chunk.used, length, chunk.sum);
  chunk.used += size;
  return memory;
}

/** Below this a call into WebAssembly costs as much as the sum itself. */
const SHORT = 48;

class NativeMemory implements SummedMemory {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly #offset: number;
  readonly #sum: NativeSum;

  constructor(buffer: ArrayBuffer, offset: number, length: number, sum: NativeSum) {
    this.bytes = Buffer.from(buffer, offset, length);
    this.words = new Int32Array(buffer, offset, length >> 2);
    this.#offset = offset;
    this.#sum = sum;
  }

  sum(at: number, length: number): number {
    if (length <= SHORT && (at & 3) === 0) return sumWords(this.words, this.bytes, at, length);
    return this.#sum(this.#offset + at, length);
  }
}

class PlainMemory implements SummedMemory {
  readonly bytes: Buffer;
  readonly words: Int32Array;

  constructor(length: number) {
    this.bytes = Buffer.from(new ArrayBuffer(Math.ceil(length / 4) * 4), 0, length);
    this.words = new Int32Array(this.bytes.buffer, 0, length >> 2);
  }

  sum(at: number, length: number): number {
    return (at & 3) === 0 ? sumWords(this.words, this.bytes, at, length) : sumUnaligned(this.bytes, at, length);
  }
}

/** Sums aligned 32-bit words: adds their halves separately, so that no addition exceeds 32 bits. */
function sumWords(words: Int32Array, bytes: Buffer, at: number, length: number): number {
  let low = 0;
  let high = 0;
  let i = at >> 2;
  const end = i + (length >> 2);
  for (const end4 = end - 3; i < end4; i += 4) {
    const a = words[i]!;
    const b = words[i + 1]!;
    const c = words[i + 2]!;
    const d = words[i + 3]!;
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
  }
  for (; i < end; i++) {
    low += words[i]! & 0xffff;
    high += words[i]! >>> 16;
  }
  let sum = foldSum(low) + foldSum(high);
  let tail = at + (length & ~3);
  if (length & 2) {
    sum += bytes[tail]! | (bytes[tail + 1]! << 8);
    tail += 2;
  }
  if (length & 1) sum += bytes[tail]!;
  return foldSum(sum);
}

function sumUnaligned(bytes: Buffer, at: number, length: number): number {
  let sum = 0;
  const end = at + (length & ~1);
  for (let i = at; i < end; i += 2) sum += bytes[i]! | (bytes[i + 1]! << 8);
  if (length & 1) sum += bytes[end]!;
  return foldSum(sum);
}
