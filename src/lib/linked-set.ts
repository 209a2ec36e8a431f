interface Link<T> {
  readonly value: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/**
 * A set in the order of adding, whose first member is always at hand. A `Set` steps over the gaps of all that was deleted before it, so
 * that taking the first again and again costs by its size.
 */
export class LinkedSet<T> {
  readonly #links = new Map<T, Link<T>>();
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  get size(): number {
    return this.#links.size;
  }

  /** The one that was added longest ago. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  has(value: T): boolean {
    return this.#links.has(value);
  }

  /** Adds a value as the last one; a value that is there moves. */
  add(value: T): void {
    this.delete(value);
    const link: Link<T> = { value, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = link;
    else this.#first = link;
    this.#last = link;
    this.#links.set(value, link);
  }

  /** False: it was not there. */
  delete(value: T): boolean {
    const link = this.#links.get(value);
    if (link === undefined) return false;
    this.#links.delete(value);
    if (link.before) link.before.after = link.after;
    else this.#first = link.after;
    if (link.after) link.after.before = link.before;
    else this.#last = link.before;
    return true;
  }
}
