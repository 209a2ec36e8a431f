/**
 * Work that leaves the event loop: what WebCrypto or the thread pool does, and when it is done depends on the machine. Whoever starts such
 * work does it by this port, so that a world on virtual time can decide when its results are seen.
 */
export interface Offload {
  /** Starts `work` at once, and gives out what comes of it. Nothing in it may wait for a timer or the network. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Results are seen as they come. */
export const directly: Offload = { run: (work) => work() };

interface Job {
  /** Hands the outcome on; undefined while there is none. */
  give: (() => void) | undefined;
}

/** Results wait, and are given out one at a time, in the order in which their work was started, whichever is done first. */
export class OrderedOffload implements Offload {
  readonly #jobs: Job[] = [];

  /** Results that are not given out yet, and work that is under way. */
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

  /** Gives out the result of the work that was started first. False: it is not done yet, or there is none. */
  give(): boolean {
    const [job] = this.#jobs;
    if (!job?.give) return false;
    this.#jobs.shift();
    job.give();
    return true;
  }
}
