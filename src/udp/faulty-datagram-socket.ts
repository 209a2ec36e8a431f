import type { Clock, Timer } from '../lib/clock.ts';
import type { DatagramFaults } from './datagram-faults.ts';
import type {
  DatagramReceiver,
  DatagramSocket,
  DatagramSocketOptions,
  DatagramSocketStats,
  Endpoint,
} from './datagram-socket.ts';

/** Datagrams held back by faults at most; beyond it they are lost, as in a full queue. */
const MAX_HELD = 4096;

export interface DatagramFaultOptions {
  readonly faults: DatagramFaults;
  readonly clock: Clock;
  /** The session whose association is with this endpoint, if any. */
  readonly sessionOf: (endpoint: Endpoint) => string | undefined;
}

/** Holds copies of datagrams for a while. */
class Delay {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(bytes: Buffer, milliseconds: number, release: (bytes: Buffer) => void): void {
    if (this.#timers.size >= MAX_HELD) return;
    const timer = this.#clock.setTimer(milliseconds, () => {
      this.#timers.delete(timer);
      release(bytes);
    });
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

/**
 * A UDP socket that loses, delays, duplicates and corrupts datagrams as a fault plan says. Stands between the real socket and the DTLS
 * engine, so that what the engine sees is what a bad network does.
 */
export class FaultyDatagramSocket implements DatagramSocket {
  readonly #inner: DatagramSocket;
  readonly #options: DatagramFaultOptions;
  readonly #delay: Delay;

  /** @param open opens the real socket with the receiver that it is given */
  static async open(
    options: DatagramFaultOptions,
    socket: DatagramSocketOptions,
    open: (options: DatagramSocketOptions) => Promise<DatagramSocket>,
  ): Promise<FaultyDatagramSocket> {
    const delay = new Delay(options.clock);
    const receiver = new FaultyReceiver(options, delay, socket.receiver);
    return new FaultyDatagramSocket(await open({ ...socket, receiver }), options, delay);
  }

  private constructor(inner: DatagramSocket, options: DatagramFaultOptions, delay: Delay) {
    this.#inner = inner;
    this.#options = options;
    this.#delay = delay;
  }

  get kind(): DatagramSocket['kind'] {
    return this.#inner.kind;
  }

  get port(): number {
    return this.#inner.port;
  }

  get stats(): DatagramSocketStats {
    return this.#inner.stats;
  }

  get reserved(): Buffer {
    return this.#inner.reserved;
  }

  get reservedOffset(): number {
    return this.#inner.reservedOffset;
  }

  endpoint(address: string, port: number): Endpoint {
    return this.#inner.endpoint(address, port);
  }

  reserve(length: number): boolean {
    return this.#inner.reserve(length);
  }

  commit(length: number, to: Endpoint): void {
    const inner = this.#inner;
    const fault = this.#options.faults.datagram?.('out', length, this.#options.sessionOf(to));
    if (fault === undefined) {
      inner.commit(length, to);
      return;
    }
    if (fault.kind === 'drop') return;
    const at = inner.reservedOffset;
    if (fault.kind === 'corrupt') flip(inner.reserved, at, length, fault.bit);
    else {
      this.#delay.hold(Buffer.from(inner.reserved.subarray(at, at + length)), fault.milliseconds, (bytes) => {
        inner.send(bytes, 0, bytes.length, to);
        inner.flush();
      });
      if (fault.kind === 'delay') return;
    }
    inner.commit(length, to);
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean {
    if (!this.reserve(length)) return false;
    this.reserved.set(buffer.subarray(offset, offset + length), this.reservedOffset);
    this.commit(length, to);
    return true;
  }

  flush(): void {
    this.#inner.flush();
  }

  async close(): Promise<void> {
    this.#delay.close();
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

class FaultyReceiver implements DatagramReceiver {
  readonly #options: DatagramFaultOptions;
  readonly #delay: Delay;
  readonly #inner: DatagramReceiver;

  constructor(options: DatagramFaultOptions, delay: Delay, inner: DatagramReceiver) {
    this.#options = options;
    this.#delay = delay;
    this.#inner = inner;
  }

  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void {
    const fault = this.#options.faults.datagram?.('in', length, this.#options.sessionOf(from));
    if (fault === undefined) {
      this.#inner.onDatagram(buffer, offset, length, from);
      return;
    }
    if (fault.kind === 'drop') return;
    if (fault.kind === 'corrupt') flip(buffer, offset, length, fault.bit);
    else {
      this.#delay.hold(Buffer.from(buffer.subarray(offset, offset + length)), fault.milliseconds, (bytes) => {
        this.#inner.onDatagram(bytes, 0, bytes.length, from);
        this.#inner.onBatchEnd();
      });
      if (fault.kind === 'delay') return;
    }
    this.#inner.onDatagram(buffer, offset, length, from);
  }

  onBatchEnd(): void {
    this.#inner.onBatchEnd();
  }
}

function flip(buffer: Buffer, offset: number, length: number, bit: number): void {
  if (length === 0) return;
  const at = bit % (length * 8);
  buffer[offset + (at >> 3)]! ^= 1 << (at & 7);
}
