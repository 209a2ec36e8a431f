import { ownString } from '../lib/own-string.ts';
import { MAX_REMEMBERED } from './constants.ts';

/** A map of what visitors left behind: bounded, the oldest go first. */
export class Remembered<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    // Cut out of a header, perhaps.
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
