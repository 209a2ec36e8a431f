import { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';
import { backoff } from './backoff.ts';
import { RETRY_FIRST_MS, RETRY_MOST_MS, STABLE_MS } from './constants.ts';

/** When and how long to retry a lost tunnel. Times in milliseconds. */
export class RetryPlan {
  /** When the next attempt is due. */
  at = Number.POSITIVE_INFINITY;
  readonly #limit: number;
  readonly #random: RandomSource;
  #failures = 0;
  #openedAt = 0;
  #lostAt = 0;

  /** @param limit how long to retry a lost tunnel; 0 = not at all */
  constructor(limit: number, random: RandomSource) {
    this.#limit = limit;
    this.#random = random;
  }

  /** True if a lost tunnel is not retried. */
  get none(): boolean {
    return this.#limit <= 0;
  }

  /** There is a tunnel. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /** The tunnel is gone. One that was too short-lived counts as a failed attempt. */
  lost(now: number): void {
    this.#lostAt = now;
    if (now - this.#openedAt >= STABLE_MS) this.reset();
  }

  /** Discards earlier failures. */
  reset(): void {
    this.#failures = 0;
  }

  /** Schedules the next attempt, the first one immediately. Returns when. */
  plan(now: number): number {
    const pause = this.#failures === 0 ? 0 : backoff(this.#failures - 1, RETRY_FIRST_MS, RETRY_MOST_MS, this.#random);
    this.#failures++;
    this.at = now + pause;
    return this.at;
  }

  /** Whether the time limit for retries has passed. */
  over(now: number): boolean {
    return now - this.#lostAt >= this.#limit;
  }

  /** The error for that case. @param cause error of the last attempt */
  gaveUp(cause: TunneliteError): TunneliteError {
    const message = `The tunnel was lost, and could not be restored within ${this.#limit / 1000} s: ${cause.message}`;
    return new TunneliteError('ERR_CLIENT_DISCONNECTED', message, { cause });
  }
}
