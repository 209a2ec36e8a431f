/**
 * Anti-replay window of 64 records (RFC 6347 §4.1.2.6). Ask `fresh` before a record is opened and call `mark` only
 * once it proved authentic.
 */
export class ReplayWindow {
  /** Highest sequence number marked; -1 before the first. */
  highest = -1;
  // Bit d of low:high stands for `highest - d`.
  #low = 0;
  #high = 0;

  /** False for a record that was marked before, or that is too old for the window. */
  fresh(sequence: number): boolean {
    const age = this.highest - sequence;
    if (age < 0) return true;
    if (age >= 64) return false;
    const bits = age < 32 ? this.#low >>> age : this.#high >>> (age - 32);
    return (bits & 1) === 0;
  }

  mark(sequence: number): void {
    const ahead = sequence - this.highest;
    if (ahead > 0) {
      this.#shift(this.highest < 0 ? 64 : ahead);
      this.#low |= 1;
      this.highest = sequence;
    } else if (ahead > -32) {
      this.#low |= 1 << -ahead;
    } else if (ahead > -64) {
      this.#high |= 1 << (-ahead - 32);
    }
  }

  #shift(by: number): void {
    if (by === 1) {
      this.#high = (this.#high << 1) | (this.#low >>> 31);
      this.#low <<= 1;
    } else if (by >= 64) {
      this.#high = 0;
      this.#low = 0;
    } else if (by >= 32) {
      this.#high = by === 32 ? this.#low : this.#low << (by - 32);
      this.#low = 0;
    } else {
      this.#high = (this.#high << by) | (this.#low >>> (32 - by));
      this.#low <<= by;
    }
  }
}
