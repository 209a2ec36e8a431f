import type { Clock, Timer } from '../lib/clock.ts';

/** Limits of datagrams and bytes that may wait because of all rules together. */
const MAX_WAITING = { count: 16_384, bytes: 64 << 20 } as const;

/** Everything that waits because of the rules of one simulator, with a common limit. */
export class WaitingBudget {
  count = 0;
  bytes = 0;

  /** Adds or subtracts bytes that wait in connections. */
  addBytes(bytes: number): void {
    this.bytes += bytes;
  }

  get full(): boolean {
    return this.count >= MAX_WAITING.count || this.bytes >= MAX_WAITING.bytes;
  }
}

interface Waiter {
  readonly bytes: Buffer;
  readonly go: (bytes: Buffer) => void;
  timer: Timer | undefined;
}

/** Items that wait because of one rule: for a time, or until they are released. */
export class Waiting {
  readonly #clock: Clock;
  readonly #budget: WaitingBudget;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock, budget: WaitingBudget) {
    this.#clock = clock;
    this.#budget = budget;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Adds an item. False: too much waits already. Without `ms` it waits until it is released. The returned function releases it at once. */
  keep(bytes: Buffer, go: (bytes: Buffer) => void, ms?: number): (() => void) | undefined {
    if (this.#budget.full) return undefined;
    const waiter: Waiter = { bytes, go, timer: undefined };
    this.#waiters.add(waiter);
    this.#budget.count++;
    this.#budget.bytes += bytes.length;
    const release = (): void => this.#release(waiter, bytes);
    if (ms !== undefined) waiter.timer = this.#clock.setTimer(ms, release);
    return release;
  }

  /** Releases the oldest items, optionally changed. */
  release(count = Infinity, change?: (bytes: Buffer) => Buffer | undefined): number {
    let released = 0;
    for (const waiter of [...this.#waiters]) {
      if (released >= count) break;
      released++;
      this.#release(waiter, change ? change(waiter.bytes) : waiter.bytes);
    }
    return released;
  }

  /** Drops all waiting items. */
  discard(): void {
    for (const waiter of [...this.#waiters]) this.#release(waiter, undefined);
  }

  #release(waiter: Waiter, bytes: Buffer | undefined): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.timer?.cancel();
    this.#budget.count--;
    this.#budget.bytes -= waiter.bytes.length;
    if (bytes !== undefined) waiter.go(bytes);
  }
}
