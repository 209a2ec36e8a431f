/**
 * Per-second counters as rates, for charts. Bounded.
 * @typedef {Readonly<Record<string, number>>} Counters
 */
export class History {
  /** @param {number} most samples */
  constructor(most = 900) {
    this.most = most;
    /** @type {{ at: number, counters: Counters }[]} */
    this.samples = [];
  }

  /** @param {number} at milliseconds since the Unix epoch @param {Counters} counters */
  add(at, counters) {
    const last = this.samples.at(-1);
    if (last && at <= last.at) return;
    this.samples.push({ at, counters });
    if (this.samples.length > this.most) this.samples.splice(0, this.samples.length - this.most);
  }

  get length() {
    return this.samples.length;
  }

  /**
   * Seconds since the Unix epoch, and the rate per second for each name. There is a gap where a counter decreased (its session ended) or the
   * page did not poll for a while.
   * @param {readonly (string | readonly string[])[]} names each a counter, or several to be added up
   * @returns {(number | null)[][]}
   */
  rates(names) {
    /** @type {(number | null)[][]} */
    const columns = [[], ...names.map(() => [])];
    for (let i = 1; i < this.samples.length; i++) {
      const [before, now] = [this.samples[i - 1], this.samples[i]];
      if (!before || !now) continue;
      const seconds = (now.at - before.at) / 1000;
      columns[0]?.push(now.at / 1000);
      names.forEach((name, column) => {
        let change = 0;
        for (const one of [name].flat()) change += (now.counters[one] ?? 0) - (before.counters[one] ?? 0);
        columns[column + 1]?.push(seconds > 10 || change < 0 ? null : change / seconds);
      });
    }
    return columns;
  }

  /** How much a counter grew in the last second or so, per second. @param {string} name */
  rate(name) {
    const [before, now] = [this.samples.at(-2), this.samples.at(-1)];
    if (!before || !now) return 0;
    return Math.max(0, ((now.counters[name] ?? 0) - (before.counters[name] ?? 0)) / ((now.at - before.at) / 1000));
  }
}
