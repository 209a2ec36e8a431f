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

/** Error codes of a full queue: on Linux, and on macOS and Windows. */
const NO_ROOM = new Set<unknown>(['EAGAIN', 'ENOBUFS']);

/** An endpoint with its address in the form that this socket sends to. */
interface DgramEndpoint extends Endpoint {
  readonly wire: string;
}

const NOTHING = Buffer.alloc(0);

/** The socket for all platforms: one system call per datagram. */
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

  /** Binds. Rejects with the system's error if the address is in use or not local. */
  static async open(options: DatagramSocketOptions): Promise<DgramSocket> {
    const socket = createSocket({
      type: isIPv6(options.host) ? 'udp6' : 'udp4',
      // dgram calls this for each datagram, and is slow with literal addresses unless the callback is called at once.
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
    // Not from a pool that this socket reuses: dgram holds the memory until the system has copied it.
    this.reserved = Buffer.allocUnsafe(length);
    return true;
  }

  commit(length: number, to: Endpoint): void {
    const message = this.reserved;
    // The memory is part of a pool of Node's, which it would retain until the next datagram.
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
    // In the system's notation, so that it is found again when a datagram arrives from there.
    return this.#endpoint(ipaddr.parse(address).toString(), port);
  }

  flush(): void {
    // each datagram was sent at once
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
  // If the system refuses the size, as macOS does, one buffer may work without the other.
  for (const enlarge of [socket.setRecvBufferSize, socket.setSendBufferSize]) {
    try {
      enlarge.call(socket, SOCKET_BUFFER);
    } catch {
      // keep the system's default
    }
  }
}
