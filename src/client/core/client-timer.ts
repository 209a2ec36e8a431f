import type { Clock, Timer } from '../../lib/clock.ts';
import { DeadlineHeap, type Sleeper } from '../../lib/deadline-heap.ts';
import { watchTimer } from '../../lib/late-tick.ts';
import { TIMER_GRAIN_MS } from './constants.ts';

/** Somebody who has deadlines. */
export interface Timed extends Sleeper {
  /** @param late milliseconds before `now` in which nobody listened: they are no silence. Returns when it wants to be called next. */
  tick(now: number, late: number): number;
}

/** The deadlines of any number of clients on one timer of one clock. */
export class ClientTimer {
  readonly clock: Clock;
  readonly #heap = new DeadlineHeap<Timed>();
  readonly #members = new Set<Timed>();
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Milliseconds of the clock, which never go back. */
  now(): number {
    return this.clock.monotonic();
  }

  /** Clients that are called when the time comes. */
  get size(): number {
    return this.#members.size;
  }

  add(member: Timed): void {
    this.#members.add(member);
  }

  /** Has a member called at `at`, or earlier. */
  schedule(member: Timed, at: number): void {
    if (!this.#members.has(member)) return;
    this.#heap.schedule(member, Math.ceil(at / TIMER_GRAIN_MS) * TIMER_GRAIN_MS);
    this.#arm();
  }

  remove(member: Timed): void {
    this.#members.delete(member);
    if (member.heapIndex >= 0) this.#heap.remove(member);
    if (this.#members.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(): void {
    const due = this.#heap.next;
    if (due >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = watchTimer(this.clock, Math.max(0, due - this.now()), (late) => this.#fire(late));
  }

  #fire(late: number): void {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = this.now();
    const due: Timed[] = [];
    while (this.#heap.next <= now) due.push(this.#heap.shift());
    // Nobody was listened to while the process stood still, whoever is due.
    for (const member of late > 0 ? [...this.#members] : due) {
      if (!this.#members.has(member)) continue;
      // Whoever is due again at once waits for the next grain: no time passes within a turn.
      this.schedule(member, Math.max(member.tick(now, late), now + 1));
    }
    this.#arm();
  }
}
