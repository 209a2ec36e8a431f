import { CLOSE_TIMEOUT_MS } from './constants.ts';
import type { CstpLink } from './cstp-link.ts';

/** Sends the disconnect packet on a link and waits briefly for the gateway. Has no timers of its own. */
export class Farewell {
  /** When the link is cut, in milliseconds of the owner's clock. */
  readonly deadline: number;
  /** Resolves when the packet is sent, or on timeout. */
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
