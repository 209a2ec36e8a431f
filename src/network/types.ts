import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DatagramSocket, DatagramSocketOptions } from '../udp/index.ts';

/** A TCP connection: a socket of Node's, or what behaves like one as far as Tunnelite looks. */
export type TcpStream = Duplex & {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  /** Closes with RST. */
  resetAndDestroy(): unknown;
};

/** Where a connection, or a datagram, leads. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

/** A way for datagrams to one far end. */
export interface DatagramWay {
  /** Sends one. Only while it is open: after `onOpen`, before `close`. */
  send(payload: Uint8Array): void;
  /** Lets go of the socket. */
  close(): void;
}

/** What a way for datagrams tells; nothing before {@link Network.connectDatagrams} has returned. */
export interface DatagramWayEvents {
  /** It may be used. */
  onOpen(): void;
  /** One came, from the far end and nobody else. */
  onDatagram(payload: Buffer): void;
  /**
   * There is no way, or something that was sent is known not to have arrived: nobody listens there (`ECONNREFUSED`), it was too long
   * (`EMSGSIZE`). The system's error, or one like it. May come more than once, and also after `close`.
   */
  onError(error: NodeJS.ErrnoException): void;
}

/**
 * Where connections and datagrams come from, and how others are reached: the machine's sockets ({@link systemNetwork}), or a network in
 * memory on which time is virtual ({@link MemoryNetwork}).
 */
export interface Network {
  /**
   * Makes a server of Node's get its connections from here. To be called before it listens; it is listened to, closed and asked for its
   * address as ever. Returns the same server.
   */
  listener<T extends Server>(server: T): T;
  /**
   * Binds a datagram socket.
   * @param acceleration false = without native code
   * @throws the system's error, or one like it, where the port is taken
   */
  openDatagrams(options: DatagramSocketOptions, acceleration: boolean): Promise<DatagramSocket>;
  /** Begins to connect; `connect` or `error` follows. The other side may close its half first. */
  connect(target: TcpTarget): TcpStream;
  /**
   * Begins to open a way for datagrams to one far end, by a port of its own; `onOpen` or `onError` follows.
   * @param target its host is an address
   */
  connectDatagrams(target: TcpTarget, events: DatagramWayEvents): DatagramWay;
}
