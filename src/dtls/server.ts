import { AssociationRegistry } from './association/association-registry.ts';
import { Connection, type ConnectionHost } from './association/connection.ts';
import { type EndpointConfig, endpointConfig } from './association/endpoint-config.ts';
import type { PeerSlot } from './association/peer-table.ts';
import { LIMITED, Roaming } from './association/roaming.ts';
import type {
  ClientHelloInfo,
  CloseDetails,
  CloseReason,
  DropReason,
  DtlsAssociation,
  DtlsCredentials,
  DtlsPeer,
  DtlsServerEngine,
  DtlsServerOptions,
  HandshakeFlight,
} from './association/types.ts';
import { HELLO_VERIFY_LENGTH, writeHelloVerifyRequest } from './handshake/cookie.ts';
import { readServerName } from './handshake/hello-extensions.ts';
import { beginsWithClientHello, HelloIntake } from './handshake/hello-intake.ts';
import { DEFAULT_CIPHER_SUITES } from './handshake/negotiation.ts';
import { type ReceivedHello, ServerHandshake } from './handshake/server-handshake.ts';
import { ALERT, ALERT_LEVEL, type AlertName } from './protocol/alerts.ts';
import {
  CONTENT_TYPE,
  EXTENSION,
  MAX_ASSOCIATIONS,
  MAX_HANDSHAKES,
  RECORD_HEADER_LENGTH,
  TIMER_GRAIN_MS,
} from './protocol/constants.ts';
import { writePlainRecord } from './record/record.ts';

interface ServerStats {
  [reason: string]: number;
  handshakesStarted: number;
  handshakesCompleted: number;
  handshakesFailed: number;
  helloVerifyRequests: number;
  moves: number;
  roamTrials: number;
  roamVisits: number;
}

/**
 * A DTLS 1.2 server for many associations on one UDP socket.
 *
 * @example
 * ```ts
 * const server = new DtlsServer({
 *   send: (buffer, offset, length, peer) => socket.send(buffer, offset, length, peer.port, peer.address),
 *   lookup: () => ({ kind: 'psk', key, context: undefined }),
 *   onData: (association, buffer, offset, length) => association.send(buffer, offset, length),
 * });
 * socket.on('message', (datagram, peer) => server.input(datagram, peer, performance.now()));
 * ```
 */
export class DtlsServer<Context = unknown> implements DtlsServerEngine<Context>, ConnectionHost {
  readonly config: EndpointConfig;
  readonly stats: ServerStats = {
    handshakesStarted: 0,
    handshakesCompleted: 0,
    handshakesFailed: 0,
    helloVerifyRequests: 0,
    moves: 0,
    roamTrials: 0,
    roamVisits: 0,
  };
  nextDeadline = Number.POSITIVE_INFINITY;
  readonly #options: DtlsServerOptions<Context>;
  readonly #intake: HelloIntake;
  readonly #roaming: Roaming<Context> | undefined;
  readonly #registry = new AssociationRegistry<Context>();
  /** Pending handshakes, each with its own deadline. */
  readonly #timed = new Set<Connection<Context>>();
  /** Associations that keep their last flight, all equally long: the first is the first to be due. */
  readonly #lingering = new Set<Connection<Context>>();
  #closed = false;

  constructor(options: DtlsServerOptions<Context>) {
    this.#options = options;
    this.config = endpointConfig(options);
    this.#intake = new HelloIntake(this.config.random, options.cookie ?? false);
    this.#roaming = (options.roaming ?? true) ? new Roaming() : undefined;
  }

  get size(): number {
    return this.#registry.completed;
  }

  get handshakes(): number {
    return this.#registry.size - this.#registry.completed;
  }

