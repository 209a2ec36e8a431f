/**
 * Work outside the event loop, in WebCrypto or the thread pool, whose duration depends on the machine. All such work is started through
 * this interface, so that a world with virtual time can control when its results appear.
 */
export interface Offload {
  /** Starts `work` at once, and returns its result. It must not wait for a timer or the network. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Results appear as soon as they are ready. */
export const directly: Offload = { run: (work) => work() };

interface Job {
  /** Delivers the result; undefined while there is none. */
  give: (() => void) | undefined;
}

/** Delivers results one at a time, in the order in which the work was started, whichever is ready first. */
export class OrderedOffload implements Offload {
  readonly #jobs: Job[] = [];

  /** Results not delivered yet, and work in progress. */
  get pending(): number {
    return this.#jobs.length;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const job: Job = { give: undefined };
      const done = (give: () => void): void => {
        job.give = give;
      };
      this.#jobs.push(job);
      work().then(
        (value) => done(() => resolve(value)),
        (error: unknown) => done(() => reject(error)),
      );
    });
  }

  /** Delivers the result of the work that was started first. False: it is not ready yet, or there is none. */
  give(): boolean {
    const [job] = this.#jobs;
    if (!job?.give) return false;
    this.#jobs.shift();
    job.give();
    return true;
  }
}
