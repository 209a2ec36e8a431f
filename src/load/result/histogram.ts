import { createRequire } from 'node:module';
import { inflateSync } from 'node:zlib';
import type { Histogram } from 'hdr-histogram-js';
import type { TimeResult } from './types.ts';

/** Ours: a day, in microseconds. Longer times count as that. */
const LONGEST_US = 86_400_000_000;
const DIGITS = 3;

let library: typeof import('hdr-histogram-js') | undefined;
/** Loaded at the first measurement: it is large. */
const hdr = (): typeof import('hdr-histogram-js') =>
  (library ??= createRequire(import.meta.url)('hdr-histogram-js') as typeof import('hdr-histogram-js'));

/** A distribution of times, in microseconds with three significant digits, from 1 µs to a day. */
export class TimeHistogram {
  readonly #histogram: Histogram;
  /** Exact, unlike the buckets. */
  #sum = 0;

  constructor() {
    this.#histogram = hdr().build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: LONGEST_US,
      numberOfSignificantValueDigits: DIGITS,
    });
  }

  /** Decodes a histogram from any source. @throws Error if it is not one, or not of the kind that is written here */
  static decode({ hdr: text, sum }: Pick<TimeResult, 'hdr' | 'sum'>): TimeHistogram {
    const histogram = new TimeHistogram();
    histogram.addEncoded(text);
    histogram.#sum = sum;
    return histogram;
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** @param milliseconds negative values, from the granularity of a clock, count as 0 */
  record(milliseconds: number): void {
    const value = Math.min(LONGEST_US, Math.max(0, Math.round(milliseconds * 1000)));
    this.#sum += value;
    this.#histogram.recordValue(value);
  }

  add(other: TimeHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#sum += other.#sum;
  }

  /** Adds an encoded histogram from any source, without its sum. @throws Error if it is not one, or not of the kind that is written here */
  addEncoded(text: string): void {
    checkEncoded(text);
    this.#histogram.add(hdr().decodeFromCompressedBase64(text, 32, false));
  }

  /** Microseconds at a percentile from 0 to 100; 0 when nothing was recorded. */
  at(percentile: number): number {
    // The largest value of its bucket, which may be larger than any recorded one.
    return this.count === 0 ? 0 : Math.min(this.#histogram.getValueAtPercentile(percentile), this.#histogram.maxValue);
  }

  /** Removes all values. */
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

/* The V2 encoding of HdrHistogram: two headers, and counts as numbers with seven bits per byte, where a negative one means that many zeros. */
const COMPRESSED_COOKIE = 0x1c849304;
const COOKIE = 0x1c849303;
const COMPRESSED_HEADER = 8;
const HEADER = 40;
/** Ours: maximum number of characters, and of bytes after decompression: several times what our histograms can have. */
const MAX_TEXT = 400_000;
const MAX_BYTES = 300_000;
/** Ours: maximum number of buckets, several times what ours have; and the largest count, so that many can be added. */
const MAX_BUCKETS = 100_000;
const MAX_COUNT = 2 ** 31;

/** The library trusts every length that it reads. @throws Error in words */
function checkEncoded(text: string): void {
  if (text.length > MAX_TEXT) throw new Error('a histogram is too long');
  const packed = Buffer.from(text, 'base64');
  const is = (bytes: Buffer, cookie: number): boolean => (bytes.readInt32BE(0) & ~0xf0) === cookie;
  if (packed.length < COMPRESSED_HEADER || !is(packed, COMPRESSED_COOKIE)) throw new Error('there is no histogram');
  const length = packed.readUInt32BE(4);
  let bytes: Buffer;
  try {
    const body = packed.subarray(COMPRESSED_HEADER, COMPRESSED_HEADER + length);
    bytes = inflateSync(body, { maxOutputLength: MAX_BYTES });
  } catch (cause) {
    throw new Error('a histogram cannot be decompressed, or is too long', { cause });
  }
  if (bytes.length < HEADER || !is(bytes, COOKIE) || bytes.readUInt32BE(4) > bytes.length - HEADER)
    throw new Error('there is no histogram');
  const digits = bytes.readInt32BE(12);
  if (digits !== DIGITS || bytes.readBigInt64BE(16) !== 1n || bytes.readBigInt64BE(24) !== BigInt(LONGEST_US))
    throw new Error('a histogram has buckets other than those of a load test');
  checkCounts(bytes.subarray(HEADER, HEADER + bytes.readUInt32BE(4)));
}

function checkCounts(words: Buffer): void {
  let buckets = 0;
  for (let at = 0; at < words.length; ) {
    let word = 0;
    let scale = 1;
    let byte: number;
    do {
      byte = words[at++] ?? 0;
      word += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80 && scale < MAX_COUNT * 128);
    // The sign is the lowest bit.
    const count = word % 2 === 0 ? word / 2 : -(word + 1) / 2;
    if (byte >= 0x80 || count > MAX_COUNT) throw new Error('a histogram has too large a count');
    buckets += count < 0 ? -count : 1;
    if (buckets > MAX_BUCKETS) throw new Error('a histogram has too many buckets');
  }
}
