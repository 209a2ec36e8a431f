/**
 * Entries of which there are no more than so many, by the party that holds them, oldest first. A limit is for all together; whoever
 * holds less than an equal share takes from the one who holds most, and whoever holds that much gets no more.
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

  /** False: it was not there. */
  delete(party: P, entry: T): boolean {
    const entries = this.#entries.get(party);
    if (entries === undefined || !entries.delete(entry)) return false;
    if (entries.size === 0) this.#entries.delete(party);
    this.size--;
    return true;
  }

  /** Whether `amount` of `total` is an equal share or more. Who holds nothing yet counts as one more to share with. */
  sated(party: P, amount: number, total: number): boolean {
    const parties = this.#entries.size + (this.#entries.has(party) ? 0 : 1);
    return amount * parties >= total;
  }

  /** Whether `party` holds its share of the entries. */
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

  /** The best to do without among the party's oldest entries: the lowest `worth`. Those that were looked at and stay go behind the others. */
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

/** Entries that are compared when one has to go: enough to find a good one, few enough to cost nothing. */
const SAMPLE = 16;
