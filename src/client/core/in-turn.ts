/** Has things done one after the other, in the order in which they come: what comes while one is done waits for its end. */
export class InTurn<T> {
  readonly #work: (item: T) => void;
  /** The first is under way. */
  readonly #items: T[] = [];

  constructor(work: (item: T) => void) {
    this.#work = work;
  }

  /** Does it now, or when what is under way is through. An error of one drops those that wait. */
  take(item: T): void {
    if (this.#items.push(item) > 1) return;
    try {
      for (; this.#items.length > 0; this.#items.shift()) this.#work(this.#items[0]!);
    } finally {
      this.#items.length = 0;
    }
  }
}
