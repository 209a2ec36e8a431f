import type { Clock, Timer } from './clock.ts';
import { DeadlineHeap, type Sleeper } from './deadline-heap.ts';
import { durationText, parseDuration } from './duration.ts';
import { errorText, TunneliteError } from './errors.ts';
import { Turns } from './turns.ts';

/** `real`: time runs; `manual`: time is frozen and moves only with `advance`. */
export const CLOCK_MODES = ['real', 'manual'] as const;
export type ClockMode = (typeof CLOCK_MODES)[number];

/** Result of moving the clock. */
export interface ClockAdvance {
  /** New time of the clock, in milliseconds since the Unix epoch. */
  readonly now: number;
  /** Milliseconds by which the clock is ahead of the machine's. */
  readonly offset: number;
  /** Number of timers that fired. */
  readonly timers: number;
}

/**
 * A participant in moves of the clock. Silence during a jump proves nothing, since no packets could arrive: use `prepare` to probe,
 * before time moves, the peers that the jump would otherwise end for silence.
 */
export interface ClockFollower {
  /** Called before time moves by `ms`. */
  prepare?(ms: number): void | Promise<void>;
  /** Called when time moves from here to `end` (monotonic); timers set now fire during the move. */
  begin?(end: number): void;
  /** Called when the move is complete or was interrupted. */
  settle?(): void | Promise<void>;
}

/** Callbacks of the clock. */
export interface ClockEvents {
  readonly onAdvance?: (milliseconds: number, result: ClockAdvance) => void;
  readonly onMode?: (mode: ClockMode) => void;
}

interface SimulatorClockOptions extends ClockEvents {
  /** The underlying clock. */
  readonly machine: Clock;
  /** Default `real`. */
  readonly mode?: ClockMode;
}

interface Pending extends Sleeper {
  /** Undefined after it has fired or was canceled. */
  fn: (() => void) | undefined;
  /** When the timer is due, and its order among timers due at the same time. */
  readonly at: number;
  readonly order: number;
}

/**
 * Timers that one advance fires individually; after that it jumps to its end. A timer that restarts itself each second would
 * otherwise fire hundreds of millions of times in ten years.
 */
export const MAX_TIMERS_PER_ADVANCE = 10_000;

/** The last time with a four-digit year, as used in certificates and most formats (RFC 5280 §4.1.2.5). */
const LAST_MOMENT = Date.UTC(9999, 11, 31);

/** Resolution of Node's timers in milliseconds: a timer that fires slightly early is on time. */
const GRAIN = 1;

/**
 * The time of a simulator: that of the machine, plus what you add. All configured time limits use it: tokens, sessions, cookies, bans,
 * keys. Anything that depends on the speed of the network (TCP, handshakes, HTTP timeouts) uses the machine's clock.
 *
 * `now()` may go back, by a reset; `monotonic()` never does.
 *
 * @example
 * ```ts
 * await sim.clock.advance('1h'); // everything with a lifetime of one hour has expired
 * sim.clock.freeze(); // time is frozen from here on
 * ```
 */
export class SimulatorClock implements Clock {
  /** The underlying clock of the machine. */
  readonly machine: Clock;
  readonly #events: ClockEvents;
  readonly #configured: ClockMode;
  #mode: ClockMode;
  /** While time is frozen, `#wall` and `#mono` are the current time; otherwise they are offsets to the machine's clock. */
  #stands = false;
  #wall = 0;
  #mono = 0;
  readonly #timers = new DeadlineHeap<Pending>();
  #order = 0;
  #wake: Timer | undefined;
  #wakeAt = Infinity;
  readonly #followers = new Set<ClockFollower>();
  /** Advances run one after another. */
  readonly #turns = new Turns();
  #moving = false;
  #closed = false;
  /** Incremented by each reset: an advance that started in an earlier era ends. */
  #era = 0;

  constructor({ machine, mode = 'real', ...events }: SimulatorClockOptions) {
    this.machine = machine;
    this.#events = events;
    this.#configured = mode;
    this.#mode = mode;
    if (mode === 'manual') this.#hold();
  }

  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number {
    return this.#stands ? Math.floor(this.#wall) : this.machine.now() + this.#wall;
  }

