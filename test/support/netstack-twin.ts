import { Buffer } from 'node:buffer';
import { type RandomSource, seededRandom } from '../../src/lib/random.ts';
import type { Netstack, NetstackOptions } from '../../src/netstack/core/types.ts';
import { createNetstack } from '../../src/netstack/index.ts';

/** What a link does to packets. Rates are probabilities, times milliseconds. */
export interface Impairment {
  readonly delay?: number;
  readonly jitter?: number;
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Probability that a packet is held back by `reorderDelay`. */
  readonly reorder?: number;
  readonly reorderDelay?: number;
  /** Bits per millisecond; a queue of `queue` packets stands before it. */
  readonly rate?: number;
  readonly queue?: number;
  /** Larger packets vanish. */
  readonly mtu?: number;
}

interface InTransit {
  readonly at: number;
  readonly order: number;
  readonly packet: Buffer;
  readonly to: Netstack;
}

/** Filter of packets on the way; false = lost. May change the packet. */
export type PacketFilter = (packet: Buffer, from: 'a' | 'b') => boolean;

/**
 * Two stacks and a link between them on virtual time: everything that happens is a function of the seed.
 */
export class NetstackTwin {
  readonly a: Netstack;
  readonly b: Netstack;
  now = 1000;
  filter: PacketFilter | undefined;
  /** Every packet that was sent, in order, if asked for. */
  readonly log: { from: 'a' | 'b'; at: number; packet: Buffer }[] = [];
  keepLog = false;
  packets = 0;
  lost = 0;
  impairment: Impairment;
  readonly #random: RandomSource;
  readonly #queue: InTransit[] = [];
  readonly #busyUntil = { a: 0, b: 0 };
  #order = 0;

  constructor(
    options: {
      readonly a?: Partial<NetstackOptions>;
      readonly b?: Partial<NetstackOptions>;
      readonly seed?: number;
      readonly impairment?: Impairment;
    } = {},
  ) {
    const seed = options.seed ?? 1;
    this.impairment = options.impairment ?? { delay: 5 };
    this.#random = seededRandom(seed);
    this.a = createNetstack({
      output: (buffer, offset, length) => this.#send('a', buffer, offset, length),
      random: seededRandom(seed + 1),
      now: this.now,
      ...options.a,
    });
    this.b = createNetstack({
      output: (buffer, offset, length) => this.#send('b', buffer, offset, length),
      random: seededRandom(seed + 2),
      now: this.now,
      ...options.b,
    });
  }

  #send(from: 'a' | 'b', buffer: Buffer, offset: number, length: number): void {
    this.packets++;
    const packet = Buffer.from(buffer.subarray(offset, offset + length));
    if (this.keepLog) this.log.push({ from, at: this.now, packet: Buffer.from(packet) });
    if (this.filter && !this.filter(packet, from)) {
      this.lost++;
      return;
    }
    const { impairment } = this;
    const random = this.#random;
    if ((impairment.mtu !== undefined && length > impairment.mtu) || random.float() < (impairment.loss ?? 0)) {
      this.lost++;
      return;
    }
    let start = this.now;
    if (impairment.rate !== undefined) {
      const queued = Math.max(0, this.#busyUntil[from] - this.now) * impairment.rate;
      if (queued > (impairment.queue ?? 100) * 1500 * 8) {
        this.lost++;
        return;
      }
      start = Math.max(this.now, this.#busyUntil[from]) + (length * 8) / impairment.rate;
      this.#busyUntil[from] = start;
    }
    const copies = random.float() < (impairment.duplicate ?? 0) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      let at = start + (impairment.delay ?? 0) + random.float() * (impairment.jitter ?? 0);
      if (random.float() < (impairment.reorder ?? 0)) at += impairment.reorderDelay ?? 3;
      let sent = packet;
      if (random.float() < (impairment.corrupt ?? 0)) {
        sent = Buffer.from(packet);
        const bit = random.uint32() % (sent.length * 8);
        sent[bit >> 3] = sent[bit >> 3]! ^ (1 << (bit & 7));
      }
      this.#enqueue({ at, order: this.#order++, packet: sent, to: from === 'a' ? this.b : this.a });
    }
  }

  #enqueue(entry: InTransit): void {
    const queue = this.#queue;
    let i = queue.length;
    while (i > 0 && queue[i - 1]!.at > entry.at) i--;
    queue.splice(i, 0, entry);
  }

  /** Puts a packet of the test's own making on the wire. */
  inject(to: 'a' | 'b', packet: Buffer): void {
    const stack = to === 'a' ? this.a : this.b;
    stack.tick(this.now);
    stack.input(packet, 0, packet.length);
    stack.flush();
  }

  /** Lets virtual time pass: everything due until `ms` from now happens, in order. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.a.tick(this.now);
      this.b.tick(this.now);
      this.a.flush();
      this.b.flush();
      const next = Math.min(this.#queue[0]?.at ?? Infinity, this.a.nextDeadline, this.b.nextDeadline);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      while (this.#queue.length > 0 && this.#queue[0]!.at <= this.now) {
        const { packet, to } = this.#queue.shift()!;
        to.tick(this.now);
        to.input(packet, 0, packet.length);
      }
    }
    this.now = end;
    this.a.tick(end);
    this.b.tick(end);
  }

  /** Runs until `done`, at most `ms`. */
  until(done: () => boolean, ms = 600_000): boolean {
    const end = this.now + ms;
    while (!done() && this.now < end) this.run(10);
    return done();
  }
}

/** Bytes that are a function of their position, so that a receiver can check any of them. */
export function pattern(length: number, start = 0): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) buffer[i] = ((start + i) * 2_654_435_761) >>> 24;
  return buffer;
}
