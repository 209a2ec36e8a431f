/** What may be spent per second, saved up for one second at the most. */
export class Budget {
  readonly #perSecond: number;
  #left: number;
  #countedAt = Number.NaN;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** True when something may be spent; call before `spend`. Times are monotonic milliseconds. */
  allows(now: number): boolean {
    if (now > this.#countedAt) {
      this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#countedAt) * this.#perSecond) / 1000);
    }
    this.#countedAt = now;
    return this.#left >= 1;
  }

  /** May overdraw: nothing is allowed until that is paid back. */
  spend(amount: number): void {
    this.#left -= amount;
  }
}
