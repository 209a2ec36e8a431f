import type { IpFamily } from './types.ts';

/** Entries by remote address, so that an operation on one peer does not examine all entries. */
export class ByPeer<T> {
  readonly #entries = new Map<number | string, Set<T>>();

  /** @param words remote address first; more may follow */
  add(family: IpFamily, words: Int32Array, entry: T): void {
    const key = keyOf(family, words);
    const entries = this.#entries.get(key);
    if (entries === undefined) this.#entries.set(key, new Set([entry]));
    else entries.add(entry);
  }

  delete(family: IpFamily, words: Int32Array, entry: T): void {
    const key = keyOf(family, words);
    const entries = this.#entries.get(key);
    if (entries?.delete(entry) && entries.size === 0) this.#entries.delete(key);
  }

  /** The entries of one peer. They may be deleted during iteration. */
  of(family: IpFamily, words: Int32Array): Iterable<T> {
    return this.#entries.get(keyOf(family, words)) ?? [];
  }
}

function keyOf(family: IpFamily, words: Int32Array): number | string {
  return family === 4 ? words[0]! : `${words[0]},${words[1]},${words[2]},${words[3]}`;
}
