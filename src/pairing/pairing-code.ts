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

/** What came of a try: `ok` once for each code. */
export type Redemption = 'ok' | 'wrong' | 'over' | 'too-many';

/** 32 letters and digits that are not taken for each other; five bits each. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

/**
 * A code that lets one phone have a test token. It is good once, for some minutes, and for so many wrong tries. The next one is made when
 * this one was used, or when it is over and somebody tries it; whoever shows codes to the person at this machine is told.
 */
export class PairingCode {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #onCode: (code: string) => void;
  readonly #tries = new Map<string, { count: number; since: number }>();
  #code = '';
  #madeAt = 0;
  #wrong = 0;

  /** @param onCode is called with each new code, the first one included */
  constructor(clock: Clock, random: RandomSource, onCode: (code: string) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#onCode = onCode;
    this.#renew();
  }

  /**
   * Tries a code.
   * @param text as it was typed: letter case, spaces and dashes do not count
   * @param address of the phone, whose tries are counted
   */
  redeem(text: string, address: string): Redemption {
    const now = this.#clock.monotonic();
    if (!this.#mayTry(address, now)) return 'too-many';
    const right = timingSafeEqual(digest(normalized(text)), digest(this.#code));
    // A code that was guessed at for too long stays void until its time is up, so that nobody can have new ones made without end.
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

/** Digests have one length, so that the comparison takes the same time whatever came. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
