import type { Clock, Timer } from './clock.ts';
import { DeadlineHeap, type Sleeper } from './deadline-heap.ts';

/** A timer and its heap entry in one object, because worlds create millions of them. */
class Pending implements Sleeper, Timer {
  heapIndex = -1;
  readonly at: number;
  readonly order: number;
  readonly #heap: DeadlineHeap<Pending>;
  #fn: (() => void) | undefined;

  constructor(heap: DeadlineHeap<Pending>, at: number, order: number, fn: () => void) {
    this.#heap = heap;
    this.at = at;
    this.order = order;
    this.#fn = fn;
  }

  /** False after it has fired or was canceled. */
  get waits(): boolean {
    return this.#fn !== undefined;
  }

  fire(): void {
    const fn = this.#fn;
    this.#fn = undefined;
    fn?.();
  }

  cancel(): void {
    this.#fn = undefined;
    this.#heap.remove(this);
  }
}

/**
 * Virtual time for a whole world. It moves only from timer to timer and fires one at a time, so that all effects of a timer can
 * complete before the next one. Timers fire in order of their time, then of their creation; setting, canceling and firing take
 * logarithmic time.
 *
 * @example
 * ```ts
 * const clock = new VirtualClock();
 * clock.setTimer(50, () => console.log('fired'));
 * while (clock.next < Infinity) clock.fire();
 * ```
 */
export class VirtualClock implements Clock {
  readonly #start: number;
  readonly #heap = new DeadlineHeap<Pending>();
  /** Timers due at the same time as the last one that fired, in order of creation. */
  readonly #due: Pending[] = [];
  /** How many of them have fired or were canceled. */
  #taken = 0;
  #now = 0;
  #order = 0;
  #fired = 0;

  /** @param start wall-clock time at monotonic zero, in milliseconds since the Unix epoch */
  constructor(start = 1_767_225_600_000) {
    this.#start = start;
  }

  now(): number {
    return Math.floor(this.#start + this.#now);
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(ms: number, fn: () => void): Timer {
    const at = this.#now + Math.max(0, ms);
    const entry = new Pending(this.#heap, at, this.#order++, fn);
    this.#heap.schedule(entry, at);
    return entry;
  }

  /** Number of timers that have fired. */
  get fired(): number {
    return this.#fired;
  }

  /** Monotonic time of the next timer; Infinity if there is none. */
  get next(): number {
    const due = this.#due;
    while (this.#taken < due.length && !due[this.#taken]!.waits) this.#taken++;
    return this.#taken < due.length ? due[this.#taken]!.at : this.#heap.next;
  }

  /** Moves to the next timer and fires only that one. Does nothing if there is none. */
  fire(): void {
    const at = this.next;
    if (at === Infinity) return;
    this.#now = Math.max(this.#now, at);
    this.#fired++;
    this.#take(at).fire();
  }

  /** The first timer due, at `at`. Usually it is the only one at that time. */
  #take(at: number): Pending {
    const due = this.#due;
    if (this.#taken < due.length) return due[this.#taken++]!;
    const first = this.#heap.shift();
    if (this.#heap.next > at) return first;
    due.length = 0;
    due.push(first);
    while (this.#heap.next <= at) due.push(this.#heap.shift());
    due.sort((a, b) => a.order - b.order);
    this.#taken = 1;
    return due[0]!;
  }

  /** Moves to `at` without firing; never back, and not past a timer. */
  moveTo(at: number): void {
    this.#now = Math.max(this.#now, Math.min(at, this.next));
  }
}
