import type { DatagramSocket, Endpoint } from './datagram-socket.ts';

/** Memory in which outgoing datagrams are built; see {@link SlabMemory} and {@link SocketMemory}. */
export interface DatagramMemory {
  /** Set by `reserve`: where the next datagram is to be built. */
  readonly buffer: Buffer;
  readonly offset: number;
  /** Makes room for one datagram of up to `length` bytes. The next `send` of the options passes exactly this room. */
  reserve(length: number): void;
}

const SLAB_BYTES = 65_536;

/**
 * Cuts datagrams from slabs that are never used twice: a socket may still hold the last datagram when the next is
 * built. A slab is garbage-collected with the last datagram in it.
 */
export class SlabMemory implements DatagramMemory {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  #next = 0;

  reserve(length: number): void {
    if (this.#next + length > this.buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
      this.#next = 0;
    }
    this.offset = this.#next;
    this.#next += length;
  }
}

/** Room for a record of 16 KB in a datagram; more is made when more is asked for. */
const DISCARD_BYTES = 20_480;

/**
 * Has datagrams built in the socket's own queue, from where `send` lets them go without a copy. While there is no socket, or
 * its queue is full, they are built in memory that goes nowhere: lost, as UDP may lose them.
 */
export class SocketMemory implements DatagramMemory {
  buffer: Buffer;
  offset = 0;
  #socket: DatagramSocket | undefined;
  #discard: Buffer = Buffer.allocUnsafeSlow(DISCARD_BYTES);

  constructor() {
    this.buffer = this.#discard;
  }

  /** The socket is open. */
  use(socket: DatagramSocket): void {
    this.#socket = socket;
  }

  reserve(length: number): void {
    const socket = this.#socket;
    if (socket?.reserve(length)) {
      this.buffer = socket.reserved;
      this.offset = socket.reservedOffset;
      return;
    }
    if (length > this.#discard.length) this.#discard = Buffer.allocUnsafeSlow(length);
    this.buffer = this.#discard;
    this.offset = 0;
  }

  /** Sends what was built in the room that was reserved last, or a copy of what lies elsewhere. */
  send(buffer: Buffer, offset: number, length: number, to: Endpoint): void {
    const socket = this.#socket;
    if (!socket) return;
    if (buffer === socket.reserved && offset === socket.reservedOffset) socket.commit(length, to);
    else if (buffer !== this.#discard) socket.send(buffer, offset, length, to);
  }
}
