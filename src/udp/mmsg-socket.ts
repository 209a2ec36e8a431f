import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { endpointText } from '../lib/endpoint.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type DatagramSocketStats,
  type Endpoint,
  freshStats,
  MAX_DATAGRAM,
  SOCKET_BUFFER,
} from './datagram-socket.ts';
import type { Libc } from './libc.ts';
import { MessageVector } from './message-vector.ts';
import { type Readiness, type ReadinessListener, type Watch, watchByDgram } from './readiness.ts';
import { SendGroups } from './send-groups.ts';
import {
  AF_INET,
  AF_INET6,
  EndpointTable,
  encodeSocketAddress,
  type RawEndpoint,
  SOCKADDR_IN,
  SOCKADDR_IN6,
} from './socket-address.ts';

// Linux numbers: socket(2), socket(7), recvmmsg(2), errno(3).
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const EINTR = 4;
const EIO = 5;
const EINVAL = 22;
const ENOPROTOOPT = 92;
const EAGAIN = 11;
const ENOBUFS = 105;

/** Datagrams per call. */
const RECEIVE_BATCH = 64;
const SEND_QUEUE = 128;
/**
 * Calls per turn of the event loop, so that a flood does not starve TLS and timers. libuv itself reads up to 32 datagrams in a row
 * (`uv__udp_recvmsg`), with a callback for each.
 */
const RECEIVE_ROUNDS = 2;
/** Milliseconds until the next attempt to send to a full system queue. */
const RETRY_MS = 1;

/**
 * Batched UDP on Linux: a {@link Watch} reports when data can be read (readiness.ts); `recvmmsg` and `sendmmsg` move up to 64 datagrams
 * per call.
 */
export class MmsgSocket implements DatagramSocket, ReadinessListener {
  readonly kind = 'mmsg';
  readonly port: number;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #family: 4 | 6;
  #readiness: Readiness | undefined;
  readonly #receiver: DatagramReceiver;
  readonly #endpoints = new EndpointTable();
  readonly #rx: MessageVector;
  readonly #tx: MessageVector;
  readonly #groups: SendGroups;
  /** Consecutive datagrams are sent as one message (UDP_SEGMENT). */
  #segment = true;
  #segmentNow = true;
  /** Receiver to which each send slot is already addressed. */
  readonly #txTo: (Endpoint | undefined)[];
  readonly #stats = freshStats();
  /** The queue is a ring: `#queued` slots starting at `#head`. */
  #head = 0;
  #queued = 0;
  #inBatch = false;
  #lastByText: { readonly text: string; readonly endpoint: Endpoint } | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** Number of full batches received in this turn. */
  #rounds = 0;
  #turn: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  readonly reserved: Buffer;
  reservedOffset = 0;

