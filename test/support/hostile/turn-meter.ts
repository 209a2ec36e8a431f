/** How often the loop is looked at, in milliseconds: this much work between two looks is no stall. */
const LOOK_MS = 10;

/**
 * Measures how long the event loop was kept from its timers, in CPU time of its thread: what other processes of the machine take
 * does not count. The work between two looks is at least that of the longest turn among them, and at most `LOOK_MS` more.
 */
export class TurnMeter implements Disposable {
  #longest = 0;
  #begin = cpu();
  #last = this.#begin;
  readonly #timer = setInterval(() => this.#look(), LOOK_MS).unref();

  /** Begins anew: what was done until now does not count. */
  reset(): void {
    this.#begin = this.#last = cpu();
    this.#longest = 0;
  }

  /** Since `reset`, in microseconds of CPU time: the longest turn, and all of them. */
  read(): { readonly longest: number; readonly total: number } {
    this.#look();
    return { longest: this.#longest, total: this.#last - this.#begin };
  }

  #look(): void {
    const now = cpu();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
