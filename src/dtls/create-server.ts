import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../lib/clock.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import type { Closable } from '../lib/dispose.ts';
import { SocketMemory } from '../udp/datagram-memory.ts';
import type { Endpoint } from '../udp/index.ts';
import { acceleratedProtection } from './acceleration.ts';
import type { DtlsAssociation, DtlsServerOptions } from './association/types.ts';
import { openEngineSocket } from './engine-socket.ts';
import { DtlsServer } from './server.ts';

/** Options of {@link createServer}: those of the engine, with socket options in place of `send` and `onData`. */
export interface CreateServerOptions<Context = unknown>
  extends Omit<DtlsServerOptions<Context>, 'send' | 'memory' | 'onData'> {
  /** IP address to bind; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** Receives one record of application data; you may keep the Buffer. */
  readonly onMessage?: (association: DtlsAssociation<Context>, message: Buffer) => void;
  readonly clock?: Clock | undefined;
  /**
   * Use native code if the optional package `koffi` is installed: batched UDP, and record protection by Node's own OpenSSL unless
   * `protection` is set. Default true.
   */
  readonly acceleration?: boolean | undefined;
}

/** A DTLS server with its socket. */
export interface DtlsListener<Context = unknown> extends Closable {
  readonly address: AddressInfo;
  readonly engine: DtlsServer<Context>;
}

/**
 * Opens a UDP socket and serves DTLS 1.2 on it.
 *
 * @example
 * ```ts
 * const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
 * await using server = await createServer({
 *   port: 4433,
 *   lookup: () => ({ kind: 'psk', key, context: undefined }),
 *   onMessage: (association, message) => association.send(message, 0, message.length),
 * });
 * ```
 * Rejects with the system's error when the address cannot be bound.
 */
export async function createServer<Context = unknown>(
  options: CreateServerOptions<Context>,
): Promise<DtlsListener<Context>> {
  const { host = DEFAULTS.host, port = 0, clock = systemClock, acceleration = true, onMessage } = options;
  const memory = new SocketMemory();
  const engine = new DtlsServer<Context>({
    ...options,
    protection: options.protection ?? acceleratedProtection(acceleration),
    memory,
    send: (buffer, offset, length, peer) => memory.send(buffer, offset, length, peer as Endpoint),
    onData: (association, buffer, offset, length) => {
      onMessage?.(association, Buffer.from(buffer.subarray(offset, offset + length)));
    },
  });
  const input = (datagram: Buffer, from: Endpoint, now: number): void => engine.input(datagram, from, now);
  const { socket, close } = await openEngineSocket({ engine, memory, input, clock, host, port, acceleration });
  const { address, family } = socket.endpoint(host, socket.port);
  return { address: { address, family, port: socket.port }, engine, close, [Symbol.asyncDispose]: close };
}
