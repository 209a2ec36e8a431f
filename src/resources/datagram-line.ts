import type { ResourceShape } from '../faults/ports.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { MAX_LINE_DATAGRAMS, MAX_LINE_WAIT_MS } from './constants.ts';

/** When the next datagram of one direction can be sent. */
interface Direction {
  /** When the line is free again, and when the last datagram arrives. */
  free: number;
  due: number;
  waiting: number;
}

/**
 * A slow line to one UDP destination: datagrams arrive later, in order per direction, and those that would wait too long
 * are lost, as usual with UDP.
 */
export class DatagramLine {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #latency: () => number;
  /** Applies only to the client's datagrams: the delay also shifts the answers, as with a late SYN answer. */
  readonly #delay: number;
  readonly #in: Direction = { free: 0, due: 0, waiting: 0 };
  readonly #out: Direction = { free: 0, due: 0, waiting: 0 };
  readonly #timers = new Set<Timer>();
  #closed = false;

  constructor({ kbps = Infinity, latency = () => 0, delay = 0 }: ResourceShape, clock: Clock) {
    this.#clock = clock;
    this.#bytesPerMs = kbps / 8;
    this.#latency = latency;
    this.#delay = delay;
  }

  /** From the client, with this many bytes: calls `arrive` on arrival, unless the datagram is lost. */
  toResource(bytes: number, arrive: () => void): void {
    this.#send(this.#in, bytes, this.#delay, arrive);
  }

  /** To the client. */
  toClient(bytes: number, arrive: () => void): void {
    this.#send(this.#out, bytes, 0, arrive);
  }

  /** Drops the datagrams on the line. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #send(way: Direction, bytes: number, delay: number, arrive: () => void): void {
    if (this.#closed) return;
    const now = this.#clock.monotonic();
    const begin = Math.max(now, way.free);
    if (begin - now > MAX_LINE_WAIT_MS || way.waiting >= MAX_LINE_DATAGRAMS) return;
    way.free = begin + bytes / this.#bytesPerMs;
    way.due = Math.max(way.due, way.free + this.#latency() + delay);
    way.waiting++;
    const timer = this.#clock.setTimer(way.due - now, () => {
      this.#timers.delete(timer);
      way.waiting--;
      arrive();
    });
    this.#timers.add(timer);
  }
}