  /** Monotonic time in milliseconds, with a fraction. Never goes back, not even after a reset. */
  monotonic(): number {
    return this.#stands ? this.#mono : this.machine.monotonic() + this.#mono;
  }

  /** Milliseconds by which this clock is ahead of the machine's; negative after it was frozen for a while. */
  get offset(): number {
    return this.#stands ? this.now() - this.machine.now() : this.#wall;
  }

  get mode(): ClockMode {
    return this.#mode;
  }

  /** Calls `fn` once, after `ms` milliseconds of this clock. */
  setTimer(ms: number, fn: () => void): Timer {
    const at = this.monotonic() + Math.max(0, ms);
    const entry: Pending = { heapIndex: -1, at, order: this.#order++, fn };
    this.#timers.schedule(entry, at);
    this.#arm();
    return {
      cancel: () => {
        entry.fn = undefined;
        this.#timers.remove(entry);
      },
    };
  }

  /**
   * Moves time forward. Timers fire in order of their time, including those set in the meantime; after 10,000 of them the rest is one jump.
   * Clients that the jump would end for silence are probed first and have two seconds of real time to answer. Resolves when everything that
   * became due has happened. Concurrent advances run one after another.
   *
   * @param duration a duration such as `3600s`, `90m`, `1h30m`, `2d`; a number is in milliseconds
   * @throws TunneliteError `ERR_DURATION_INVALID`, `ERR_CLOCK_RANGE`, `ERR_CLOCK_INTERRUPTED`
   */
  async advance(duration: string | number): Promise<ClockAdvance> {
    const ms = parseDuration(duration);
    if (this.#closed) throw new TunneliteError('ERR_CLOSED', 'The clock of a closed simulator cannot be moved.');
    const era = this.#era;
    return this.#turns.run(() => this.#advance(ms, era));
  }

  /**
   * Lets time run, or freezes it, starting from the current time of the clock.
   * @throws TunneliteError `ERR_CLOCK_MODE`
   */
  set(mode: ClockMode): void {
    if (!CLOCK_MODES.includes(mode)) throw new TunneliteError('ERR_CLOCK_MODE', `There is no clock mode “${mode}”.`);
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (!this.#moving) this.#settleMode();
    this.#events.onMode?.(mode);
  }

  /** Freezes time: `set('manual')`. */
  freeze(): void {
    this.set('manual');
  }

  /** Lets time run again from the current time of the clock: `set('real')`. */
  resume(): void {
    this.set('real');
  }

  /** Adds a participant in each advance; the returned function removes it. @internal */
  follow(follower: ClockFollower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /**
   * Returns to the machine's time, in the configured mode. Monotonic time continues from its current value, so no timer fires early
   * or is lost. A running advance ends. @internal
   */
  reset(): void {
    this.#era++;
    this.#mode = this.#configured;
    this.#wall = this.#stands ? this.machine.now() : 0;
    if (!this.#moving) this.#settleMode();
  }

  /** Cancels all timers and ends a running advance. @internal */
  close(): void {
    this.#era++;
    this.#closed = true;
    this.#disarm();
    while (this.#timers.next < Infinity) this.#timers.shift();
    this.#followers.clear();
  }

  async #advance(ms: number, era: number): Promise<ClockAdvance> {
    this.#assertEra(era);
    if (this.now() + ms > LAST_MOMENT) {
      throw new TunneliteError(
        'ERR_CLOCK_RANGE',
        `The clock cannot be moved forward by ${durationText(ms)}: it would pass the year 9999.`,
      );
    }
    const followers = [...this.#followers];
    const failures: unknown[] = [];
    let timers = 0;
    try {
      await Promise.all(followers.map((follower) => follower.prepare?.(ms)));
      this.#assertEra(era);
      timers = await this.#move(ms, era, followers, failures);
    } finally {
      for (const follower of followers) await attemptAsync(() => follower.settle?.(), failures);
    }
    this.#assertEra(era);
    const result = { now: this.now(), offset: this.offset, timers };
    this.#events.onAdvance?.(ms, result);
    if (failures.length === 0) return result;
    const [cause] = failures;
    throw new TunneliteError('ERR_INTERNAL', `While the clock was moved, a timer failed: ${errorText(cause)}`, {
      cause,
    });
  }

  /** Moves from timer to timer and returns the number that fired. */
  async #move(ms: number, era: number, followers: readonly ClockFollower[], failures: unknown[]): Promise<number> {
    this.#moving = true;
    const before = this.#stands ? undefined : { wall: this.#wall, mono: this.#mono };
    this.#hold();
    const [wall, mono] = [this.#wall, this.#mono];
    const end = mono + ms;
    let timers = 0;
    const moveTo = (at: number): void => {
      this.#wall = wall + (at - mono);
      this.#mono = at;
    };
    const fire = (): void => {
      for (const entry of this.#takeDue(this.#mono)) {
        if (entry.fn) timers++;
        attempt(() => run(entry), failures);
      }
    };
    try {
      for (const follower of followers) attempt(() => follower.begin?.(end), failures);
      while (this.#timers.next <= end && timers < MAX_TIMERS_PER_ADVANCE) {
        moveTo(Math.max(this.#mono, this.#timers.next));
        fire();
        // Work that a timer started in promises and sockets completes at its time.
        await turn();
        this.#assertEra(era);
      }
      moveTo(end);
      fire();
      this.#assertEra(era);
      // The real time that the move took has passed too.
      if (before && this.#mode === 'real') {
        this.#stands = false;
        this.#wall = before.wall + ms;
        this.#mono = before.mono + ms;
      }
      return timers;
    } finally {
      this.#moving = false;
      this.#settleMode();
    }
  }

  #assertEra(era: number): void {
    if (era !== this.#era) throw new TunneliteError('ERR_CLOCK_INTERRUPTED');
  }

  /**
   * Removes and returns the timers that are due at `at`, in order of their time and then of their creation. One may still cancel another.
   */
  #takeDue(at: number): Pending[] {
    const due: Pending[] = [];
    while (this.#timers.next <= at) due.push(this.#timers.shift());
    return due.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  #hold(): void {
    if (this.#stands) return;
    [this.#wall, this.#mono] = [this.now(), this.monotonic()];
    this.#stands = true;
    this.#disarm();
  }

  /** Sets the mode, starting from the current time of the clock. */
  #settleMode(): void {
    if (this.#mode === 'manual') {
      this.#hold();
      return;
    }
    if (this.#stands) {
      this.#wall = Math.floor(this.#wall) - this.machine.now();
      this.#mono -= this.machine.monotonic();
      this.#stands = false;
    }
    this.#arm();
  }

  #disarm(): void {
    this.#wake?.cancel();
    this.#wake = undefined;
    this.#wakeAt = Infinity;
  }

  #arm(): void {
    const { next } = this.#timers;
    if (this.#stands || this.#closed || next >= this.#wakeAt) return;
    this.#wake?.cancel();
    this.#wakeAt = next;
    this.#wake = this.machine.setTimer(Math.max(0, next - this.monotonic()), () => this.#onWake());
  }

  #onWake(): void {
    this.#wake = undefined;
    this.#wakeAt = Infinity;
    if (this.#stands) return;
    const due = this.#takeDue(this.monotonic() + GRAIN);
    let fired = 0;
    try {
      while (fired < due.length) run(due[fired++]!);
    } finally {
      // An error in one timer must not keep the others from firing.
      for (const entry of due.slice(fired)) this.#timers.schedule(entry, entry.at);
      this.#arm();
    }
  }
}

/** Fires a timer, unless it was canceled. */
function run(entry: Pending): void {
  const { fn } = entry;
  entry.fn = undefined;
  fn?.();
}

/** Waits for one turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function attempt(work: () => void, failures: unknown[]): void {
  try {
    work();
  } catch (error) {
    failures.push(error);
  }
}

async function attemptAsync(work: () => void | Promise<void>, failures: unknown[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    failures.push(error);
  }
}
