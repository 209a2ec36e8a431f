import type { Clock } from '../lib/clock.ts';

/** Most delayed answers; further ones are dropped. Own choice. */
const MAX_LATE = 4096;

/** Deliberately delayed answers. */
export class LateAnswers {
  readonly #waiting = new Set<() => void>();

  /** Resolves with the answer after the delay, or with nothing when too many wait or on shutdown. */
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
