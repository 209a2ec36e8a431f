import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DatagramSocket, DatagramSocketOptions } from '../udp/index.ts';

/** A TCP connection: a Node socket, or an object with the parts of its interface that Tunnelite uses. */
export type TcpStream = Duplex & {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** Closes with RST. */
  resetAndDestroy(): unknown;
};

/** Destination of a connection or a datagram. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** A datagram socket connected to one remote endpoint. */
export interface DatagramWay {
  /** Sends one datagram. Allowed only after `onOpen` and before `close`. */
  send(payload: Uint8Array): void;
  /** Releases the socket. */
  close(): void;
}

/** Callbacks of a connected datagram socket; none is called before {@link Network.connectDatagrams} has returned. */
export interface DatagramWayEvents {
  /** The socket is ready. */
  onOpen(): void;
  /** Called with each datagram from the remote endpoint. */
  onDatagram(payload: Buffer): void;
  /**
   * Called when the socket cannot be opened or a datagram was not delivered: no server listens there (`ECONNREFUSED`), or it was too long
   * (`EMSGSIZE`). The error is that of the system or a similar one. May be called more than once, even after `close`.
   */
  onError(error: NodeJS.ErrnoException): void;
}

/**
 * Source of incoming connections and datagrams, and the way to open outgoing ones: the machine's sockets ({@link systemNetwork}), or a
 * network in memory with virtual time ({@link MemoryNetwork}).
 */
export interface Network {
  /**
   * Makes a Node server accept its connections from this network. Call it before the server listens; `listen`, `close` and `address` work
   * as usual. Returns the same server.
   */
  listener<T extends Server>(server: T): T;
  /**
   * Binds a datagram socket.
   * @param acceleration false = without native code
   * @throws the system's error, or a similar one, when the port is taken
   */
  openDatagrams(options: DatagramSocketOptions, acceleration: boolean): Promise<DatagramSocket>;
  /**
   * Starts to connect; emits `connect` or `error`. The other side may close its half first.
   * @param target from: local address to connect from, if the network has several
   */
  connect(target: TcpTarget & { readonly from?: string }): TcpStream;
  /**
   * Starts to open a datagram socket with its own port to one remote endpoint; calls `onOpen` or `onError`.
   * @param target the host must be an address
   */
  connectDatagrams(target: TcpTarget, events: DatagramWayEvents): DatagramWay;
}
