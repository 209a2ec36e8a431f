import type { Clock } from './clock.ts';

/** Default number of reports of one kind within a window. */
const REPORTS_PER_WINDOW = 5;
const WINDOW_MS = 10_000;

interface Told {
  /** Number in this window. */
  count: number;
  /** Number since the last one that was reported. */
  withheld: number;
}

/** Limits reports of each kind within a window of ten seconds. External input causes them, and could otherwise flood the log. */
export class ReportLimit {
  readonly #clock: Clock;
  readonly #perWindow: number;
  readonly #told = new Map<string, Told>();
  #since = Number.NEGATIVE_INFINITY;

  /** @param perWindow maximum number of each kind */
  constructor(clock: Clock, perWindow = REPORTS_PER_WINDOW) {
    this.#clock = clock;
    this.#perWindow = perWindow;
  }

  /**
   * Call for each report. Returns the number of reports of its kind suppressed since the last one, or undefined if this one is suppressed
   * too.
   */
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