  *[Symbol.iterator](): Iterator<DtlsAssociation<Context>> {
    for (const connection of this.#registry.all()) if (connection.connected) yield connection;
  }

  input(datagram: Buffer, peer: DtlsPeer, now: number): void {
    if (this.#closed) {
      this.#drop('closed', peer);
      return;
    }
    if (datagram.length < RECORD_HEADER_LENGTH) {
      this.#drop('malformed', peer);
      return;
    }
    const slot = this.#registry.find(peer);
    if (beginsWithClientHello(datagram)) {
      this.#hello(datagram, peer, slot, now);
      return;
    }
    if (slot) {
      // Both may live at one address; each record is authentic for one of them at most. Data is for the one in use,
      // as long as there is one; all else is for the handshake.
      const { current, pending } = slot;
      const isData = datagram[0] === CONTENT_TYPE.applicationData;
      if ((isData ? current : pending)?.input(datagram, now)) return;
      if ((isData ? pending : current)?.input(datagram, now)) return;
    }
    this.#roam(datagram, peer, slot !== undefined, now);
  }

  tick(now: number, late = 0): void {
    if (late > 0) for (const connection of this.#timed) connection.excuse(late, now);
    if (now < this.nextDeadline) return;
    this.nextDeadline = Number.POSITIVE_INFINITY;
    for (const connection of [...this.#timed]) {
      if (connection.deadline <= now) connection.tick(now);
      this.scheduled(connection);
    }
    for (const connection of this.#lingering) {
      if (connection.deadline > now) {
        this.#due(connection.deadline);
        break;
      }
      connection.tick(now);
    }
  }

  close(): void {
    if (this.#closed) return;
    for (const connection of [...this.#registry.all()]) connection.close();
    this.#closed = true;
    this.#timed.clear();
    this.#lingering.clear();
    this.nextDeadline = Number.POSITIVE_INFINITY;
  }

  // --- A ClientHello ---

  #hello(datagram: Buffer, peer: DtlsPeer, slot: PeerSlot<Context> | undefined, now: number): void {
    const intake = this.#intake.input(datagram, peer, now);
    if (intake.kind === 'drop') {
      this.#drop(intake.reason, peer);
      return;
    }
    if (intake.kind === 'wait') return;
    if (intake.kind === 'verify') {
      // A repetition of the first hello needs no answer if the hello with the cookie is already being answered. Without state it looks
      // like a new one, so it is answered.
      this.#helloVerify(intake.cookie, intake.recordSequence, peer);
      return;
    }
    const { received } = intake;
    const tag = helloTag(received);
    if (slot?.pending && this.#registry.cameOf(slot.pending, tag)) {
      slot.pending.input(datagram, now);
      return;
    }
    if (this.#registry.cameOf(slot?.current, tag)) {
      this.#drop('repeated-hello', peer);
      return;
    }
    const credentials = this.#options.lookup(helloInfo(received, peer));
    if (!credentials) {
      this.#drop('unknown-session', peer);
      return;
    }
    const rivals = this.#registry.rivals(credentials.session, peer);
    const refusal = this.#registry.refusal(rivals, tag, now) ?? this.#full(rivals);
    if (refusal) {
      this.#drop(refusal, peer);
      return;
    }
    if (credentials.kind === 'certificate' && !received.proven) {
      // Our answer would be many times as long as what we were sent.
      const { cookie, recordSequence } = this.#intake.demand(received, peer, now);
      this.#helloVerify(cookie, recordSequence, peer);
      return;
    }
    this.#accept(received, credentials, peer, tag, now);
  }

  /** Whether a limit is reached. A session with a pending handshake only replaces it. */
  #full(rivals: PeerSlot<Context> | undefined): DropReason | undefined {
    if (rivals?.pending) return undefined;
    const { maxHandshakes = MAX_HANDSHAKES, maxAssociations = MAX_ASSOCIATIONS } = this.#options;
    return this.handshakes >= maxHandshakes || this.#registry.size >= maxAssociations ? 'full' : undefined;
  }

  #accept(
    received: ReceivedHello,
    credentials: DtlsCredentials<Context>,
    peer: DtlsPeer,
    tag: string,
    now: number,
  ): void {
    const connection = new Connection(this, 'server', peer, credentials.context, received.recordSequence);
    const { flights } = this.#options;
    const observer = flights?.wanted() ? flights : undefined;
    const tell = observer && ((flight: HandshakeFlight) => observer.tell(credentials.context, connection.peer, flight));
    const handshake = new ServerHandshake(connection, received, credentials, now, tell);
    connection.begin(handshake);
    const preference = this.#options.cipherSuites ?? DEFAULT_CIPHER_SUITES;
    // Registered first: the flight goes out, and the deadline is set, while it is accepted.
    this.#registry.begin(connection, credentials.session, tag, now);
    this.stats.handshakesStarted++;
    const alert = handshake.accept(received.hello, preference, now);
    if (!alert) return;
    this.#drop(alert === 'protocol_version' ? 'version' : 'no-common-cipher', peer);
    this.#refuse(connection, alert);
  }

  #refuse(connection: Connection<Context>, alert: AlertName): void {
    const { memory } = this.config;
    const { plainSequence } = connection.records;
    memory.reserve(RECORD_HEADER_LENGTH + 2);
    const body = Buffer.from([ALERT_LEVEL.fatal, ALERT[alert]]);
    this.transmit(connection, writePlainRecord(memory.buffer, memory.offset, CONTENT_TYPE.alert, plainSequence, body));
    const explanation =
      alert === 'protocol_version'
        ? 'The client does not offer DTLS 1.2.'
        : 'The ClientHello offers no cipher suite, group and signature scheme that the server supports in combination.';
    connection.end('handshake-failed', { alert, explanation });
  }

  #helloVerify(cookie: Buffer, sequence: number, peer: DtlsPeer): void {
    const { memory } = this.config;
    this.stats.helloVerifyRequests++;
    memory.reserve(HELLO_VERIFY_LENGTH);
    const length = writeHelloVerifyRequest(memory.buffer, memory.offset, sequence, cookie);
    this.#options.send(memory.buffer, memory.offset, length, peer);
  }

  // --- A record from where no association is known to be ---

  #roam(datagram: Buffer, peer: DtlsPeer, known: boolean, now: number): void {
    const roaming = this.#roaming;
    const sources = { near: this.#registry.atAddress(peer.address), all: this.#registry.all() };
    const owner = roaming?.find(datagram, peer.address, sources, now);
    this.stats.roamTrials = roaming?.trials ?? 0;
    this.stats.roamVisits = roaming?.visits ?? 0;
    if (owner === LIMITED) {
      this.#drop('rate-limited', peer);
      return;
    }
    if (!owner) {
      if (!known) this.#drop('unknown-peer', peer);
      return;
    }
    // An overtaken record may come from the old address after the move: delivered, but the peer stays where it is.
    if (datagram.readUIntBE(5, 6) > owner.records.replay.highest) this.#move(owner, peer);
    owner.input(datagram, now);
  }

  #move(connection: Connection<Context>, peer: DtlsPeer): void {
    const from = connection.peer;
    this.#registry.move(connection, peer);
    this.stats.moves++;
    this.#options.onMove?.(connection, from, connection.peer);
  }

