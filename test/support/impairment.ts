import type { Clock, Timer } from '../../src/lib/clock.ts';
import type { RandomSource } from '../../src/lib/random.ts';

/** What a bad path does to packets. Rates are probabilities from 0 to 1, times are in milliseconds. */
export interface ImpairmentProfile {
  readonly loss?: number;
  /** Gilbert-Elliott: probability to enter the bad state, to leave it, and of loss within it. */
  readonly burst?: { readonly enter: number; readonly leave: number; readonly loss: number };
  readonly duplicate?: number;
  /** One random bit is flipped. */
  readonly corrupt?: number;
  readonly delay?: number;
  /** Added to the delay, evenly from 0 to this; packets may overtake each other by it. */
  readonly jitter?: number;
  /** Share of packets that are held back by `reorderDelay`. */
  readonly reorder?: number;
  readonly reorderDelay?: number;
  /** Bits a second, with a queue of `queue` packets (default 100) before it. */
  readonly rate?: number;
  readonly queue?: number;
  /** Larger packets vanish without a word: a path MTU black hole. */
  readonly mtu?: number;
}

interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly packet: Buffer;
}

/** One direction of a path. Everything that it does follows from the random source; with a manual clock, from nothing else. */
export class Impairment {
  profile: ImpairmentProfile;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #deliver: (packet: Buffer, offset: number, length: number) => void;
  readonly #onBatchEnd: () => void;
  readonly #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #order = 0;
  #bad = false;
  #freeAt = 0;
  #closed = false;
  readonly counts = { packets: 0, lost: 0, duplicated: 0, corrupted: 0, reordered: 0, queueFull: 0, tooBig: 0 };

  constructor(
    profile: ImpairmentProfile,
    options: {
      readonly clock: Clock;
      readonly random: RandomSource;
      readonly deliver: (packet: Buffer, offset: number, length: number) => void;
      readonly onBatchEnd?: () => void;
    },
  ) {
    this.profile = profile;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#deliver = options.deliver;
    this.#onBatchEnd = options.onBatchEnd ?? (() => {});
  }

  /** Takes a packet; the bytes are copied unless it is delivered at once. */
  send(buffer: Buffer, offset: number, length: number): void {
    if (this.#closed) return;
    const { profile, counts } = this;
    counts.packets++;
    if (profile.mtu !== undefined && length > profile.mtu) {
      counts.tooBig++;
      return;
    }
    if (this.#isLost()) {
      counts.lost++;
      return;
    }
    const corrupt = this.#hits(profile.corrupt);
    const copies = this.#hits(profile.duplicate) ? 2 : 1;
    if (copies === 2) counts.duplicated++;
    for (let i = 0; i < copies; i++) {
      const wait = this.#delayOf(length);
      if (wait < 0) {
        counts.queueFull++;
        return;
      }
      if (wait === 0 && !corrupt && this.#waiting.length === 0) {
        this.#deliver(buffer, offset, length);
        continue;
      }
      const packet = Buffer.from(buffer.subarray(offset, offset + length));
      if (corrupt) {
        counts.corrupted++;
        const bit = this.#random.uint32() % (length * 8);
        packet[bit >> 3]! ^= 1 << (bit & 7);
      }
      this.#hold({ at: this.#clock.monotonic() + wait, order: this.#order++, packet });
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#waiting.length = 0;
  }

  #hits(rate: number | undefined): boolean {
    return rate !== undefined && rate > 0 && this.#random.float() < rate;
  }

  #isLost(): boolean {
    const { burst, loss } = this.profile;
    if (burst) {
      if (this.#bad ? this.#hits(burst.leave) : this.#hits(burst.enter)) this.#bad = !this.#bad;
      if (this.#bad && this.#hits(burst.loss)) return true;
    }
    return this.#hits(loss);
  }

  /** Milliseconds until this packet arrives; -1 when the queue before the bottleneck is full. */
  #delayOf(length: number): number {
    const { delay = 0, jitter = 0, reorder, reorderDelay = 5, rate, queue = 100 } = this.profile;
    let wait = delay + (jitter > 0 ? this.#random.float() * jitter : 0);
    if (this.#hits(reorder)) {
      this.counts.reordered++;
      wait += reorderDelay;
    }
    if (rate !== undefined) {
      const now = this.#clock.monotonic();
      const own = (length * 8_000) / rate;
      const backlog = Math.max(0, this.#freeAt - now);
      if (backlog > own * queue) return -1;
      this.#freeAt = now + backlog + own;
      wait += backlog + own;
    }
    return wait;
  }

  #hold(entry: Waiting): void {
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.at > entry.at) at--;
    this.#waiting.splice(at, 0, entry);
    if (entry.at < this.#timerAt) this.#arm(entry.at);
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.monotonic()), () => this.#release());
  }

  #release(): void {
    this.#timerAt = Infinity;
    const now = this.#clock.monotonic() + 0.5;
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.at <= now) count++;
    for (const { packet } of this.#waiting.splice(0, count)) this.#deliver(packet, 0, packet.length);
    if (count > 0) this.#onBatchEnd();
    const next = this.#waiting[0];
    if (next && !this.#closed) this.#arm(next.at);
  }
}
