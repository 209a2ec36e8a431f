import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';

/** Lifetime of a dashboard link, in milliseconds: users open it at once. */
export const LINK_LIFETIME_MS = 120_000;

/** Most unopened links. A further one removes the oldest. */
const MAX_LINKS = 64;

/**
 * Codes that give a browser the instance's secret: each is valid once, for two minutes. This keeps the secret itself out of
 * URLs, which remain in the browser's history and in the arguments of the program that opens them.
 */
export class LinkCodes {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  /** Expiry times by digest: a lookup reveals nothing about other codes. */
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

  /** True once for each valid code. */
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
