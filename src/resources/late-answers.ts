import type { Clock } from '../lib/clock.ts';

/** Answers that wait at a time; what comes beyond that is lost. Ours. */
const MAX_LATE = 4096;

/** Answers that come late on purpose. */
export class LateAnswers {
  readonly #waiting = new Set<() => void>();

  /** Resolves with the answer when the time is over, with nothing when too many wait or all is over. */
  wait(clock: Clock, milliseconds: number, bytes: Buffer | undefined): Promise<Buffer | undefined> {
    if (this.#waiting.size >= MAX_LATE) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const giveUp = (): void => {
        timer.cancel();
        resolve(undefined);
      };
      const timer = clock.setTimer(milliseconds, () => {
        this.#waiting.delete(giveUp);
        resolve(bytes);
      });
      this.#waiting.add(giveUp);
    });
  }

  close(): void {
    for (const giveUp of this.#waiting) giveUp();
    this.#waiting.clear();
  }
}
