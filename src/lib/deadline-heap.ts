/** An object with a deadline. The heap uses `heapIndex`. */
export interface Sleeper {
  /** -1 while it is in no heap. */
  heapIndex: number;
}

/**
 * Deadlines, earliest first. Moving one to a later time (as each ACK does for its flow) costs nothing: the entry keeps its position,
 * appears too early once, and is then filed again.
 */
export class DeadlineHeap<T extends Sleeper> {
  readonly #heap: T[] = [];
  /**
   * Time under which each entry is filed; may be earlier than the true deadline, never later. In a separate array, so that comparisons
   * access no objects: the entries have many classes.
   */
  readonly #deadlines: number[] = [];

  /** The earliest filed deadline; Infinity if there is none. */
  get next(): number {
    return this.#deadlines.length > 0 ? this.#deadlines[0]! : Infinity;
  }

  /** All entries, in no particular order; a copy. */
  items(): T[] {
    return [...this.#heap];
  }

  /** Files `item` under `at`, unless it is already filed under an earlier time. */
  schedule(item: T, at: number): void {
    const index = item.heapIndex;
    if (index >= 0) {
      if (at < this.#deadlines[index]!) this.#up(index, item, at);
    } else if (at < Infinity) {
      this.#heap.push(item);
      this.#deadlines.push(at);
      this.#up(this.#heap.length - 1, item, at);
    }
  }

  /** Removes and returns the first entry. */
  shift(): T {
    const item = this.#heap[0]!;
    this.remove(item);
    return item;
  }

  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop()!;
    const at = this.#deadlines.pop()!;
    if (last === item) return;
    if (index > 0 && this.#deadlines[(index - 1) >> 1]! > at) this.#up(index, last, at);
    else this.#down(index, last, at);
  }

  /** Moves `item` up from `index` to its place. */
  #up(index: number, item: T, at: number): void {
    const heap = this.#heap;
    const deadlines = this.#deadlines;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const deadline = deadlines[above]!;
      if (deadline <= at) break;
      const parent = heap[above]!;
      heap[index] = parent;
      deadlines[index] = deadline;
      parent.heapIndex = index;
      index = above;
    }
    heap[index] = item;
    deadlines[index] = at;
    item.heapIndex = index;
  }

  /** Moves `item` down from `index` to its place. */
  #down(index: number, item: T, at: number): void {
    const heap = this.#heap;
    const deadlines = this.#deadlines;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= deadlines.length) break;
      if (below + 1 < deadlines.length && deadlines[below + 1]! < deadlines[below]!) below++;
      const deadline = deadlines[below]!;
      if (deadline >= at) break;
      const child = heap[below]!;
      heap[index] = child;
      deadlines[index] = deadline;
      child.heapIndex = index;
      index = below;
    }
    heap[index] = item;
    deadlines[index] = at;
    item.heapIndex = index;
  }
}
