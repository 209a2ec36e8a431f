import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { endpointText } from '../lib/endpoint.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type DatagramSocketStats,
  type Endpoint,
  endpointOf,
  freshStats,
  MAX_ENDPOINTS,
  SOCKET_BUFFER,
} from './datagram-socket.ts';

const V4_MAPPED = '::ffff:';

/** What a full queue is called: on Linux, and on macOS and Windows. */
const NO_ROOM = new Set<unknown>(['EAGAIN', 'ENOBUFS']);

/** An endpoint that also knows the address in the form in which this socket sends to it. */
interface DgramEndpoint extends Endpoint {
  readonly wire: string;
}

const NOTHING = Buffer.alloc(0);

/** The socket that works everywhere: one call of the system for each datagram. */
export class DgramSocket implements DatagramSocket {
  readonly kind = 'dgram';
  readonly #socket: Socket;
  readonly #receiver: DatagramReceiver;
  readonly #endpoints = new Map<string, DgramEndpoint>();
  readonly #stats = freshStats();
  #batch: NodeJS.Immediate | undefined;
  #closing: Promise<void> | undefined;
  reserved: Buffer = NOTHING;
  reservedOffset = 0;

  /** Binds; rejects with the system's own error when the address is taken or not ours. */
  static async open(options: DatagramSocketOptions): Promise<DgramSocket> {
    const socket = createSocket({
      type: isIPv6(options.host) ? 'udp6' : 'udp4',
      // dgram calls this for each datagram and takes its time over literal addresses, unless it answers at once.
      lookup: (host, _options, done) => done(null, host, isIPv6(host) ? 6 : 4),
    });
    const self = new DgramSocket(socket, options.receiver);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ port: options.port, address: options.host, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.on('error', () => void self.#stats.receiveErrors++);
    if (options.largeBuffers ?? true) enlargeBuffers(socket);
    return self;
  }

  private constructor(socket: Socket, receiver: DatagramReceiver) {
    this.#socket = socket;
    this.#receiver = receiver;
    socket.on('message', (message, from) => {
      this.#stats.received++;
      this.#stats.receiveCalls++;
      this.#batch ??= setImmediate(this.#endBatch);
      this.#receiver.onDatagram(message, 0, message.length, this.#endpoint(from.address, from.port));
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get stats(): DatagramSocketStats {
    return this.#stats;
  }

  reserve(length: number): boolean {
    if (this.#closing) return false;
    // Not from a pool that this socket reuses: dgram holds on to the memory until the system took it.
    this.reserved = Buffer.allocUnsafe(length);
    return true;
  }

  commit(length: number, to: Endpoint): void {
    const message = this.reserved;
    // It is cut from a pool of Node's, all of which it would keep until the next datagram.
    this.reserved = NOTHING;
    if (this.#closing) return;
    this.#stats.sendCalls++;
    try {
      this.#socket.send(message, 0, length, to.port, (to as DgramEndpoint).wire ?? to.address, this.#sent);
    } catch {
      this.#stats.sendErrors++;
    }
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean {
    if (!this.reserve(length)) return false;
    this.reserved.set(buffer.subarray(offset, offset + length));
    this.commit(length, to);
    return true;
  }

  endpoint(address: string, port: number): Endpoint {
    // As the system writes it, so that it is found again when a datagram comes from there.
    return this.#endpoint(ipaddr.parse(address).toString(), port);
  }

  flush(): void {
    // each datagram went out by itself
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#batch) clearImmediate(this.#batch);
      this.#socket.close(() => resolve());
    });
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #sent = (error: Error | null): void => {
    if (!error) this.#stats.sent++;
    else if (NO_ROOM.has((error as NodeJS.ErrnoException).code)) this.#stats.sendDropped++;
    else this.#stats.sendErrors++;
  };

  readonly #endBatch = (): void => {
    this.#batch = undefined;
    this.#receiver.onBatchEnd();
  };

  #endpoint(wire: string, port: number): DgramEndpoint {
    const id = endpointText(wire, port);
    const known = this.#endpoints.get(id);
    if (known) return known;
    if (this.#endpoints.size >= MAX_ENDPOINTS) this.#endpoints.clear();
    const mapped = wire.startsWith(V4_MAPPED) && wire.includes('.');
    const endpoint: DgramEndpoint = { ...endpointOf(mapped ? wire.slice(V4_MAPPED.length) : wire, port), wire };
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }
}

function enlargeBuffers(socket: Socket): void {
  // Where the system allows less, as macOS does by refusing, one may still be enlarged without the other.
  for (const enlarge of [socket.setRecvBufferSize, socket.setSendBufferSize]) {
    try {
      enlarge.call(socket, SOCKET_BUFFER);
    } catch {
      // The system's default remains.
    }
  }
}
