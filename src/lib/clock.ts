/** A pending timer. Canceling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as a dependency: code that uses a clock can run on virtual time in tests. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number;
  /** Monotonic time in milliseconds, with a fraction. Never goes back. */
  monotonic(): number;
  /** Calls `fn` once, `ms` from now. The timer does not keep the process alive. */
  setTimer(ms: number, fn: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fn) {
    // Node warns about negative times, which fire at once.
    const handle = setTimeout(fn, Math.max(0, Math.min(ms, 0x7fffffff)));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * A clock that moves only when it is advanced. Timers fire in order of their time, then of their creation.
 *
 * @example
 * ```ts
 * const clock = new ManualClock();
 * clock.setTimer(50, () => console.log('fired'));
 * clock.advance(50);
 * ```
 */
export class ManualClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #start: number;
  readonly #pending = new Set<Pending>();

  /** @param start wall-clock time at monotonic zero, in milliseconds since the Unix epoch */
  constructor(start = 1_767_225_600_000) {
    this.#start = start;
  }

  now(): number {
    return Math.floor(this.#start + this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Pending = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, fn };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Number of pending timers. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Moves time forward by `ms` without firing timers, as for a stopped process; due timers fire late, at the next `advance`. */
  stall(ms: number): void {
    this.#elapsed += ms;
  }

  /** Moves time forward by `ms` and fires every timer that becomes due, including those set in the meantime. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      let next: Pending | undefined;
      for (const entry of this.#pending) {
        if (entry.at <= end && (!next || entry.at < next.at || (entry.at === next.at && entry.order < next.order))) {
          next = entry;
        }
      }
      if (!next) break;
      this.#pending.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.fn();
    }
    this.#elapsed = end;
  }
}
