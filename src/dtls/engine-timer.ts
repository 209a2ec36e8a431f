import type { Clock, Timer } from '../lib/clock.ts';

/** What a timer is kept for: an engine of this folder. */
export interface TimedEngine {
  readonly nextDeadline: number;
  tick(now: number): void;
}

/** Keeps one timer on the clock at the engine's next deadline. Call `arm` after whatever may have moved that. */
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
    this.#timer = this.#clock.setTimer(Math.max(0, due - this.#clock.monotonic()), () => {
      this.#timer = undefined;
      this.#armedFor = Number.POSITIVE_INFINITY;
      this.#engine.tick(this.#clock.monotonic());
      this.arm();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }
}