  /**
   * Binds. Rejects with an error like that of `node:dgram` if the address is in use or not local.
   *
   * @param watch reports when data can be read
   */
  static async open(libc: Libc, options: DatagramSocketOptions, watch: Watch = watchByDgram): Promise<MmsgSocket> {
    const family = isIP(options.host);
    // The same error as node:dgram for a host name.
    if (family !== 4 && family !== 6) throw systemError(EINVAL, 'bind', options);
    const fd = libc.socket(family === 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw systemError(libc.errno(), 'socket', options);
    try {
      const socket = new MmsgSocket(libc, fd, family, bind(libc, fd, family, options), options);
      socket.#readiness = await watch(fd, family, socket);
      return socket;
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  private constructor(
    libc: Libc,
    fd: number,
    family: 4 | 6,
    port: number,
    { receiver, maxDatagram = MAX_DATAGRAM }: DatagramSocketOptions,
  ) {
    this.#libc = libc;
    this.#fd = fd;
    this.#family = family;
    this.port = port;
    this.#receiver = receiver;
    const slot = Math.ceil(maxDatagram / 64) * 64;
    const nameLength = family === 6 ? SOCKADDR_IN6 : SOCKADDR_IN;
    this.#rx = new MessageVector(RECEIVE_BATCH, slot, nameLength, libc.addressOf);
    this.#tx = new MessageVector(SEND_QUEUE, slot, nameLength, libc.addressOf);
    this.#groups = new SendGroups(this.#tx, libc.addressOf);
    this.#txTo = new Array<Endpoint | undefined>(SEND_QUEUE).fill(undefined);
    this.reserved = this.#tx.bytes;
  }

  get stats(): DatagramSocketStats {
    return this.#stats;
  }

  reserve(length: number): boolean {
    if (this.#closing || length > this.#tx.slot) {
      this.#stats.sendErrors++;
      return false;
    }
    if (this.#queued === SEND_QUEUE) {
      // While the system's queue is full, do not try to send each datagram.
      if (!this.#retry) this.flush();
      if (this.#queued === SEND_QUEUE) {
        this.#stats.sendDropped++;
        return false;
      }
    }
    this.reservedOffset = this.#tx.dataOffset((this.#head + this.#queued) % SEND_QUEUE);
    return true;
  }

  commit(length: number, to: Endpoint): void {
    if (this.#closing || this.#queued === SEND_QUEUE) return;
    const slot = (this.#head + this.#queued) % SEND_QUEUE;
    if (this.#txTo[slot] !== to) {
      this.#txTo[slot] = to;
      this.#tx.words.set((to as RawEndpoint).raw, this.#tx.nameWord(slot));
    }
    this.#tx.setLength(slot, length);
    this.#queued++;
    if (!this.#inBatch && !this.#immediate && !this.#retry) this.#immediate = setImmediate(this.#flushLater);
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean {
    if (!this.reserve(length)) return false;
    this.reserved.set(buffer.subarray(offset, offset + length), this.reservedOffset);
    this.commit(length, to);
    return true;
  }

  /** The endpoint of a datagram that arrived through dgram, which is often the same as before. */
  #endpointOf(address: string, port: number): Endpoint {
    let last = this.#lastByText;
    if (last?.text !== address || last.endpoint.port !== port) {
      last = { text: address, endpoint: this.endpoint(address, port) };
      this.#lastByText = last;
    }
    return last.endpoint;
  }

  endpoint(address: string, port: number): Endpoint {
    return this.#endpoints.lookup(...rawArguments(encodeSocketAddress(this.#family, address, port)));
  }

  flush(): void {
    if (this.#closing) return;
    this.#segmentNow = this.#segment;
    while (this.#queued > 0) {
      const run = Math.min(this.#queued, SEND_QUEUE - this.#head);
      const messages = this.#groups.build(this.#head, run, this.#txTo, this.#segmentNow);
      const sent = this.#libc.sendmmsg(this.#fd, this.#groups.address, messages, MSG_DONTWAIT);
      this.#stats.sendCalls++;
      if (sent > 0) {
        let datagrams = 0;
        for (let i = 0; i < sent; i++) datagrams += this.#groups.counts[i] as number;
        this.#advance(datagrams);
        this.#stats.sent += datagrams;
        continue;
      }
      if (!this.#sendFailed(this.#libc.errno(), this.#groups.counts[0] as number)) return;
    }
    this.#head = 0;
  }

  /** Handles a first message of a flush that could not be sent. False: the rest must wait. */
  #sendFailed(errno: number, datagrams: number): boolean {
    if (errno === EINTR) return true;
    if (errno === EAGAIN || errno === ENOBUFS) {
      this.#retry ??= setTimeout(this.#flushAgain, RETRY_MS);
      return false;
    }
    if (datagrams > 1) {
      // The combined message fails if the path is too narrow or the peer is unreachable. Send its datagrams one by one to find out which
      // can be sent.
      this.#segmentNow = false;
      // The device or kernel does not support segmentation: do not try again.
      if (errno === EIO || errno === ENOPROTOOPT) this.#segment = false;
      return true;
    }
    // The error concerns this datagram only (sendmmsg(2)): the peer is unreachable or not permitted, or the packet is too large.
    this.#drop(1);
    return true;
  }

  #drop(datagrams: number): void {
    this.#advance(datagrams);
    this.#stats.sendErrors += datagrams;
  }

  close(): Promise<void> {
    if (!this.#closing) {
      if (this.#immediate) clearImmediate(this.#immediate);
      if (this.#turn) clearImmediate(this.#turn);
      if (this.#retry) clearTimeout(this.#retry);
      this.#closing = this.#readiness?.close() ?? Promise.resolve();
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #nextTurn = (): void => {
    this.#turn = undefined;
    this.#rounds = 0;
  };

  #advance(count: number): void {
    this.#head = (this.#head + count) % SEND_QUEUE;
    this.#queued -= count;
  }

  readonly #flushLater = (): void => {
    this.#immediate = undefined;
    this.flush();
  };

  readonly #flushAgain = (): void => {
    this.#retry = undefined;
    this.flush();
  };

  /** @internal */
  onError(): void {
    this.#stats.receiveErrors++;
  }

  /** @internal */
  onFirst(message: Buffer, address: string, port: number): void {
    this.#stats.received++;
    this.#stats.receiveCalls++;
    this.#inBatch = true;
    try {
      this.#receiver.onDatagram(message, 0, message.length, this.#endpointOf(address, port));
    } finally {
      this.#inBatch = false;
    }
  }

  /** @internal */
  onReadable(): void {
    // The receiver closed the socket on its first datagram.
    if (this.#closing) return;
    this.#inBatch = true;
    try {
      for (; this.#rounds < RECEIVE_ROUNDS && !this.#closing; this.#rounds++) {
        const count = this.#libc.recvmmsg(this.#fd, this.#rx.address, RECEIVE_BATCH, MSG_DONTWAIT, 0);
        this.#stats.receiveCalls++;
        if (count <= 0) break;
        this.#stats.received += count;
        this.#deliver(count);
        if (count < RECEIVE_BATCH) break;
        this.#turn ??= setImmediate(this.#nextTurn);
      }
      if (!this.#closing) this.#receiver.onBatchEnd();
    } finally {
      this.#inBatch = false;
    }
    if (!this.#retry) this.flush();
  }

  #deliver(count: number): void {
    const rx = this.#rx;
    for (let i = 0; i < count; i++) {
      if ((rx.flags(i) & MSG_TRUNC) !== 0) {
        this.#stats.truncated++;
        continue;
      }
      const from = this.#endpoints.lookup(rx.words, rx.nameWord(i), rx.bytes);
      this.#receiver.onDatagram(rx.bytes, rx.dataOffset(i), rx.length(i), from);
      if (this.#closing) return;
    }
  }
}

function rawArguments(raw: Uint32Array): [Uint32Array, number, Buffer] {
  return [raw, 0, Buffer.from(raw.buffer)];
}

function bind(libc: Libc, fd: number, family: 4 | 6, options: DatagramSocketOptions): number {
  const scratch = new Uint32Array(16);
  const address = libc.addressOf(scratch.buffer);
  const length = family === 6 ? SOCKADDR_IN6 : SOCKADDR_IN;
  scratch[8] = SOCKET_BUFFER;
  for (const [force, plain] of [
    [SO_RCVBUFFORCE, SO_RCVBUF],
    [SO_SNDBUFFORCE, SO_SNDBUF],
  ] as const) {
    // The forced option exceeds the system's limit and needs a privilege; without it, use what the system grants.
    if (libc.setsockopt(fd, SOL_SOCKET, force, address + 32, 4) < 0)
      libc.setsockopt(fd, SOL_SOCKET, plain, address + 32, 4);
  }
  scratch.set(encodeSocketAddress(family, options.host, options.port));
  if (libc.bind(fd, address, length) < 0) throw systemError(libc.errno(), 'bind', options);
  scratch[8] = length;
  if (libc.getsockname(fd, address, address + 32) < 0) throw systemError(libc.errno(), 'getsockname', options);
  const bytes = new Uint8Array(scratch.buffer);
  return ((bytes[2] as number) << 8) | (bytes[3] as number);
}

function systemError(errno: number, syscall: string, { host, port }: DatagramSocketOptions): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const error = new Error(`${syscall} ${code} ${endpointText(host, port)}`);
  return Object.assign(error, { code, errno: -errno, syscall, address: host, port });
}
