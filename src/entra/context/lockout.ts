import type { Clock } from '../../lib/clock.ts';
import { LOCKOUT } from './constants.ts';
import { ExpiringStore } from './expiring-store.ts';

const REMEMBERED = 10_000;

/** Smart lockout: too many consecutive wrong passwords lock an account for a while. */
export class Lockout {
  readonly #failures: ExpiringStore<number>;

  constructor(clock: Clock) {
    this.#failures = new ExpiringStore(clock, REMEMBERED);
  }

  isLocked(userId: string): boolean {
    return (this.#failures.get(userId) ?? 0) >= LOCKOUT.attempts;
  }

  failed(userId: string): void {
    this.#failures.set(userId, (this.#failures.get(userId) ?? 0) + 1, LOCKOUT.seconds);
  }

  clear(): void {
    this.#failures.clear();
  }

  succeeded(userId: string): void {
    this.#failures.delete(userId);
  }
}
