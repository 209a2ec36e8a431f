import { ownString } from '../lib/own-string.ts';
import { MAX_REMEMBERED } from './constants.ts';

/** A bounded map of visitors' data; the oldest entries are dropped first. */
export class Remembered<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    // The string may be a slice of a header.
    this.#entries.set(ownString(key), value);
    if (this.#entries.size > MAX_REMEMBERED) this.#entries.delete(this.#entries.keys().next().value!);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  values(): V[] {
    return [...this.#entries.values()];
  }
}
