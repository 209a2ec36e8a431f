import type { Clock, Timer } from '../lib/clock.ts';
import { watchTimer } from '../lib/late-tick.ts';

/** What a timer is kept for: an engine of this folder. */
export interface TimedEngine {
  readonly nextDeadline: number;
  tick(now: number, late: number): void;
}

/**
 * Keeps one timer on the clock at the engine's next deadline. Call `arm` after whatever may have moved that. A timer that is late
 * first lets the input be read that came meanwhile.
 */
export class EngineTimer {
  readonly #engine: TimedEngine;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(engine: TimedEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  arm(): void {
    const due = this.#engine.nextDeadline;
    // A timer that fires too early only finds nothing to do, and is set anew.
    if (due >= this.#armedFor) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = watchTimer(this.#clock, due - this.#clock.monotonic(), (late) => {
      this.#timer = undefined;
      this.#armedFor = Number.POSITIVE_INFINITY;
      this.#engine.tick(this.#clock.monotonic(), late);
      this.arm();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}
