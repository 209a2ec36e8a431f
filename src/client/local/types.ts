import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import type { OpenRequest } from '../traffic/types.ts';
import type { TunnelUdpSocket } from '../traffic/udp-socket.ts';

/** The part of a client that a proxy needs. */
export interface ProxiedClient {
  connect(request: OpenRequest): Promise<Duplex>;
  openUdp(host: string, port: number): Promise<TunnelUdpSocket>;
  httpAgent(options?: { readonly keepAlive?: boolean }): Agent;
}

export interface LocalProxyOptions {
  /** Address to listen on. Default 127.0.0.1: there is no authentication. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly clock?: Clock;
  /** Connections at once. Default 1024. */
  readonly maxConnections?: number;
  /** Called with the number of connections closed because of that limit: immediately, and then once per second. */
  readonly onFull?: (closed: number) => void;
  /** Called for each connection that could not be opened. */
  readonly onRefused?: (target: { readonly host: string; readonly port: number }, error: unknown) => void;
}

/** A listening proxy. */
export interface LocalProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Number of open connections. */
  readonly connections: number;
  close(): Promise<void>;
}
