import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Sampling interval of the event loop, in milliseconds. */
const RESOLUTION_MS = 10;

const NANO = 1e-9;

/** Event loop delay since the last reading, in seconds. */
export interface LoopDelay {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Samples the event loop from the first reading on: no cost without readings. */
export class LoopWatch {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;

  read(): LoopDelay {
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#histogram.enable();
      return { mean: 0, p50: 0, p99: 0, max: 0 };
    }
    const { mean, max } = this.#histogram;
    // The measured value is the time between two samples.
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
