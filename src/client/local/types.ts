import type { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import type { OpenRequest } from '../traffic/types.ts';
import type { TunnelUdpSocket } from '../traffic/udp-socket.ts';

/** What of a client a proxy needs. */
export interface ProxiedClient {
  connect(request: OpenRequest): Promise<Duplex>;
  openUdp(host: string, port: number): Promise<TunnelUdpSocket>;
  httpAgent(options?: { readonly keepAlive?: boolean }): Agent;
}

export interface LocalProxyOptions {
  /** Address to listen on. Default 127.0.0.1: there is no sign-in. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly clock?: Clock;
  /** Connections at once. Default 1024. */
  readonly maxConnections?: number;
  /** Called when connections were closed as they came, for there is no room for more: with how many, at once and then each second. */
  readonly onFull?: (closed: number) => void;
  /** Called with each connection that could not be had. */
  readonly onRefused?: (target: { readonly host: string; readonly port: number }, error: unknown) => void;
}

/** A proxy that listens. */
export interface LocalProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections that are open. */
  readonly connections: number;
  close(): Promise<void>;
}
