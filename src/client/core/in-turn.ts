/** Runs tasks one after the other, in the order in which they arrive: a task that arrives during another one waits for its end. */
export class InTurn<T> {
  readonly #work: (item: T) => void;
  /** The first is in progress. */
  readonly #items: T[] = [];

  constructor(work: (item: T) => void) {
    this.#work = work;
  }

  /** Runs it now, or after the task in progress. An error of one task drops the waiting ones. */
  take(item: T): void {
    if (this.#items.push(item) > 1) return;
    try {
      for (; this.#items.length > 0; this.#items.shift()) this.#work(this.#items[0]!);
    } finally {
      this.#items.length = 0;
    }
  }
}
