/** A first-in, first-out queue for any number of items. */
export class Fifo<T> {
  #items: T[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  get head(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes the first item; call only when there is one. */
  shift(): T {
    const item = this.#items[this.#first++]!;
    // Removing items one by one from the front of an array would move all others.
    if (this.#first === this.#items.length || this.#first > 1024) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
