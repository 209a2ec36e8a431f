/** Something with a deadline. `heapIndex` belongs to the heap. */
export interface Sleeper {
  /** -1 while it is in none. */
  heapIndex: number;
}

/**
 * Deadlines, earliest first. One that moves later (each ACK does that to a flow's) costs nothing: the entry keeps its place, comes up
 * too early once and is filed again.
 */
export class DeadlineHeap<T extends Sleeper> {
  readonly #heap: T[] = [];
  /**
   * What each of them is filed under; may be earlier than the true deadline, never later. In an array of its own, so that comparing looks at no
   * object: sleepers are of many classes.
   */
  readonly #deadlines: number[] = [];

  /** The earliest filed deadline; Infinity when there is none. */
  get next(): number {
    return this.#deadlines.length > 0 ? this.#deadlines[0]! : Infinity;
  }

  /** All that are filed, in no order; a copy. */
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

  /** Takes the first item out. */
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

  /** Puts `item` at `index` or above it. */
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

  /** Puts `item` at `index` or below it. */
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
