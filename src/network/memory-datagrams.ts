import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type Endpoint,
  endpointOf,
  freshStats,
  MAX_DATAGRAM,
} from '../udp/index.ts';
import type { Parcel, Parcels } from './parcel.ts';

/** Space to build a datagram in, in bytes; no tunnel has larger datagrams. */
const ROOM = 16_384;

/** A bound datagram socket in memory. */
export class MemoryDatagrams implements DatagramSocket {
  readonly kind = 'memory';
  readonly port: number;
  readonly stats = freshStats();
  readonly reserved = Buffer.allocUnsafeSlow(ROOM);
  readonly reservedOffset = 0;
  readonly #receiver: DatagramReceiver;
  readonly #maxDatagram: number;
  readonly #carry: (parcel: Parcel, to: Endpoint) => void;
  readonly #onClose: () => void;
  readonly #parcels: Parcels;
  /** One object for each remote endpoint, so that it can be compared by identity. */
  readonly #endpoints = new Map<string, Map<number, Endpoint>>();
  #last: Endpoint | undefined;
  #closed = false;

  constructor(
    options: DatagramSocketOptions & { readonly port: number },
    parcels: Parcels,
    carry: (parcel: Parcel, to: Endpoint) => void,
    onClose: () => void,
  ) {
    this.port = options.port;
    this.#receiver = options.receiver;
    this.#parcels = parcels;
    this.#maxDatagram = options.maxDatagram ?? MAX_DATAGRAM;
    this.#carry = carry;
    this.#onClose = onClose;
  }

  /** Receives a datagram; its memory is reused afterward. */
  arrived(parcel: Parcel, address: string, port: number): void {
    if (this.#closed) return;
    const { buffer, length } = parcel;
    if (length > this.#maxDatagram) {
      this.stats.truncated++;
      return;
    }
    this.stats.received++;
    this.stats.receiveCalls++;
    this.#receiver.onDatagram(buffer, 0, length, this.endpoint(address, port));
    this.#receiver.onBatchEnd();
    this.#parcels.recycle(parcel);
  }

  reserve(length: number): boolean {
    return length <= ROOM;
  }

  commit(length: number, to: Endpoint): void {
    this.send(this.reserved, 0, length, to);
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean {
    if (this.#closed) return false;
    this.stats.sent++;
    this.stats.sendCalls++;
    this.#carry(this.#parcels.pack(asBuffer(buffer), offset, length), to);
    return true;
  }

  endpoint(address: string, port: number): Endpoint {
    // A client has one remote endpoint.
    const last = this.#last;
    if (last?.port === port && last.address === address) return last;
    let ports = this.#endpoints.get(address);
    if (!ports) this.#endpoints.set(address, (ports = new Map()));
    let endpoint = ports.get(port);
    if (!endpoint) ports.set(port, (endpoint = endpointOf(address, port)));
    this.#last = endpoint;
    return endpoint;
  }

  flush(): void {}

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#endpoints.clear();
    this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
