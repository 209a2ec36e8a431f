import type { DatagramSocket, Endpoint } from './datagram-socket.ts';

/** Memory in which datagrams are built for sending; see {@link SlabMemory} and {@link SocketMemory}. */
export interface DatagramMemory {
  /** Set by `reserve`: where to build the next datagram. */
  readonly buffer: Buffer;
  readonly offset: number;
  /** Reserves space for one datagram of up to `length` bytes. The next call of the option `send` passes exactly this space. */
  reserve(length: number): void;
}

const SLAB_BYTES = 65_536;

/**
 * Takes datagrams from slabs without reusing any part: a socket may still hold the last datagram while the next one is built. A slab is
 * garbage-collected with its last datagram.
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

/** Space for a datagram with a record of 16 KB; grows on request. */
const DISCARD_BYTES = 20_480;

/**
 * Builds datagrams directly in the socket's queue, so that `send` needs no copy. While there is no socket, or its queue is full, they are
 * built in scratch memory and lost, as UDP may lose them.
 */
export class SocketMemory implements DatagramMemory {
  buffer: Buffer;
  offset = 0;
  #socket: DatagramSocket | undefined;
  #discard: Buffer = Buffer.allocUnsafeSlow(DISCARD_BYTES);

  constructor() {
    this.buffer = this.#discard;
  }

  /** Call when the socket is open. */
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

  /** Sends what was built in the last reserved space, or a copy of other memory. */
  send(buffer: Buffer, offset: number, length: number, to: Endpoint): void {
    const socket = this.#socket;
    if (!socket) return;
    if (buffer === socket.reserved && offset === socket.reservedOffset) socket.commit(length, to);
    else if (buffer !== this.#discard) socket.send(buffer, offset, length, to);
  }
}
