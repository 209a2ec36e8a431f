import { durationText } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { OrderedOffload } from '../lib/offload.ts';
import type { VirtualClock } from '../lib/virtual-clock.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whether something is to run in this turn of the event loop or the next: Node counts the immediates of its own streams and TLS too. */
function busy(): boolean {
  for (const name of process.getActiveResourcesInfo()) if (name === 'Immediate') return true;
  return false;
}

/**
 * Drives a world on virtual time. A timer fires only when everything that the last one brought about has happened: when no immediate waits,
 * and no offloaded work. Nothing else can happen in a process whose connections and datagrams are in memory. Results of offloaded work
 * are given out one by one, when all else is quiet, so that no order depends on the machine.
 */
export class Mainspring {
  readonly #clock: VirtualClock;
  readonly #offload: OrderedOffload;
  #driving = false;

  constructor(clock: VirtualClock, offload: OrderedOffload) {
    this.#clock = clock;
    this.#offload = offload;
  }

  /** Lets time pass up to `end`, in milliseconds of monotonic time. */
  async runTo(end: number): Promise<void> {
    await this.#drive(async () => {
      await this.#settle();
      while (this.#clock.next <= end) {
        this.#clock.fire();
        await this.#settle();
      }
      this.#clock.moveTo(end);
    });
  }

  /**
   * Lets time pass until a promise of this world is settled, and returns what came of it.
   * @param limit milliseconds
   * @throws what the promise is rejected with; TunneliteError `ERR_WORLD_LIMIT`
   */
  async until<T>(promise: Promise<T>, limit: number): Promise<T> {
    const end = this.#clock.monotonic() + limit;
    const watch = watched(promise);
    await this.#drive(async () => {
      await this.#settle();
      while (!watch.over && this.#clock.next <= end) {
        this.#clock.fire();
        await this.#settle();
      }
    });
    if (watch.over) return promise;
    throw new TunneliteError(
      'ERR_WORLD_LIMIT',
      `What was waited for did not come about within ${durationText(limit)}.`,
    );
  }

  /** Waits for something that needs the machine, such as files and new keys, while time stands still. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    const watch = watched(promise);
    await this.#drive(async () => {
      while (!watch.over) {
        await immediate();
        this.#offload.give();
        if (this.#clock.next <= this.#clock.monotonic()) this.#clock.fire();
      }
    });
    return promise;
  }

  /** Until nothing more can happen at this moment. */
  async #settle(): Promise<void> {
    for (;;) {
      await immediate();
      if (busy()) continue;
      if (this.#offload.pending === 0) return;
      this.#offload.give();
    }
  }

  async #drive(work: () => Promise<void>): Promise<void> {
    if (this.#driving) throw new TunneliteError('ERR_WORLD_BUSY');
    this.#driving = true;
    try {
      await work();
    } finally {
      this.#driving = false;
    }
  }
}

function watched(promise: Promise<unknown>): { readonly over: boolean } {
  const watch = { over: false };
  const done = (): void => {
    watch.over = true;
  };
  promise.then(done, done);
  return watch;
}
