import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import {
  CODE_LENGTH,
  CODE_LIFE_MS,
  CODE_TRIES,
  MAX_ADDRESSES,
  TRIES_PER_ADDRESS,
  TRIES_WINDOW_MS,
} from './constants.ts';

/** Result of an attempt: `ok` once for each code. */
export type Redemption = 'ok' | 'wrong' | 'over' | 'too-many';

/** 32 letters and digits that are hard to confuse; five bits each. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

/**
 * A code that entitles one phone to a test token. It works once, for some minutes, and allows a limited number of wrong attempts. A new code
 * is created after this one is used, or when someone tries it after it expired; `onCode` reports each new code.
 */
export class PairingCode {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #onCode: (code: string) => void;
  readonly #tries = new Map<string, { count: number; since: number }>();
  #code = '';
  #madeAt = 0;
  #wrong = 0;

  /** @param onCode called with each new code, including the first */
  constructor(clock: Clock, random: RandomSource, onCode: (code: string) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#onCode = onCode;
    this.#renew();
  }

  /**
   * Tries a code.
   * @param text as typed: letter case, spaces and dashes do not count
   * @param address of the phone; attempts are counted per address
   */
  redeem(text: string, address: string): Redemption {
    const now = this.#clock.monotonic();
    if (!this.#mayTry(address, now)) return 'too-many';
    const right = timingSafeEqual(digest(normalized(text)), digest(this.#code));
    // A code with too many wrong attempts stays void until it expires, so that an attacker cannot force endless new codes.
    if (now - this.#madeAt >= CODE_LIFE_MS) {
      this.#renew();
      return 'over';
    }
    if (this.#wrong >= CODE_TRIES) return 'over';
    if (!right) {
      this.#wrong += 1;
      return 'wrong';
    }
    this.#tries.delete(address);
    this.#renew();
    return 'ok';
  }

  #mayTry(address: string, now: number): boolean {
    let tries = this.#tries.get(address);
    if (!tries || now - tries.since >= TRIES_WINDOW_MS) {
      this.#tries.delete(address);
      tries = { count: 0, since: now };
      this.#tries.set(address, tries);
      if (this.#tries.size > MAX_ADDRESSES) this.#tries.delete(this.#tries.keys().next().value!);
    }
    tries.count += 1;
    return tries.count <= TRIES_PER_ADDRESS;
  }

  #renew(): void {
    this.#code = Array.from(this.#random.bytes(CODE_LENGTH), (byte) => ALPHABET[byte & 31]).join('');
    this.#madeAt = this.#clock.monotonic();
    this.#wrong = 0;
    this.#onCode(this.#code);
  }
}

function normalized(text: string): string {
  return text.toUpperCase().replaceAll(/[\s-]/g, '');
}

/** Digests have equal length, so the comparison takes constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
