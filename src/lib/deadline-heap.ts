/** Something with a deadline. `wakeAt` and `heapIndex` belong to the heap. */
export interface Sleeper {
  /** The deadline under which it is filed; may be earlier than the true one, never later. */
  wakeAt: number;
  heapIndex: number;
}

/**
 * Deadlines, earliest first. One that moves later (each ACK does that to a flow's) costs nothing: the entry keeps its place, comes up
 * too early once and is filed again.
 */
export class DeadlineHeap<T extends Sleeper> {
  readonly #heap: T[] = [];

  /** The earliest filed deadline; Infinity when there is none. */
  get next(): number {
    return this.#heap.length > 0 ? this.#heap[0]!.wakeAt : Infinity;
  }

  /** All that are filed, in no order; a copy. */
  items(): T[] {
    return [...this.#heap];
  }

  /** Files `item` under `at`, unless it is already filed under an earlier time. */
  schedule(item: T, at: number): void {
    if (item.heapIndex >= 0) {
      if (at >= item.wakeAt) return;
      item.wakeAt = at;
      this.#up(item.heapIndex);
    } else if (at < Infinity) {
      item.wakeAt = at;
      item.heapIndex = this.#heap.length;
      this.#heap.push(item);
      this.#up(item.heapIndex);
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
    item.wakeAt = Infinity;
    const last = this.#heap.pop()!;
    if (last === item) return;
    this.#heap[index] = last;
    last.heapIndex = index;
    this.#up(index);
    this.#down(last.heapIndex);
  }

  #up(index: number): void {
    const heap = this.#heap;
    const item = heap[index]!;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex]!;
      if (parent.wakeAt <= item.wakeAt) break;
      heap[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    heap[index] = item;
    item.heapIndex = index;
  }

  #down(index: number): void {
    const heap = this.#heap;
    const item = heap[index]!;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= heap.length) break;
      if (childIndex + 1 < heap.length && heap[childIndex + 1]!.wakeAt < heap[childIndex]!.wakeAt) childIndex++;
      const child = heap[childIndex]!;
      if (child.wakeAt >= item.wakeAt) break;
      heap[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    heap[index] = item;
    item.heapIndex = index;
  }
}
