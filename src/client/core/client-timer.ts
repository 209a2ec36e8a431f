import type { Clock, Timer } from '../../lib/clock.ts';
import { DeadlineHeap, type Sleeper } from '../../lib/deadline-heap.ts';
import { watchTimer } from '../../lib/late-tick.ts';
import { TIMER_GRAIN_MS } from './constants.ts';

/** An object with deadlines. */
export interface Timed extends Sleeper {
  /** @param late milliseconds before `now` in which the process did not run: they do not count as silence. Returns when to call next. */
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

  /** Milliseconds of the monotonic clock. */
  now(): number {
    return this.clock.monotonic();
  }

  /** Registered clients. */
  get size(): number {
    return this.#members.size;
  }

  add(member: Timed): void {
    this.#members.add(member);
  }

  /** Schedules a call of a member at `at`, or earlier. */
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
    // While the process was stopped, no data was read: call every member, due or not.
    for (const member of late > 0 ? [...this.#members] : due) {
      if (!this.#members.has(member)) continue;
      // A member that is due again immediately waits for the next tick: no time passes within a turn.
      this.schedule(member, Math.max(member.tick(now, late), now + 1));
    }
    this.#arm();
  }
}
