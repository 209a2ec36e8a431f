/** A budget per second; unspent amounts accumulate for at most one second. */
export class Budget {
  readonly #perSecond: number;
  #left: number;
  #countedAt = Number.NaN;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** True when the budget is not exhausted; call before `spend`. Times are monotonic milliseconds. */
  allows(now: number): boolean {
    if (now > this.#countedAt) {
      this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#countedAt) * this.#perSecond) / 1000);
    }
    this.#countedAt = now;
    return this.#left >= 1;
  }

  /** May overdraw the budget: then nothing is allowed until it has recovered. */
  spend(amount: number): void {
    this.#left -= amount;
  }
}
