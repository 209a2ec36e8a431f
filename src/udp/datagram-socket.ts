import type { Closable } from '../lib/dispose.ts';
import { endpointText } from '../lib/endpoint.ts';

/**
 * The far end of datagrams. One object per address and port for as long as the socket remembers it, so that it may be
 * compared by identity first; `key` tells equality for good.
 */
export interface Endpoint {
  /** Textual address; IPv4 addresses that came in IPv6 form are shown as IPv4. */
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
  /** `address:port`, `[address]:port` for IPv6. */
  readonly key: string;
}

/** Counters at zero, for a socket to count up. */
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

/** The endpoint of a literal address. */
export function endpointOf(address: string, port: number): Endpoint {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4', key: endpointText(address, port) };
}

/** Receives what a {@link DatagramSocket} reads. */
export interface DatagramReceiver {
  /**
   * One datagram, `buffer[offset, offset + length)`. The memory is the socket's, is reused after the call, and may be changed
   * in place meanwhile.
   */
  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void;
  /** The datagrams that were waiting are delivered. Nothing is sent before this returns, unless a queue fills up. */
  onBatchEnd(): void;
}

/** Counters of a socket, since it was opened. */
export interface DatagramSocketStats {
  readonly received: number;
  readonly sent: number;
  /** Calls to the system; with batching fewer than datagrams. */
  readonly receiveCalls: number;
  readonly sendCalls: number;
  /** Datagrams given up because the system's queue stayed full. */
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
 * A bound UDP socket. Three implementations: `node:dgram` everywhere, batches of `recvmmsg` / `sendmmsg` on Linux, and one in memory.
 * No error of the network ends it: an unreachable peer, a full queue or a refused datagram is a counter.
 */
export interface DatagramSocket extends Closable {
  readonly kind: 'dgram' | 'mmsg' | 'memory';
  readonly port: number;
  readonly stats: DatagramSocketStats;
  /**
   * Makes room for a datagram of up to `length` bytes at `reserved[reservedOffset]`. What is written there is sent by `commit`;
   * without `commit` the room is used again.
   *
   * @returns false when the queue is full: the datagram is dropped, and counted
   */
  reserve(length: number): boolean;
  readonly reserved: Buffer;
  readonly reservedOffset: number;
  /** Queues the first `length` bytes of the reserved room. */
  commit(length: number, to: Endpoint): void;
  /** Copies and queues a datagram. False: dropped. */
  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint): boolean;
  /** The endpoint object for a literal address of this socket's family. */
  endpoint(address: string, port: number): Endpoint;
  /** Sends what is queued now. Called by itself at the end of each batch, and before the event loop goes on otherwise. */
  flush(): void;
}

/** Default of {@link DatagramSocketOptions.maxDatagram}: an Ethernet frame with room for every header. */
export const MAX_DATAGRAM = 2048;

/** Kernel buffers asked for in each direction, bytes: some 30 ms at 1 Gbit/s, so that a pause of the event loop loses nothing. */
export const SOCKET_BUFFER = 4 << 20;

/** Endpoints remembered per socket; beyond it the memory starts anew. */
export const MAX_ENDPOINTS = 65_536;
