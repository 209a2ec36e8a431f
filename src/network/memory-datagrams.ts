import { endpointText } from '../lib/endpoint.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type Endpoint,
  endpointOf,
  freshStats,
  MAX_DATAGRAM,
} from '../udp/index.ts';

/** Room for what is built to be sent, in bytes; no tunnel has datagrams like that. */
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
  readonly #carry: (bytes: Buffer, to: Endpoint) => void;
  readonly #onClose: () => void;
  /** One object for each far end, so that it may be compared by identity. */
  readonly #endpoints = new Map<string, Endpoint>();
  #last: Endpoint | undefined;
  #closed = false;

  constructor(
    options: DatagramSocketOptions & { readonly port: number },
    carry: (bytes: Buffer, to: Endpoint) => void,
    onClose: () => void,
  ) {
    this.port = options.port;
    this.#receiver = options.receiver;
    this.#maxDatagram = options.maxDatagram ?? MAX_DATAGRAM;
    this.#carry = carry;
    this.#onClose = onClose;
  }

  /** A datagram has come. */
  arrived(bytes: Buffer, address: string, port: number): void {
    if (this.#closed) return;
    if (bytes.length > this.#maxDatagram) {
      this.stats.truncated++;
      return;
    }
    this.stats.received++;
    this.stats.receiveCalls++;
    this.#receiver.onDatagram(bytes, 0, bytes.length, this.endpoint(address, port));
    this.#receiver.onBatchEnd();
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
    this.#carry(Buffer.from(buffer.subarray(offset, offset + length)), to);
    return true;
  }

  endpoint(address: string, port: number): Endpoint {
    // A client has one far end.
    const last = this.#last;
    if (last?.port === port && last.address === address) return last;
    const key = endpointText(address, port);
    let endpoint = this.#endpoints.get(key);
    if (!endpoint) {
      endpoint = endpointOf(address, port);
      this.#endpoints.set(key, endpoint);
    }
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
