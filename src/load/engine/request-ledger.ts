/** Ours: maximum number of unanswered requests remembered for one client, so that each answer counts once. */
const MOST_OPEN = 4096;

export type Answered = 'first' | 'repeated';

/**
 * The requests of one client: number `n` is intended at `first + n · period`, whether or not it can be sent. So losses are counted on
 * the schedule, and no send times need to be stored.
 */
export class RequestLedger {
  readonly #period: number;
  /** When number 0 was intended. */
  #first = 0;
  #scheduled = 0;
  /** Numbers without an answer, in order. */
  #open: number[] = [];
  /** Largest number that has an answer. */
  #newest = -1;

  constructor(period: number) {
    this.#period = period;
  }

  get scheduled(): number {
    return this.#scheduled;
  }

  /** The next request, intended now. Returns its number. */
  schedule(intended: number): number {
    if (this.#scheduled === 0) this.#first = intended;
    const number = this.#scheduled++;
    this.#open.push(number);
    if (this.#open.length > MOST_OPEN) this.#open.shift();
    return number;
  }

  /** When a request was intended. */
  intended(number: number): number {
    return this.#first + number * this.#period;
  }

  /** An answer arrived. Undefined: there is no such request. */
  answer(number: number): Answered | undefined {
    if (number >= this.#scheduled) return undefined;
    // Usually it is the first of few.
    const at = this.#open.indexOf(number);
    if (at < 0) return 'repeated';
    this.#open.splice(at, 1);
    if (number > this.#newest) this.#newest = number;
    return 'first';
  }

  /**
   * The intended time of the first request without an answer since the newest answered one; undefined if there is none.
   * @param before only requests with a smaller number
   */
  unansweredSince(before = this.#scheduled): number | undefined {
    const number = this.#newest + 1;
    return number < before ? this.intended(number) : undefined;
  }
}
