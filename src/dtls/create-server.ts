import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { EngineTimer } from './engine-timer.ts';
import { DtlsServer } from './server.ts';
import type { DtlsAssociation, DtlsServerOptions } from './types.ts';
import { bindSocket, closeSocket, createUdpSocket, ignoreErrors, onDatagram, sender } from './udp-socket.ts';

/** Options of {@link createServer}: those of the engine, with the socket's in place of `send` and `onData`. */
export interface CreateServerOptions<Context = unknown>
  extends Omit<DtlsServerOptions<Context>, 'send' | 'memory' | 'onData'> {
  /** IP address to bind; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 0: any free port. */
  readonly port?: number | undefined;
  /** One record of application data; the Buffer is yours. */
  readonly onMessage?: (association: DtlsAssociation<Context>, message: Buffer) => void;
  readonly clock?: Clock | undefined;
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
  const host = options.host ?? '127.0.0.1';
  const clock = options.clock ?? systemClock;
  const { onMessage } = options;
  const socket = createUdpSocket(host);
  await bindSocket(socket, options.port ?? 0, host);
  ignoreErrors(socket);
  let closing: Promise<void> | undefined;
  let open = true;
  const engine = new DtlsServer<Context>({
    ...options,
    send: sender(socket, () => open),
    onData: (association, buffer, offset, length) => {
      onMessage?.(association, Buffer.from(buffer.subarray(offset, offset + length)));
    },
  });
  const timer = new EngineTimer(engine, clock);
  onDatagram(socket, (datagram, peer) => {
    engine.input(datagram, peer, clock.monotonic());
    timer.arm();
  });
  const close = (): Promise<void> => {
    closing ??= (async () => {
      engine.close();
      open = false;
      timer.cancel();
      await closeSocket(socket);
    })();
    return closing;
  };
  return { address: socket.address(), engine, close, [Symbol.asyncDispose]: close };
}
