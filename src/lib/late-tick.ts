import type { Clock, Timer } from './clock.ts';

/** Milliseconds after which a timer counts as late: more than a busy turn of the event loop, less than anybody's patience. */
export const LATE_MS = 250;

/** Calls back when what waits on sockets has been read. */
type AfterInput = (work: () => void) => void;

/**
 * A whole turn of the event loop lies between two of `setImmediate`, so that sockets were polled whatever phase it began in. What a
 * socket holds beyond one read does not matter: the first bytes prove life.
 */
const afterPoll: AfterInput = (work) => {
  setImmediate(() => setImmediate(work));
};

/** Resolves when what waits on sockets has been read. */
export const inputRead = (): Promise<void> => new Promise(afterPoll);

/**
 * A timer for those who conclude something from silence. When the process was stopped or its event loop blocked, timers fire before the
 * bytes that came meanwhile are read, and whoever judges then takes the own absence for the peer's. A timer that is late
 * therefore waits until input has been read, and says by how much it was late: time in which nobody listened is no silence.
 *
 * @param fn gets the milliseconds that do not count, 0 for a timer in time
 * @example
 * ```ts
 * watchTimer(systemClock, 1000, (late) => check(systemClock.monotonic(), late));
 * ```
 */
export function watchTimer(
  clock: Clock,
  ms: number,
  fn: (late: number) => void,
  afterInput: AfterInput = afterPoll,
): Timer {
  return new WatchTimer(clock, ms, fn, afterInput);
}

/** One object for a timer and its deadline: each look at silence sets one. */
class WatchTimer implements Timer {
  readonly #clock: Clock;
  readonly #due: number;
  readonly #fn: (late: number) => void;
  readonly #afterInput: AfterInput;
  readonly #timer: Timer;
  #cancelled = false;

  constructor(clock: Clock, ms: number, fn: (late: number) => void, afterInput: AfterInput) {
    this.#clock = clock;
    this.#due = clock.monotonic() + Math.max(0, ms);
    this.#fn = fn;
    this.#afterInput = afterInput;
    this.#timer = clock.setTimer(ms, () => this.#fire());
  }

  cancel(): void {
    this.#cancelled = true;
    this.#timer.cancel();
  }

  #fire(): void {
    const late = this.#clock.monotonic() - this.#due;
    if (late < LATE_MS) {
      this.#fn(0);
      return;
    }
    this.#afterInput(() => {
      if (!this.#cancelled) this.#fn(late);
    });
  }
}

/** Patience is counted in steps of a part of it, and of no more than so many milliseconds. */
const PATIENCE_STEPS = 4;
const PATIENCE_STEP_MS = 1000;

/**
 * Time that somebody gets for an answer: calls back when `ms` milliseconds have passed in which its coming would have been noticed. Unlike
 * that of `watchTimer` the end is put off, too: whoever has several things to say, as in a handshake, needs more than a look at what
 * waits. It is counted in steps, and one in which the process was stopped or busy is counted anew, once, so that on a machine that is
 * always late time passes nevertheless.
 *
 * @example
 * ```ts
 * const timer = patience(systemClock, 5000, () => reject(new Error('no answer')));
 * ```
 */
export function patience(clock: Clock, ms: number, fn: () => void, afterInput: AfterInput = afterPoll): Timer {
  let left = Math.max(0, ms);
  const step = Math.min(left / PATIENCE_STEPS, PATIENCE_STEP_MS);
  let repeated = false;
  const next = (): Timer =>
    watchTimer(
      clock,
      Math.min(step, left),
      (late) => {
        repeated = late > 0 && !repeated;
        if (!repeated) left -= step;
        if (left <= 0) fn();
        else timer = next();
      },
      afterInput,
    );
  let timer = next();
  return {
    cancel() {
      timer.cancel();
    },
  };
}

/** When something was heard last, after `late` milliseconds in which nobody listened; never later than now. */
export function excused(heardAt: number, late: number, now: number): number {
  return Math.max(heardAt, Math.min(heardAt + late, now));
}
