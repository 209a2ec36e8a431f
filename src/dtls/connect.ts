import { lookup } from 'node:dns/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import type { Closable } from '../lib/dispose.ts';
import { sameEndpoint } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { SocketMemory } from '../udp/datagram-memory.ts';
import type { Endpoint } from '../udp/index.ts';
import { acceleratedProtection } from './acceleration.ts';
import type { CloseDetails, CloseReason, DtlsClientOptions } from './association/types.ts';
import { DtlsClient } from './client.ts';
import { openEngineSocket } from './engine-socket.ts';
import type { CipherSuiteName } from './protocol/cipher-suites.ts';

/** Options of {@link connect}: those of the engine, with socket options in place of its callbacks for datagrams. */
export interface ConnectOptions
  extends Omit<DtlsClientOptions, 'peer' | 'send' | 'memory' | 'onConnect' | 'onData' | 'onClose'> {
  /** Host name or IP address; default 127.0.0.1. */
  readonly host?: string | undefined;
  readonly port: number;
  /** Receives one record of application data; you may keep the Buffer. */
  readonly onMessage?: (message: Buffer) => void;
  readonly clock?: Clock | undefined;
  /** Aborts the handshake. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Use native code, as in `createServer`. Default false: a batched socket needs memory for its queues, which is worthwhile for one
   * busy client but not for thousands in one process.
   */
  readonly acceleration?: boolean | undefined;
}

/** How a connection ended. */
export interface DtlsEnd extends CloseDetails {
  readonly reason: CloseReason;
}

/** A DTLS client with its socket. */
export interface DtlsSocket extends Closable {
  readonly cipherSuite: CipherSuiteName;
  readonly localPort: number;
  /** Resolves when either side has ended the association; never rejects. */
  readonly closed: Promise<DtlsEnd>;
  /** Sends one record. False when the socket is closed or the message is longer than the peer accepts. */
  send(message: Buffer): boolean;
}

/**
 * Opens a UDP socket and completes a DTLS 1.2 handshake over it.
 *
 * @example
 * ```ts
 * await using socket = await connect({
 *   port: 4433,
 *   credentials: { kind: 'psk', key: Buffer.from('00112233445566778899aabbccddeeff', 'hex'), identity: 'me' },
 *   onMessage: (message) => console.log(message.toString()),
 * });
 * socket.send(Buffer.from('hello'));
 * ```
 * @throws TunneliteError ERR_DTLS_HANDSHAKE, ERR_DTLS_HANDSHAKE_TIMEOUT, ERR_DTLS_OPTION
 */
export async function connect(options: ConnectOptions): Promise<DtlsSocket> {
  const { clock = systemClock, acceleration = false, signal } = options;
  const { address, family } = await lookup(options.host ?? DEFAULTS.host);
  signal?.throwIfAborted();
  const connected = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<DtlsEnd>();
  const memory = new SocketMemory();
  let server: Endpoint | undefined;
  const engine = new DtlsClient({
    ...options,
    protection: options.protection ?? acceleratedProtection(acceleration),
    memory,
    peer: { address: canonicalAddress(address), port: options.port, family: family === 6 ? 'IPv6' : 'IPv4' },
    send: (buffer, offset, length) => memory.send(buffer, offset, length, server!),
    onConnect: () => connected.resolve(),
    onData: (_association, buffer, offset, length) => {
      options.onMessage?.(Buffer.from(buffer.subarray(offset, offset + length)));
    },
    onClose: (reason, details) => {
      connected.reject(failure(reason, details));
      ended.resolve({ reason, ...details });
    },
  });
  const input = (datagram: Buffer, from: Endpoint, now: number): void => {
    // A datagram from another host proves nothing, and trying it would cost a decryption.
    if (server && sameEndpoint(from, server)) engine.input(datagram, now);
  };
  const host = family === 6 ? '::' : '0.0.0.0';
  const { socket, timer, close } = await openEngineSocket({
    engine,
    memory,
    input,
    clock,
    host,
    port: 0,
    acceleration,
  });
  const abort = (): void => connected.reject(signal?.reason);
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    server = socket.endpoint(address, options.port);
    engine.start(clock.monotonic());
    timer.arm();
    await connected.promise;
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  const association = engine.association!;
  // The socket closes as well when the peer ends the association.
  void ended.promise.then(close);
  return {
    cipherSuite: association.cipherSuite,
    localPort: socket.port,
    closed: ended.promise,
    send: (message) => association.send(message, 0, message.length),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function failure(reason: CloseReason, details: CloseDetails): TunneliteError {
  const message = details.explanation ?? `The DTLS handshake ended: ${reason}.`;
  const code = reason === 'timeout' ? 'ERR_DTLS_HANDSHAKE_TIMEOUT' : 'ERR_DTLS_HANDSHAKE';
  return new TunneliteError(code, message, { details: { reason, ...details } });
}
