import { durationText } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { OrderedOffload } from '../lib/offload.ts';
import type { VirtualClock } from '../lib/virtual-clock.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Number of immediates due in this turn of the event loop or the next: Node counts those of its own streams and TLS too. */
function immediates(): number {
  let count = 0;
  for (const name of process.getActiveResourcesInfo()) if (name === 'Immediate') count++;
  return count;
}

/**
 * Maximum number of steps in one turn of the event loop. Between two immediates of a turn, Node runs all microtasks and `nextTick` callbacks; another
 * turn would add nothing, unless an immediate or offloaded work waits for it, and it costs a poll of the machine's sockets.
 */
const MAX_STEPS = 64;

/**
 * Drives a world on virtual time. A timer fires only when all effects of the last one are complete: when no immediate is pending,
 * and no offloaded work. Nothing else can happen in a process whose connections and datagrams are in memory. Results of offloaded work
 * are delivered one by one, when everything else is idle, so that no order depends on the machine.
 */
export class Mainspring {
  readonly #clock: VirtualClock;
  readonly #offload: OrderedOffload;
  #driving = false;

  constructor(clock: VirtualClock, offload: OrderedOffload) {
    this.#clock = clock;
    this.#offload = offload;
  }

  /** Advances time up to `end`, in milliseconds of monotonic time. */
  async runTo(end: number): Promise<void> {
    await this.#drive(async () => {
      await this.#pass(end, () => false);
      this.#clock.moveTo(end);
    });
  }

  /**
   * Advances time until a promise of this world is settled, and returns its result.
   * @param limit milliseconds
   * @throws what the promise is rejected with; TunneliteError `ERR_WORLD_LIMIT`
   */
  async until<T>(promise: Promise<T>, limit: number): Promise<T> {
    const end = this.#clock.monotonic() + limit;
    const watch = watched(promise);
    await this.#drive(() => this.#pass(end, () => watch.over));
    if (watch.over) return promise;
    throw new TunneliteError('ERR_WORLD_LIMIT', `The condition was not met within ${durationText(limit)}.`);
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

  /**
   * Fires timer after timer until `over`, or until none is due up to `end`.
   *
   * A step is an immediate. The first and the last one of a turn keep the event loop alive; those between them do not, so that Node does not count
   * them, and the count shows whether anything else has an immediate.
   */
  #pass(end: number, over: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let done = false;
      /** Whether the rest of this turn has nothing to do, because something waits for the next one. */
      let waits = false;
      let steps = 1;
      const finish = (settle: () => void): void => {
        done = true;
        settle();
      };
      const step = (own: number): void => {
        if (done || waits) return;
        try {
          if (immediates() > own) waits = true;
          else if (this.#offload.pending > 0) waits = !this.#offload.give();
          else if (over() || this.#clock.next > end) finish(resolve);
          else this.#clock.fire();
        } catch (error) {
          finish(() => reject(error));
        }
      };
      const inner = (): void => step(1);
      const last = (): void => {
        step(0);
        if (!done) turn();
      };
      const turn = (): void => {
        steps = waits ? 1 : Math.min(2 * steps, MAX_STEPS);
        waits = false;
        if (steps > 1) setImmediate(inner);
        for (let i = 2; i < steps; i++) setImmediate(inner).unref();
        setImmediate(last);
      };
      turn();
    });
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
