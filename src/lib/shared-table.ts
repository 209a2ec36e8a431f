/**
 * A limited number of entries, by the party that has them, oldest first. The limit is for all together. A party with less than an equal
 * share takes from the party with the most; a party with its full share gets no more.
 */
export class SharedTable<P, T> {
  readonly #entries = new Map<P, Set<T>>();
  readonly limit: number;
  size = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get full(): boolean {
    return this.size >= this.limit;
  }

  add(party: P, entry: T): void {
    let entries = this.#entries.get(party);
    if (entries === undefined) this.#entries.set(party, (entries = new Set()));
    entries.add(entry);
    this.size++;
  }

  /** False: it was not present. */
  delete(party: P, entry: T): boolean {
    const entries = this.#entries.get(party);
    if (entries === undefined || !entries.delete(entry)) return false;
    if (entries.size === 0) this.#entries.delete(party);
    this.size--;
    return true;
  }

  /** Whether `amount` of `total` is at least an equal share. A party that has nothing yet counts as one more. */
  sated(party: P, amount: number, total: number): boolean {
    const parties = this.#entries.size + (this.#entries.has(party) ? 0 : 1);
    return amount * parties >= total;
  }

  /** Whether `party` has its full share of the entries. */
  hasShare(party: P): boolean {
    return this.sated(party, this.#entries.get(party)?.size ?? 0, this.limit);
  }

  /** The party with the most entries, or with the most of `measure`. */
  largest(measure: (party: P) => number = (party) => this.#entries.get(party)!.size): P | undefined {
    let largest: P | undefined;
    let most = -1;
    for (const party of this.#entries.keys()) {
      const amount = measure(party);
      if (amount <= most) continue;
      largest = party;
      most = amount;
    }
    return largest;
  }

  oldest(party: P): T | undefined {
    return this.#entries.get(party)?.values().next().value;
  }

  /**
   * The most dispensable of the party's oldest entries: the one with the lowest `worth`. Entries that were examined and stay are moved
   * behind the others.
   */
  cheapest(party: P, worth: (entry: T) => number): T | undefined {
    const entries = this.#entries.get(party);
    if (entries === undefined) return undefined;
    const seen: T[] = [];
    for (const entry of entries) if (seen.push(entry) === SAMPLE) break;
    let cheapest = seen[0] as T;
    for (const entry of seen) if (worth(entry) < worth(cheapest)) cheapest = entry;
    for (const entry of seen) {
      if (entry === cheapest) continue;
      entries.delete(entry);
      entries.add(entry);
    }
    return cheapest;
  }

  clear(): void {
    this.#entries.clear();
    this.size = 0;
  }
}

/** Number of entries to compare when one must be removed: enough to find a good one, at a negligible cost. */
const SAMPLE = 16;
