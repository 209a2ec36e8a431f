import type { Clock } from './clock.ts';

/** Reports of one kind within a window, where nothing else is said. */
const REPORTS_PER_WINDOW = 5;
const WINDOW_MS = 10_000;

interface Told {
  /** In this window. */
  count: number;
  /** Since the last one that was told. */
  withheld: number;
}

/** Lets some reports of each kind through in a window of ten seconds. Strangers decide how often there is something: the log is kept from drowning. */
export class ReportLimit {
  readonly #clock: Clock;
  readonly #perWindow: number;
  readonly #told = new Map<string, Told>();
  #since = Number.NEGATIVE_INFINITY;

  /** @param perWindow how many of each kind are let through */
  constructor(clock: Clock, perWindow = REPORTS_PER_WINDOW) {
    this.#clock = clock;
    this.#perWindow = perWindow;
  }

  /** Something is to be told: how many of its kind were not since the last one that was, or undefined when this one is not either. */
  next(kind: string): number | undefined {
    const now = this.#clock.monotonic();
    if (now - this.#since >= WINDOW_MS) {
      this.#since = now;
      for (const told of this.#told.values()) told.count = 0;
    }
    let told = this.#told.get(kind);
    if (!told) this.#told.set(kind, (told = { count: 0, withheld: 0 }));
    if (told.count >= this.#perWindow) {
      told.withheld++;
      return undefined;
    }
    const { withheld } = told;
    told.count++;
    told.withheld = 0;
    return withheld;
  }
}
