import { createRequire } from 'node:module';
import type { Histogram } from 'hdr-histogram-js';
import type { TimeResult } from './types.ts';

/** Ours: a day, in microseconds. What is longer counts as that. */
const LONGEST_US = 86_400_000_000;
const DIGITS = 3;

let library: typeof import('hdr-histogram-js') | undefined;
/** Loaded when something is measured: it is large. */
const hdr = (): typeof import('hdr-histogram-js') =>
  (library ??= createRequire(import.meta.url)('hdr-histogram-js') as typeof import('hdr-histogram-js'));

/** A distribution of times, in microseconds with three significant digits, from 1 µs to a day. */
export class TimeHistogram {
  readonly #histogram: Histogram;
  /** Exact, which the buckets are not. */
  #sum = 0;

  constructor() {
    this.#histogram = hdr().build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: LONGEST_US,
      numberOfSignificantValueDigits: DIGITS,
    });
  }

  /** The one that was encoded. @throws Error for what is none */
  static decode({ hdr: text, sum }: Pick<TimeResult, 'hdr' | 'sum'>): TimeHistogram {
    const histogram = new TimeHistogram();
    histogram.#histogram.add(hdr().decodeFromCompressedBase64(text, 32, false));
    histogram.#sum = sum;
    return histogram;
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param milliseconds what is less than nothing, by the grain of a clock, counts as nothing */
  record(milliseconds: number): void {
    const value = Math.min(LONGEST_US, Math.max(0, Math.round(milliseconds * 1000)));
    this.#sum += value;
    this.#histogram.recordValue(value);
  }

  add(other: TimeHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#sum += other.#sum;
  }

  /** Microseconds at a percentile from 0 to 100; 0 when nothing was recorded. */
  at(percentile: number): number {
    // The largest value of its bucket, which may be larger than any that was recorded.
    return this.count === 0 ? 0 : Math.min(this.#histogram.getValueAtPercentile(percentile), this.#histogram.maxValue);
  }

  /** Forgets all. */
  reset(): void {
    this.#histogram.reset();
    this.#sum = 0;
  }

  encode(): string {
    return hdr().encodeIntoCompressedBase64(this.#histogram);
  }

  result(): TimeResult {
    const { count } = this;
    return {
      count,
      min: count === 0 ? 0 : this.at(0),
      mean: count === 0 ? 0 : Math.round(this.#sum / count),
      p50: this.at(50),
      p75: this.at(75),
      p90: this.at(90),
      p95: this.at(95),
      p99: this.at(99),
      p999: this.at(99.9),
      max: count === 0 ? 0 : this.#histogram.maxValue,
      sum: this.#sum,
      hdr: this.encode(),
    };
  }
}
