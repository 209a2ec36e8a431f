import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';

/** How long a link to the dashboard is good, in milliseconds: a person opens it at once. */
export const LINK_LIFETIME_MS = 120_000;

/** Links that wait to be opened. One more pushes the oldest out. */
const MAX_LINKS = 64;

/**
 * Codes by which a browser gets the secret of the instance: each is good once, and for two minutes. So the secret itself stands in no
 * address, whose traces are the history of the browser and the arguments of the program that opens it.
 */
export class LinkCodes {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  /** When each is over, by its digest: looking one up tells nothing of the others. */
  readonly #open = new Map<string, number>();

  constructor(clock: Clock, random: RandomSource) {
    this.#clock = clock;
    this.#random = random;
  }

  issue(): string {
    const code = this.#random.bytes(32).toString('base64url');
    if (this.#open.size >= MAX_LINKS) this.#open.delete(this.#open.keys().next().value!);
    this.#open.set(digest(code), this.#clock.monotonic() + LINK_LIFETIME_MS);
    return code;
  }

  /** True once for each code, while it is good. */
  redeem(code: string): boolean {
    const key = digest(code);
    const end = this.#open.get(key);
    this.#open.delete(key);
    return end !== undefined && this.#clock.monotonic() < end;
  }
}

function digest(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
