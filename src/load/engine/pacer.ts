import type { Clock, Timer } from '../../lib/clock.ts';

/** Actions intended for times that were known in advance. */
export interface Timetable {
  /** When the next one is intended, by the clock's monotonic time; Infinity: there is none for now. */
  readonly next: number;
  /** Runs it, and advances to the next one. */
  run(intended: number, now: number): void;
}

/** Ours: maximum number of actions in one turn of the event loop, so that input is read in between. */
const MOST_PER_TURN = 200;

/**
 * Runs the actions of timetables, in chronological order and on time if possible, and reports how late each was. Nothing is skipped: a
 * busy generator is late, and reports it.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #onLag: (intended: number, late: number) => void;
  readonly #tables: Timetable[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  /** @param onLag called with the delay of an action in milliseconds */
  constructor(clock: Clock, onLag: (intended: number, late: number) => void) {
    this.#clock = clock;
    this.#onLag = onLag;
  }

  add(table: Timetable): void {
    this.#tables.push(table);
  }

  /** Starts, or reschedules after a timetable has changed by itself. */
  wake(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    const next = this.#next();
    if (next === undefined) return;
    this.#timer = this.#clock.setTimer(Math.max(0, next.next - this.#clock.monotonic()), () => this.#fire());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #next(): Timetable | undefined {
    let first: Timetable | undefined;
    for (const table of this.#tables) {
      if (table.next < (first?.next ?? Number.POSITIVE_INFINITY)) first = table;
    }
    return first;
  }

  #fire(): void {
    for (let done = 0; done < MOST_PER_TURN && !this.#stopped; done++) {
      const table = this.#next();
      const now = this.#clock.monotonic();
      if (table === undefined || table.next > now) break;
      const intended = table.next;
      this.#onLag(intended, now - intended);
      table.run(intended, now);
    }
    this.wake();
  }
}

/** The same action again and again. */
export class Heartbeat implements Timetable {
  next: number;
  readonly #period: number;
  readonly #beat: (intended: number, now: number) => void;

  constructor(first: number, period: number, beat: (intended: number, now: number) => void = () => {}) {
    this.next = first;
    this.#period = period;
    this.#beat = beat;
  }

  run(intended: number, now: number): void {
    this.next = intended + this.#period;
    this.#beat(intended, now);
  }
}

/**
 * A period in which each of many has its turn, evenly spread: number `n` of round `r` is intended at `start + (r + n / count) · period`.
 */
export class Rotation implements Timetable {
  readonly #start: number;
  readonly #step: number;
  readonly #count: number;
  readonly #turn: (index: number, intended: number, now: number) => void;
  #done = 0;
  #ended = false;

  constructor(
    { start, period, count }: { readonly start: number; readonly period: number; readonly count: number },
    turn: (index: number, intended: number, now: number) => void,
  ) {
    this.#start = start;
    this.#step = period / count;
    this.#count = count;
    this.#turn = turn;
  }

  get next(): number {
    return this.#ended ? Number.POSITIVE_INFINITY : this.#start + this.#done * this.#step;
  }

  run(intended: number, now: number): void {
    const index = this.#done % this.#count;
    this.#done++;
    this.#turn(index, intended, now);
  }

  end(): void {
    this.#ended = true;
  }
}

/** A list of times, in order. */
export class ArrivalList implements Timetable {
  readonly #times: readonly number[];
  readonly #start: number;
  readonly #arrive: (number: number, intended: number, now: number) => void;
  #done = 0;
  #ended = false;

  constructor(
    start: number,
    times: readonly number[],
    arrive: (number: number, intended: number, now: number) => void,
  ) {
    this.#start = start;
    this.#times = times;
    this.#arrive = arrive;
  }

  get next(): number {
    const at = this.#ended ? undefined : this.#times[this.#done];
    return at === undefined ? Number.POSITIVE_INFINITY : this.#start + at;
  }

  run(intended: number, now: number): void {
    this.#arrive(this.#done++, intended, now);
  }

  /** Stops, and returns how many did not get their turn. */
  end(): number {
    this.#ended = true;
    return this.#times.length - this.#done;
  }
}
