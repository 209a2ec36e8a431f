/** Label names with their values. */
export type Labels = Readonly<Record<string, string>>;

/** Most series of one metric: further ones are merged. Own choice. */
const MAX_SERIES = 100;

/** Replaces an unknown label value, or one too many. */
const OTHER = 'other';

/** Valid label values: words of our own code, never strings that a client chose. */
const WORD = /^[a-z0-9][a-z0-9._-]{0,39}$/;

/** Returns a label value if it is valid, else `other`. */
export function word(value: string): string {
  return WORD.test(value) ? value : OTHER;
}

/** Numbers by label values, with a bounded number of series. */
export class Series {
  readonly #names: readonly string[];
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  /** @param begun series that start at zero, so that the first increment is visible as an increase */
  constructor(names: readonly string[], begun: readonly (readonly string[])[] = []) {
    this.#names = names;
    for (const values of begun) this.add(values, 0);
  }

  add(values: readonly string[], by = 1): void {
    // Known values are usually valid words already and need no check.
    const counted = this.#values.get(values.join('\n'));
    if (counted !== undefined) {
      counted.value += by;
      return;
    }
    const words = values.map(word);
    let key = words.join('\n');
    if (this.#values.size >= MAX_SERIES && !this.#values.has(key)) key = words.fill(OTHER).join('\n');
    const known = this.#values.get(key);
    if (known !== undefined) {
      known.value += by;
      return;
    }
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, words[index] ?? OTHER]));
    this.#values.set(key, { labels, value: by });
  }

  values(): Iterable<{ readonly labels: Labels; readonly value: number }> {
    return this.#values.values();
  }
}

/** A snapshot of a histogram: how many values were at most each bound, and their sum. */
export class Buckets {
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** @param bounds ascending */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    this.#sum += value;
    this.#count++;
    for (let i = this.bounds.length - 1; i >= 0 && value <= this.bounds[i]!; i--) this.#counts[i]!++;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** How many values were at most each bound, in the order of the bounds. */
  get counts(): readonly number[] {
    return this.#counts;
  }
}
