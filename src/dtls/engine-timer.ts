import type { Clock, Timer } from '../lib/clock.ts';
import { watchTimer } from '../lib/late-tick.ts';

/** The part of an engine that its timer needs. */
export interface TimedEngine {
  readonly nextDeadline: number;
  tick(now: number, late: number): void;
}

/**
 * Keeps one timer set to the engine's next deadline. Call `arm` after anything that may have changed it. A late timer lets pending
 * input be read first.
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
    // A timer that fires too early does nothing and is set again.
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
