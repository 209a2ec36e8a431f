import { setTimeout as delay } from 'node:timers/promises';

/** One kind of work, done over and over. */
interface Job {
  readonly name: string;
  readonly run: () => Promise<void>;
  /** Milliseconds between two beginnings. */
  readonly every: number;
  /** Begun and not ended, at most. */
  readonly atOnce: number;
  begun: number;
  ended: number;
}

/** Somebody waits for so many more that begin from now on. */
interface Goal {
  readonly job: Job;
  readonly from: number;
  left: number;
}

/** Jobs of one kind that are begun at a steady pace, whatever becomes of those before, as long as there are not too many. */
const AT_ONCE = 16;

/** How long one of them may take before it counts as lost, in milliseconds. */
const PATIENCE_MS = 30_000;

/** What somebody who means well does all along, and how much of it failed. Nothing is tried twice. */
export class HonestWork {
  readonly failures: string[] = [];
  readonly #who: string;
  readonly #jobs: Job[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #loops: Promise<void>[] = [];
  readonly #goals = new Set<Goal>();
  #wake = Promise.withResolvers<void>();
  #stopped = false;

  constructor(who: string) {
    this.#who = who;
  }

  /** Begins to do something again and again, `every` so many milliseconds. */
  add(name: string, every: number, run: () => Promise<void>, atOnce = AT_ONCE): void {
    const job: Job = { name, run, every, atOnce, begun: 0, ended: 0 };
    this.#jobs.push(job);
    this.#loops.push(this.#loop(job));
  }

  /** How much of each kind has come to an end, well or not. */
  get ended(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#jobs.map(({ name, ended }) => [`${this.#who} ${name}`, ended]));
  }

  /** Waits until of each kind `count` more were begun and have ended. */
  async rounds(count: number): Promise<void> {
    const goals = this.#jobs.map((job): Goal => ({ job, from: job.begun, left: count }));
    for (const goal of goals) this.#goals.add(goal);
    while (goals.some(({ left }) => left > 0)) await this.#wake.promise;
    for (const goal of goals) this.#goals.delete(goal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    await Promise.all(this.#running);
  }

  async #loop(job: Job): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!this.#stopped) {
      const one = this.#attempt(job).finally(() => {
        running.delete(one);
        this.#running.delete(one);
      });
      running.add(one);
      this.#running.add(one);
      if (running.size >= job.atOnce) await Promise.race(running);
      await delay(job.every);
    }
  }

  async #attempt(job: Job): Promise<void> {
    const index = job.begun++;
    const patience = new AbortController();
    const lost = delay(PATIENCE_MS, undefined, { signal: patience.signal }).then(() => {
      throw new Error(`nothing came within ${PATIENCE_MS / 1000} s`);
    });
    try {
      await Promise.race([job.run(), lost]);
    } catch (error) {
      this.failures.push(`${this.#who} ${job.name}: ${(error as Error).message}`);
    }
    lost.catch(() => {});
    patience.abort();
    job.ended++;
    for (const goal of this.#goals) if (goal.job === job && index >= goal.from) goal.left--;
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers<void>();
    resolve();
  }
}
