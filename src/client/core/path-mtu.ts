import { PROBE_GRAIN, PROBE_TIMEOUT_MS, PROBE_TRIES } from './constants.ts';

/**
 * Looks for the largest packet that passes over DTLS (reference openconnect-protocol §7.6), by requests whose answers have their length:
 * first the largest that the tunnel allows, then halving what is left between what passes and what does not. openconnect sends nothing
 * meanwhile; here data flows, but for packets of sizes that were not shown to pass (RFC 8899 §5.1): these go over TLS, and none is lost to a
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

  /** When `next` has something to do; Infinity when all is known. */
  get deadline(): number {
    return this.done ? Number.POSITIVE_INFINITY : this.#due;
  }

  /** Time has passed: the size of a packet to try now, or 0. */
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
