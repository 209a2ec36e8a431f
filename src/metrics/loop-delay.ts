import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between two looks at the event loop. */
const RESOLUTION_MS = 10;

const NANO = 1e-9;

/** How long the event loop was away, in seconds, since the last reading. */
export interface LoopDelay {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Watches the event loop from the first reading on: who reads nothing pays nothing. */
export class LoopWatch {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;

  read(): LoopDelay {
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
      return { mean: 0, p50: 0, p99: 0, max: 0 };
    }
    const { mean, max } = this.#histogram;
    // What is measured is the time between two looks.
    const delay = (nanoseconds: number): number => Math.max(0, nanoseconds * NANO - RESOLUTION_MS / 1000) || 0;
    const read = {
      mean: delay(mean),
      p50: delay(this.#histogram.percentile(50)),
      p99: delay(this.#histogram.percentile(99)),
      max: delay(max),
    };
    this.#histogram.reset();
    return read;
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }
}
