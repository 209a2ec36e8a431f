import type { Closable } from '../lib/dispose.ts';
import { endpointText } from '../lib/endpoint.ts';

/**
 * The remote endpoint of datagrams. There is one object per address and port as long as the socket remembers it, so compare by identity
 * first; equal endpoints always have the same `key`.
 */
export interface Endpoint {
  /** Textual address; IPv4-mapped IPv6 addresses are shown as IPv4. */
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  /** `address:port`, `[address]:port` for IPv6. */
  readonly key: string;
}

/** New counters, all zero. */
export function freshStats(): { -readonly [K in keyof DatagramSocketStats]: DatagramSocketStats[K] } {
  return {
    received: 0,
    sent: 0,
    receiveCalls: 0,
    sendCalls: 0,
    sendDropped: 0,
    sendErrors: 0,
    receiveErrors: 0,
    truncated: 0,
  };
}

/** The endpoint of an address in text form. */
export function endpointOf(address: string, port: number): Endpoint {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4', key: endpointText(address, port) };
}

/** Receives the datagrams of a {@link DatagramSocket}. */
export interface DatagramReceiver {
  /**
   * Receives one datagram, `buffer[offset, offset + length)`. The memory belongs to the socket, which reuses it after the call; it may be
   * changed in place during the call.
   */
  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void;
  /** All waiting datagrams have been delivered. Nothing is sent before this returns, unless a queue is full. */
  onBatchEnd(): void;
}

/** Counters of a socket since it was opened. */
export interface DatagramSocketStats {
  readonly received: number;
  readonly sent: number;
  /** System calls; fewer than datagrams with batching. */
  readonly receiveCalls: number;
  readonly sendCalls: number;
  /** Datagrams dropped because the system's queue stayed full. */
  readonly sendDropped: number;
  /** Datagrams that the system refused (unreachable, too large, not permitted). */
  readonly sendErrors: number;
  readonly receiveErrors: number;
  /** Datagrams larger than the receive slots. */
  readonly truncated: number;
}

export interface DatagramSocketOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Largest datagram, in bytes. Default 2048. */
  readonly maxDatagram?: number;
  /** Room in the kernel for bursts (default), or the system's default size: enough for one of thousands of sockets with little traffic each. */
  readonly largeBuffers?: boolean;
  readonly receiver: DatagramReceiver;
}

/**
 * A bound UDP socket. There are three implementations: `node:dgram` on all platforms, batches of `recvmmsg` / `sendmmsg` on Linux, and one
 * in memory. Network errors do not close it: an unreachable peer, a full queue or a refused datagram increments a counter.
 */
export interface DatagramSocket extends Closable {
  readonly kind: 'dgram' | 'mmsg' | 'memory';
  readonly port: number;
  readonly stats: DatagramSocketStats;
  /**
   * Reserves space for a datagram of up to `length` bytes at `reserved[reservedOffset]`. `commit` sends what was written there; without
   * `commit` the space is reused.
   *
   * @returns false if the queue is full: the datagram is dropped, and counted
   */
  reserve(length: number): boolean;
  readonly reserved: Buffer;
  readonly reservedOffset: number;
  /** Queues the first `length` bytes of the reserved space. */
  commit(length: number, to: Endpoint): void;
  /** Copies and queues a datagram. False: dropped. */
  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean;
  /** The endpoint object of an address in text form, of this socket's family. */
  endpoint(address: string, port: number): Endpoint;
  /** Sends what is queued. Called automatically at the end of each batch, and before the event loop continues. */
  flush(): void;
}

/** Default of {@link DatagramSocketOptions.maxDatagram}: an Ethernet frame, with space for all headers. */
export const MAX_DATAGRAM = 2048;

/**
 * Size of the kernel buffers to request in each direction, in bytes: about 30 ms at 1 Gbit/s, so that a pause of the event loop loses no
 * data.
 */
export const SOCKET_BUFFER = 4 << 20;

/** Number of endpoints that a socket remembers; it forgets all of them when there are more. */
export const MAX_ENDPOINTS = 65_536;
