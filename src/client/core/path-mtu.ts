import { PROBE_GRAIN, PROBE_TIMEOUT_MS, PROBE_TRIES } from './constants.ts';

/**
 * Finds the largest packet that passes over DTLS, with DPD requests whose answers have the same length (as openconnect 9.01 does):
 * first the largest that the tunnel allows, then by bisection between a size that passes and one that does not. openconnect sends no data
 * meanwhile; here data flows, except that packets of sizes not yet confirmed (RFC 8899 §5.1) go over TLS, so that none is lost on a
 * path that is narrower than the tunnel.
 */
export class PathMtu {
  /** Passes, as far as is known or assumed. */
  #low: number;
  #high: number;
  #size: number;
  #tries = 0;
  #due = Number.NEGATIVE_INFINITY;

  /** @param least assumed to pass @param most what the tunnel allows; both in bytes of an inner packet */
  constructor(least: number, most: number) {
    this.#low = Math.min(least, most);
    this.#high = most;
    this.#size = most;
  }

  /** Largest packet to send over DTLS now. */
  get value(): number {
    return this.#low;
  }

  get done(): boolean {
    return this.#high - this.#low < PROBE_GRAIN;
  }

  /** When to call `next`; Infinity when the search is complete. */
  get deadline(): number {
    return this.done ? Number.POSITIVE_INFINITY : this.#due;
  }

  /** Time has passed. Returns the size of a packet to probe with now, or 0. */
  next(now: number): number {
    if (this.done || now < this.#due) return 0;
    if (this.#tries >= PROBE_TRIES) {
      this.#high = this.#size - 1;
      this.#halve();
      if (this.done) return 0;
    }
    this.#tries++;
    this.#due = now + PROBE_TIMEOUT_MS;
    return this.#size;
  }

  /** A packet of this size passed. */
  passed(size: number): void {
    if (this.done || size < this.#low || size > this.#high) return;
    this.#low = size;
    this.#due = Number.NEGATIVE_INFINITY;
    if (size >= this.#size) this.#halve();
  }

  #halve(): void {
    this.#tries = 0;
    this.#size = Math.ceil((this.#low + this.#high) / 2);
  }
}
