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

/** Where a connection leads. */
export interface TcpTarget {
  readonly host: string;
  readonly port: number;
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
}
