import { CLOSE_TIMEOUT_MS } from './constants.ts';
import type { CstpLink } from './cstp-link.ts';

/** The goodbye on a link, for which the gateway has a moment. No timers of its own. */
export class Farewell {
  /** When the link is cut, in milliseconds of the owner's clock. */
  readonly deadline: number;
  /** Resolves when it is said, or given up. */
  readonly said: Promise<void>;
  readonly #link: CstpLink;

  /** @param done called when the link is gone */
  constructor(link: CstpLink, now: number, done: () => void) {
    this.#link = link;
    this.deadline = now + CLOSE_TIMEOUT_MS;
    this.said = new Promise((resolve) => {
      link.goodbye(() => {
        done();
        resolve();
      });
    });
  }

  /** Time has passed. Returns when to call again. */
  tick(now: number): number {
    if (now < this.deadline) return this.deadline;
    this.#link.drop();
    return Number.POSITIVE_INFINITY;
  }
}
