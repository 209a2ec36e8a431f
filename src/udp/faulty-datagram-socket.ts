import type { DatagramDirection, DatagramFaults, DatagramGate, DatagramPlace } from './datagram-faults.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type DatagramSocketStats,
  type Endpoint,
  endpointOf,
} from './datagram-socket.ts';
import type { DatagramTaps } from './datagram-tap.ts';

export interface DatagramFaultOptions {
  readonly faults: DatagramFaults;
  /** Observes datagrams as they are on the network: received ones before the gate, sent ones after it. */
  readonly taps: DatagramTaps;
  /** The session of a datagram, if it can be determined. Called only while there is a gate. */
  readonly sessionOf: (endpoint: Endpoint, buffer: Buffer, offset: number, length: number) => string | undefined;
}

/**
 * A UDP socket whose datagrams pass a gate, if there is one, which drops, delays and changes them. It lies between the real socket and the
 * DTLS engine, so that the engine is exposed to a bad network.
 */
export class FaultyDatagramSocket implements DatagramSocket {
  readonly #options: DatagramFaultOptions;
  readonly #receiver: DatagramReceiver;
  #inner!: DatagramSocket;
  #closed = false;
  /** Whether the port should be open, whether it is, and the pending change. */
  #wanted = true;
  #open = true;
  #turn: Promise<void> = Promise.resolve();
  readonly #reopen: (port: number) => Promise<DatagramSocket>;

  /** @param open opens the real socket with the given receiver */
  static async open(
    options: DatagramFaultOptions,
    socket: DatagramSocketOptions,
    open: (options: DatagramSocketOptions) => Promise<DatagramSocket>,
  ): Promise<FaultyDatagramSocket> {
    const made = new FaultyDatagramSocket(options, socket.receiver, (port) =>
      open({ ...socket, port, receiver: made.#inward }),
    );
    made.#inner = await made.#reopen(socket.port);
    return made;
  }

  private constructor(
    options: DatagramFaultOptions,
    receiver: DatagramReceiver,
    reopen: (port: number) => Promise<DatagramSocket>,
  ) {
    this.#options = options;
    this.#receiver = receiver;
    this.#reopen = reopen;
  }

  readonly #inward: DatagramReceiver = {
    onDatagram: (buffer, offset, length, from) => {
      if (this.#options.taps.datagrams !== undefined) this.#show('in', buffer, offset, length, from);
      const gate = this.#options.faults.datagrams;
      if (gate === undefined) this.#receiver.onDatagram(buffer, offset, length, from);
      else this.#letIn(gate, buffer, offset, length, from);
    },
    onBatchEnd: () => this.#receiver.onBatchEnd(),
  };

  #letIn(gate: DatagramGate, buffer: Buffer, offset: number, length: number, from: Endpoint): void {
    const session = this.#options.sessionOf(from, buffer, offset, length);
    const datagram = { direction: 'in' as const, buffer, offset, length, remote: from, session };
    if (gate.pass(datagram, this.#place)) this.#receiver.onDatagram(buffer, offset, length, datagram.remote);
  }

  /** Passes a datagram to the tap. */
  #show(direction: DatagramDirection, buffer: Buffer, offset: number, length: number, remote: Endpoint): void {
    const session = this.#options.sessionOf(remote, buffer, offset, length);
    this.#options.taps.datagrams?.datagram(direction, { buffer, offset, length }, remote, this.#inner.port, session);
  }

  readonly #place: DatagramPlace = {
    endpoint: (address, port) => this.#inner.endpoint(address, port),
    later: (direction, bytes, remote) => this.#later(direction, bytes, remote),
  };

  #later(direction: DatagramDirection, bytes: Buffer, remote: Endpoint): void {
    if (this.#closed) return;
    if (direction === 'in') {
      this.#receiver.onDatagram(bytes, 0, bytes.length, remote);
      this.#receiver.onBatchEnd();
    } else {
      if (this.#options.taps.datagrams !== undefined) this.#show('out', bytes, 0, bytes.length, remote);
      this.#inner.send(bytes, 0, bytes.length, remote);
      this.#inner.flush();
    }
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
    const gate = this.#options.faults.datagrams;
    if (gate === undefined) {
      if (this.#options.taps.datagrams !== undefined) {
        this.#show('out', inner.reserved, inner.reservedOffset, length, to);
      }
      inner.commit(length, to);
      return;
    }
    const { reserved: buffer, reservedOffset: offset } = inner;
    const session = this.#options.sessionOf(to, buffer, offset, length);
    const datagram = { direction: 'out' as const, buffer, offset, length, remote: to, session };
    if (!gate.pass(datagram, this.#place)) return;
    if (this.#options.taps.datagrams !== undefined) this.#show('out', buffer, offset, length, datagram.remote);
    inner.commit(length, datagram.remote);
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean {
    if (!this.reserve(length)) return false;
    this.reserved.set(buffer.subarray(offset, offset + length), this.reservedOffset);
    this.commit(length, to);
    return true;
  }

  /**
   * Closes the port, so that the system answers for it, or opens it again. The last call wins.
   * @throws the system's error if another program has taken the port
   */
  openPort(open: boolean): Promise<void> {
    this.#wanted = open;
    const turn = this.#turn.then(() => this.#settle());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #settle(): Promise<void> {
    if (this.#closed || this.#wanted === this.#open) return;
    const inner = this.#inner;
    if (this.#open) {
      inner.flush();
      this.#open = false;
      this.#inner = closedSocket(inner);
      await inner.close();
    } else {
      this.#inner = await this.#reopen(inner.port);
      this.#open = true;
    }
  }

  flush(): void {
    this.#inner.flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#inner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const NO_ROOM = Buffer.alloc(0);

/** Replaces a socket whose port is closed: nothing is sent, as if its queue were full. */
function closedSocket({ kind, port, stats }: DatagramSocket): DatagramSocket {
  return {
    kind,
    port,
    stats,
    reserved: NO_ROOM,
    reservedOffset: 0,
    reserve: () => false,
    commit: () => {},
    send: () => false,
    endpoint: endpointOf,
    flush: () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
