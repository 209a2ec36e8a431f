import type { Clock } from '../../lib/clock.ts';

interface Entry<T> {
  readonly value: T;
  /** Milliseconds since the Unix epoch. */
  readonly expires: number;
}

/**
 * A bounded map whose entries expire by the wall clock. Expired entries are dropped on access or when the map is
 * full; there is no timer.
 */
export class ExpiringStore<T> {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** @param seconds until the entry expires */
  set(key: string, value: T, seconds: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#limit) this.#makeRoom();
    this.#entries.set(key, { value, expires: this.#clock.now() + seconds * 1000 });
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expires > this.#clock.now()) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Drops the oldest eighth at once, so that a full store does not pay for each new entry. */
  #makeRoom(): void {
    let surplus = Math.max(1, this.#limit >> 3);
    for (const key of this.#entries.keys()) {
      if (surplus-- <= 0) return;
      this.#entries.delete(key);
    }
  }
}
