import { systemClock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import { Connection, type ConnectionHost } from './association/connection.ts';
import { type EndpointConfig, endpointConfig } from './association/endpoint-config.ts';
import type {
  CloseDetails,
  CloseReason,
  DropReason,
  DtlsAssociation,
  DtlsClientCredentials,
  DtlsClientEngine,
  DtlsClientOptions,
} from './association/types.ts';
import { ClientHandshake } from './handshake/client-handshake.ts';
import { DEFAULT_CIPHER_SUITES } from './handshake/negotiation.ts';
import { type CipherSuiteName, cipherSuite } from './protocol/cipher-suites.ts';
import { MASTER_SECRET_LENGTH, MAX_SESSION_ID, RECORD_HEADER_LENGTH, TIMER_GRAIN_MS } from './protocol/constants.ts';

const EMPTY = Buffer.alloc(0);

/**
 * The client side of one association.
 *
 * @example
 * ```ts
 * const client = new DtlsClient({
 *   peer: { address: '127.0.0.1', port: 4433, family: 'IPv4' },
 *   credentials: { kind: 'psk', key, identity: 'psk' },
 *   send: (buffer, offset, length, peer) => socket.send(buffer, offset, length, peer.port, peer.address),
 *   onConnect: (association) => association.send(Buffer.from('hello'), 0, 5),
 * });
 * client.start(performance.now());
 * ```
 */
export class DtlsClient implements DtlsClientEngine, ConnectionHost {
  readonly config: EndpointConfig;
  nextDeadline = Number.POSITIVE_INFINITY;
  readonly #options: DtlsClientOptions;
  readonly #connection: Connection<undefined>;
  readonly #cipherSuites: readonly CipherSuiteName[];
  #started = false;

  /** @throws TunneliteError ERR_DTLS_OPTION */
  constructor(options: DtlsClientOptions) {
    this.#options = options;
    this.config = endpointConfig(options);
    this.#cipherSuites = suitesFor(options);
    check(options, this.#cipherSuites);
    this.#connection = new Connection<undefined>(this, 'client', options.peer, undefined);
  }

  get association(): DtlsAssociation<undefined> | undefined {
    return this.#connection.connected ? this.#connection : undefined;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  start(now: number): void {
    if (this.#started || this.closed) return;
    this.#started = true;
    const { credentials, sessionId } = this.#options;
    const handshake = new ClientHandshake(
      this.#connection,
      {
        credentials,
        sessionId: credentials.kind === 'resume' ? credentials.sessionId : (sessionId ?? EMPTY),
        cipherSuites: this.#cipherSuites,
        wallClock: this.#options.wallClock ?? systemClock.now,
      },
      now,
    );
    this.#connection.begin(handshake);
    handshake.start(now);
  }

  input(datagram: Buffer, now: number): void {
    if (this.closed) {
      this.#drop('closed');
      return;
    }
    if (datagram.length < RECORD_HEADER_LENGTH) {
      this.#drop('malformed');
      return;
    }
    this.#connection.input(datagram, now);
  }

  tick(now: number, late = 0): void {
    if (late > 0) this.#connection.excuse(late, now);
    if (now < this.nextDeadline) return;
    if (this.#connection.deadline <= now) this.#connection.tick(now);
    this.scheduled(this.#connection);
  }

  close(): void {
    // Before the first message there is no peer to notify.
    if (this.#started) this.#connection.close();
    else this.#connection.end('local');
  }

  // --- ConnectionHost ---

  transmit(connection: Connection, length: number): void {
    const { memory } = this.config;
    this.#options.send(memory.buffer, memory.offset, length, connection.peer);
  }

  connected(): void {
    this.#options.onConnect?.(this.#connection);
  }

  data(_connection: Connection, buffer: Buffer, offset: number, length: number): void {
    this.#options.onData?.(this.#connection, buffer, offset, length);
  }

  dropped(_connection: Connection, reason: DropReason): void {
    this.#drop(reason);
  }

  scheduled(connection: Connection): void {
    this.nextDeadline = Math.ceil(connection.deadline / TIMER_GRAIN_MS) * TIMER_GRAIN_MS;
  }

  ended(connection: Connection, reason: CloseReason, details: CloseDetails): void {
    connection.forget();
    this.scheduled(connection);
    this.#options.onClose?.(reason, details);
  }

  #drop(reason: DropReason): void {
    this.#options.onDrop?.(reason);
  }
}

function suitesFor(options: DtlsClientOptions): readonly CipherSuiteName[] {
  const { credentials } = options;
  if (credentials.kind === 'resume') return [credentials.cipherSuite];
  return (options.cipherSuites ?? DEFAULT_CIPHER_SUITES).filter((name) => fits(name, credentials));
}

function fits(name: CipherSuiteName, credentials: DtlsClientCredentials): boolean {
  const exchange = cipherSuite(name).keyExchange;
  if (credentials.kind === 'psk') return exchange === 'psk' || exchange === 'ecdhe_psk';
  return exchange === 'ecdhe_ecdsa' || exchange === 'ecdhe_rsa';
}

function check(options: DtlsClientOptions, suites: readonly CipherSuiteName[]): void {
  const { credentials } = options;
  const problem =
    suites.length === 0
      ? 'None of the cipher suites supports this kind of credentials.'
      : (options.sessionId?.length ?? 0) > MAX_SESSION_ID
        ? 'A session id has at most 32 bytes.'
        : credentials.kind === 'resume' && credentials.masterSecret.length !== MASTER_SECRET_LENGTH
          ? 'A master secret has 48 bytes.'
          : credentials.kind === 'resume' &&
              (credentials.sessionId.length === 0 || credentials.sessionId.length > MAX_SESSION_ID)
            ? 'Resuming requires a session id of 1 to 32 bytes.'
            : undefined;
  if (problem) throw new TunneliteError('ERR_DTLS_OPTION', problem);
}
