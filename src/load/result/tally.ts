import { COUNTER_NAMES, type CounterName, TIME_NAMES, type TimeName } from '../plan/metrics.ts';
import { TimeHistogram } from './histogram.ts';
import type { Measures } from './types.ts';

/** Ours: maximum number of distinct causes of refusals. */
const MAX_CAUSES = 50;

/** Counts by cause; limited, so that a server that invents new causes cannot create too many. */
export class Causes {
  readonly #counts = new Map<string, number>();

  add(cause: string, by = 1): void {
    const key = this.#counts.has(cause) || this.#counts.size < MAX_CAUSES ? cause : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  addAll(other: Causes): void {
    for (const [cause, count] of other.#counts) this.add(cause, count);
  }

  result(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** The measurements of a phase. */
export class Tally {
  readonly #times = new Map<TimeName, TimeHistogram>();
  readonly #counters = new Map<CounterName, number>();
  readonly #refusals = new Causes();

  record(name: TimeName, milliseconds: number): void {
    let histogram = this.#times.get(name);
    if (!histogram) {
      histogram = new TimeHistogram();
      this.#times.set(name, histogram);
    }
    histogram.record(milliseconds);
  }

  count(name: CounterName, by = 1): void {
    this.#counters.set(name, this.counted(name) + by);
  }

  counted(name: CounterName): number {
    return this.#counters.get(name) ?? 0;
  }

  refused(cause: string): void {
    this.count('refusals');
    this.#refusals.add(cause);
  }

  time(name: TimeName): TimeHistogram | undefined {
    return this.#times.get(name);
  }

  /** Measurements as decoded, with their full histograms. @throws Error if a histogram is invalid */
  static of({ times, counters, refusals }: Measures): Tally {
    const tally = new Tally();
    for (const name of TIME_NAMES) {
      const time = times[name];
      if (time) tally.#times.set(name, TimeHistogram.decode(time));
    }
    for (const name of COUNTER_NAMES) tally.count(name, counters[name]);
    for (const [cause, count] of Object.entries(refusals)) tally.#refusals.add(cause, count);
    return tally;
  }

  /** Adds the measurements of another tally. */
  add(other: Tally): void {
    for (const [name, histogram] of other.#times) {
      const own = this.#times.get(name) ?? new TimeHistogram();
      own.add(histogram);
      this.#times.set(name, own);
    }
    for (const [name, count] of other.#counters) this.count(name, count);
    this.#refusals.addAll(other.#refusals);
  }

  result(): Measures {
    const times: Partial<Record<TimeName, ReturnType<TimeHistogram['result']>>> = {};
    for (const name of TIME_NAMES) {
      const histogram = this.#times.get(name);
      if (histogram) times[name] = histogram.result();
    }
    const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, this.counted(name)]));
    return { times, counters: counters as Measures['counters'], refusals: this.#refusals.result() };
  }
}
