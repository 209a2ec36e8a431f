import { createRequire } from 'node:module';
import { errorText } from '../lib/errors.ts';

/** The part of koffi that is used here: no callbacks, no structs, no asynchronous calls. */
export interface Koffi {
  load(path: string | null): KoffiLibrary;
  /** The memory address of an ArrayBuffer or view. */
  address(value: ArrayBuffer | NodeJS.ArrayBufferView): bigint;
  /** `errno` of the last call. */
  errno(): number;
}

/** A loaded library. */
interface KoffiLibrary {
  /** Declares a function. Integer types accept numbers; `void *` accepts a Buffer, null or a bigint. */
  func(name: string, result: string, parameters: readonly string[]): (...args: unknown[]) => unknown;
}

/** koffi, or why it is not available. */
type KoffiLoad = { readonly koffi: Koffi } | { readonly missing: string };

let loaded: KoffiLoad | undefined;

/** Loads koffi once. It is an optional dependency, so its absence is not an error. */
export function loadKoffi(): KoffiLoad {
  if (loaded) return loaded;
  try {
    const module = createRequire(import.meta.url)('koffi') as Koffi & { readonly default?: Koffi };
    loaded = { koffi: module.default ?? module };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    loaded = { missing: code === 'MODULE_NOT_FOUND' ? 'koffi is not installed' : `koffi: ${errorText(error)}` };
  }
  return loaded;
}

/**
 * Whether the memory layouts of the native code apply: 64-bit, little-endian, and addresses that a number represents exactly (user space
 * ends at 2^48 on x64 and arm64).
 */
export function layoutIsKnown(): boolean {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  return little && (process.arch === 'x64' || process.arch === 'arm64');
}