  // --- ConnectionHost ---

  transmit(connection: Connection, length: number): void {
    const { memory } = this.config;
    this.#options.send(memory.buffer, memory.offset, length, connection.peer);
  }

  data(connection: Connection, buffer: Buffer, offset: number, length: number): void {
    this.#options.onData?.(connection as Connection<Context>, buffer, offset, length);
  }

  dropped(connection: Connection, reason: DropReason): void {
    this.#drop(reason, connection.peer, !connection.connected);
  }

  scheduled(base: Connection): void {
    const connection = base as Connection<Context>;
    const { deadline } = connection;
    if (connection.closed || deadline === Number.POSITIVE_INFINITY) {
      this.#untimed(connection);
      return;
    }
    if (connection.connected) {
      this.#timed.delete(connection);
      this.#lingering.add(connection);
    } else this.#timed.add(connection);
    this.#due(deadline);
  }

  connected(base: Connection): void {
    const connection = base as Connection<Context>;
    const { replaced, neighbour } = this.#registry.complete(connection);
    this.stats.handshakesCompleted++;
    this.#options.onConnect?.(connection);
    replaced?.end('replaced');
    neighbour?.end('replaced');
  }

  ended(base: Connection, reason: CloseReason, details: CloseDetails): void {
    const connection = base as Connection<Context>;
    const known = this.#registry.remove(connection);
    if (!known) return;
    connection.forget();
    this.#untimed(connection);
    if (known.complete) this.#options.onClose?.(connection, reason, details);
    else {
      this.stats.handshakesFailed++;
      this.#options.onHandshakeFailed?.(connection.context, connection.peer, reason, details);
    }
  }

  /** `nextDeadline` is a lower bound, made exact by `tick`. */
  #due(deadline: number): void {
    const due = Math.ceil(deadline / TIMER_GRAIN_MS) * TIMER_GRAIN_MS;
    if (due < this.nextDeadline) this.nextDeadline = due;
  }

  /** The bound does not outlive the last timer. */
  #untimed(connection: Connection<Context>): void {
    this.#timed.delete(connection);
    this.#lingering.delete(connection);
    if (this.#timed.size + this.#lingering.size === 0) this.nextDeadline = Number.POSITIVE_INFINITY;
  }

  #drop(reason: DropReason, peer: DtlsPeer, handshaking = false): void {
    const { stats } = this;
    stats[reason] = (stats[reason] ?? 0) + 1;
    this.#options.onDrop?.(reason, peer, handshaking);
  }
}

function helloTag(received: ReceivedHello): string {
  return received.hello.random.toString('latin1', 0, 16);
}

function helloInfo(received: ReceivedHello, peer: DtlsPeer): ClientHelloInfo {
  const { hello } = received;
  return {
    peer,
    sessionId: hello.sessionId,
    random: hello.random,
    cipherSuites: hello.cipherSuites,
    get serverName() {
      return readServerName(hello.extensions.get(EXTENSION.serverName));
    },
    extension: (type) => hello.extensions.get(type),
  };
}
