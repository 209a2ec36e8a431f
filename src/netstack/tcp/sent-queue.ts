/** State of a sent segment, as bits of its flags. */
export const SACKED = 1;
/** Considered lost: does not count as in flight until retransmitted. */
export const LOST = 2;
/** Retransmitted since it was last considered lost. */
export const RETRANSMITTED = 4;
/** Retransmitted at least once: gives no unambiguous round-trip sample (Karn). */
export const EVER_RETRANSMITTED = 8;
/** Ends with FIN, which takes one sequence number. */
export const HAS_FIN = 16;

const INITIAL_CAPACITY = 16;

/**
 * The segments in flight, oldest first, without gaps: a ring of parallel typed arrays, so that sending and
 * acknowledging a segment allocates nothing. RACK (RFC 8985 §5.2) needs the time of each one's last transmission.
 */
export class SentQueue {
  #ends = new Int32Array(INITIAL_CAPACITY);
  #times = new Float64Array(INITIAL_CAPACITY);
  #flags = new Uint8Array(INITIAL_CAPACITY);
  /** For sacked segments: known distance to the next segment that may not be sacked. */
  #skips = new Uint16Array(INITIAL_CAPACITY);
  #mask = INITIAL_CAPACITY - 1;
  #head = 0;
  count = 0;
  /** First sequence number of the oldest segment. */
  base = 0;

  reset(base: number): void {
    this.#head = 0;
    this.count = 0;
    this.base = base;
  }

  /** The oldest segment was acknowledged in part, up to here. */
  trim(base: number): void {
    this.base = base;
  }

  get capacity(): number {
    return this.#mask + 1;
  }

  push(end: number, time: number, flags: number): void {
    if (this.count > this.#mask) this.#grow();
    const slot = (this.#head + this.count) & this.#mask;
    this.#ends[slot] = end;
    this.#times[slot] = time;
    this.#flags[slot] = flags;
    this.#skips[slot] = 1;
    this.count++;
  }

  end(index: number): number {
    return this.#ends[(this.#head + index) & this.#mask]!;
  }

  start(index: number): number {
    return index === 0 ? this.base : this.#ends[(this.#head + index - 1) & this.#mask]!;
  }

  time(index: number): number {
    return this.#times[(this.#head + index) & this.#mask]!;
  }

  flags(index: number): number {
    return this.#flags[(this.#head + index) & this.#mask]!;
  }

  setFlags(index: number, flags: number): void {
    this.#flags[(this.#head + index) & this.#mask] = flags;
  }

  setTime(index: number, time: number): void {
    this.#times[(this.#head + index) & this.#mask] = time;
  }

  /** Removes the oldest segment. */
  shift(): void {
    this.base = this.#ends[this.#head]!;
    this.#head = (this.#head + 1) & this.#mask;
    this.count--;
  }

  /** Index of the first segment that ends after `seq`; `count` when there is none. */
  find(seq: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.end(middle) - seq) | 0) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * The first segment from `index` that is not sacked; `count` if there is none. The distance is remembered, so that a run of sacked
   * segments is walked once, however often the peer reports it.
   */
  nextUnsacked(index: number): number {
    let next = index;
    while (next < this.count && this.flags(next) & SACKED) next += this.#skips[(this.#head + next) & this.#mask]!;
    if (next > this.count) next = this.count;
    for (let i = index; i < next; ) {
      const slot = (this.#head + i) & this.#mask;
      const skip = this.#skips[slot]!;
      this.#skips[slot] = next - i;
      i += skip;
    }
    return next;
  }

  /** Marks all segments as not sacked. */
  clearSacked(): void {
    for (let i = 0; i < this.count; i++) {
      const slot = (this.#head + i) & this.#mask;
      this.#flags[slot] = this.#flags[slot]! & ~SACKED;
      this.#skips[slot] = 1;
    }
  }

  #grow(): void {
    const size = (this.#mask + 1) * 2;
    const ends = new Int32Array(size);
    const times = new Float64Array(size);
    const flags = new Uint8Array(size);
    const skips = new Uint16Array(size);
    for (let i = 0; i < this.count; i++) {
      const slot = (this.#head + i) & this.#mask;
      ends[i] = this.#ends[slot]!;
      times[i] = this.#times[slot]!;
      flags[i] = this.#flags[slot]!;
      skips[i] = this.#skips[slot]!;
    }
    this.#ends = ends;
    this.#times = times;
    this.#flags = flags;
    this.#skips = skips;
    this.#mask = size - 1;
    this.#head = 0;
  }
}

/** Number of queues kept for later flows. */
const SPARE_QUEUES = 256;
/** Largest capacity of a queue that is kept, in segments. */
const SPARE_CAPACITY = 4096;

/** Queues of closed flows, for new flows. */
export class SpareQueues {
  readonly #queues: SentQueue[] = [];

  take(base: number): SentQueue {
    const queue = this.#queues.pop() ?? new SentQueue();
    queue.reset(base);
    return queue;
  }

  give(queue: SentQueue): void {
    if (this.#queues.length < SPARE_QUEUES && queue.capacity <= SPARE_CAPACITY) this.#queues.push(queue);
  }
}
