import { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';
import { backoff } from './backoff.ts';
import { RETRY_FIRST_MS, RETRY_MOST_MS, STABLE_MS } from './constants.ts';

/** When a tunnel that was lost is tried for again, and for how long. Times in milliseconds. */
export class RetryPlan {
  /** When the next try is due. */
  at = Number.POSITIVE_INFINITY;
  readonly #limit: number;
  readonly #random: RandomSource;
  #failures = 0;
  #openedAt = 0;
  #lostAt = 0;

  /** @param limit for how long a lost tunnel is looked for; 0 = not at all */
  constructor(limit: number, random: RandomSource) {
    this.#limit = limit;
    this.#random = random;
  }

  /** A tunnel that is lost is lost for good. */
  get none(): boolean {
    return this.#limit <= 0;
  }

  /** There is a tunnel. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /** It is gone. One that did not live for long counts as a try that failed. */
  lost(now: number): void {
    this.#lostAt = now;
    if (now - this.#openedAt >= STABLE_MS) this.reset();
  }

  /** What failed before has no meaning any more. */
  reset(): void {
    this.#failures = 0;
  }

  /** Plans the next try, the first one for at once. Returns when. */
  plan(now: number): number {
    const pause = this.#failures === 0 ? 0 : backoff(this.#failures - 1, RETRY_FIRST_MS, RETRY_MOST_MS, this.#random);
    this.#failures++;
    this.at = now + pause;
    return this.at;
  }

  /** Whether the tunnel has been looked for long enough. */
  over(now: number): boolean {
    return now - this.#lostAt >= this.#limit;
  }

  /** The error then. @param cause what the last try failed with */
  gaveUp(cause: TunneliteError): TunneliteError {
    const message = `The tunnel was lost, and could not be had again within ${this.#limit / 1000} s: ${cause.message}`;
    return new TunneliteError('ERR_CLIENT_DISCONNECTED', message, { cause });
  }
}
