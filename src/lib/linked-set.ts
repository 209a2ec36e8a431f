interface Link<T> {
  readonly value: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
}

/**
 * A set in insertion order with fast access to the first member. A `Set` skips the gaps of all entries deleted before it, so that removing
 * the first one repeatedly takes time proportional to its size.
 */
export class LinkedSet<T> {
  readonly #links = new Map<T, Link<T>>();
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  get size(): number {
    return this.#links.size;
  }

  /** The member that was added first. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  has(value: T): boolean {
    return this.#links.has(value);
  }

  /** Adds a value at the end; an existing value moves there. */
  add(value: T): void {
    this.delete(value);
    const link: Link<T> = { value, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = link;
    else this.#first = link;
    this.#last = link;
    this.#links.set(value, link);
  }

  /** False: it was not present. */
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
