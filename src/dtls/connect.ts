import { lookup } from 'node:dns/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { TunneliteError } from '../lib/errors.ts';
import { DtlsClient } from './client.ts';
import { EngineTimer } from './engine-timer.ts';
import type { CipherSuiteName } from './handshake/cipher-suites.ts';
import type { CloseDetails, CloseReason, DtlsClientOptions, DtlsPeer } from './types.ts';
import { bindSocket, closeSocket, createUdpSocket, ignoreErrors, onDatagram, sender } from './udp-socket.ts';

/** Options of {@link connect}: those of the engine, with the socket's in place of its ports. */
export interface ConnectOptions
  extends Omit<DtlsClientOptions, 'peer' | 'send' | 'memory' | 'onConnect' | 'onData' | 'onClose'> {
  /** Host name or IP address; default 127.0.0.1. */
  readonly host?: string | undefined;
  readonly port: number;
  /** One record of application data; the Buffer is yours. */
  readonly onMessage?: (message: Buffer) => void;
  readonly clock?: Clock | undefined;
  /** Gives up the handshake when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** How a connection ended. */
export interface DtlsEnd extends CloseDetails {
  readonly reason: CloseReason;
}

/** A DTLS client with its socket. */
export interface DtlsSocket extends Closable {
  readonly cipherSuite: CipherSuiteName;
  readonly localPort: number;
  /** Settles, and never rejects, when either side has ended the association. */
  readonly closed: Promise<DtlsEnd>;
  /** Sends one record. False when closed, or the message is longer than the peer takes. */
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
  const clock = options.clock ?? systemClock;
  const { address, family } = await lookup(options.host ?? '127.0.0.1');
  options.signal?.throwIfAborted();
  const peer: DtlsPeer = { address, port: options.port, family: family === 6 ? 'IPv6' : 'IPv4' };
  const socket = createUdpSocket(address);
  let open = true;
  const connected = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<DtlsEnd>();
  const engine = new DtlsClient({
    ...options,
    peer,
    send: sender(socket, () => open),
    onConnect: () => connected.resolve(),
    onData: (_association, buffer, offset, length) => {
      options.onMessage?.(Buffer.from(buffer.subarray(offset, offset + length)));
    },
    onClose: (reason, details) => {
      connected.reject(failure(reason, details));
      ended.resolve({ reason, ...details });
    },
  });
  const timer = new EngineTimer(engine, clock);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= (async () => {
      engine.close();
      open = false;
      timer.cancel();
      await closeSocket(socket);
    })();
    return closing;
  };
  const abort = (): void => connected.reject(options.signal?.reason);
  try {
    await bindSocket(socket, 0, family === 6 ? '::' : '0.0.0.0');
    ignoreErrors(socket);
    onDatagram(socket, (datagram, from) => {
      // Another host's datagram: what it says proves nothing, and trying it would cost a decryption.
      if (from.port !== peer.port || from.address !== peer.address) return;
      engine.input(datagram, clock.monotonic());
      timer.arm();
    });
    options.signal?.addEventListener('abort', abort, { once: true });
    engine.start(clock.monotonic());
    timer.arm();
    await connected.promise;
  } catch (error) {
    await close();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
  const association = engine.association!;
  // The peer's end closes the socket too.
  void ended.promise.then(close);
  return {
    cipherSuite: association.cipherSuite,
    localPort: socket.address().port,
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
