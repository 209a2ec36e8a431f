import type { Clock, Timer } from './clock.ts';

/** Milliseconds after which a timer counts as late: longer than a busy turn of the event loop, shorter than any timeout. */
export const LATE_MS = 250;

/** Calls back when pending socket input has been read. */
type AfterInput = (work: () => void) => void;

/**
 * A whole turn of the event loop lies between two calls of `setImmediate`, so that sockets are polled whatever the current phase. Data
 * beyond one read does not matter: the first bytes prove life.
 */
const afterPoll: AfterInput = (work) => {
  setImmediate(() => setImmediate(work));
};

/** Resolves when pending socket input has been read. */
export const inputRead = (): Promise<void> => new Promise(afterPoll);

/**
 * A timer for code that checks for silence. When the process was stopped or its event loop blocked, timers fire before the bytes received
 * in the meantime are read, and the peer seems to be silent. A timer that is late therefore waits until pending input has been read, and
 * passes on how late it was: time in which no input was read does not count as silence.
 *
 * @param fn called with the milliseconds that do not count, 0 for a timer in time
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

/** One object for a timer and its deadline: each check for silence creates one. */
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

/** The timeout is counted in steps: a fraction of it, and at most this many milliseconds. */
const PATIENCE_STEPS = 4;
const PATIENCE_STEP_MS = 1000;

/**
 * A timeout for an answer: calls back after `ms` milliseconds in which the answer would have been read. Unlike `watchTimer`, it also
 * extends the timeout, because an exchange of several messages, such as a handshake, needs more than one read. It counts in steps. A step
 * in which the process was stopped or busy is repeated, once, so that time passes even on a machine that is always late.
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

/** When something was received last, corrected for `late` milliseconds in which no input was read; never in the future. */
export function excused(heardAt: number, late: number, now: number): number {
  return Math.max(heardAt, Math.min(heardAt + late, now));
}
