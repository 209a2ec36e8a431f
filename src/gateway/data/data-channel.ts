import { createSecretKey } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { acceleratedProtection, acceleration } from '../../dtls/acceleration.ts';
import { createDtlsServer } from '../../dtls/server.ts';
import type { ClientHelloInfo, DropReason, DtlsCredentials, DtlsPeer, DtlsServerEngine } from '../../dtls/types.ts';
import type { Timer } from '../../lib/clock.ts';
import {
  type DatagramMemory,
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type Endpoint,
  FaultyDatagramSocket,
  openDatagramSocket,
} from '../../udp/index.ts';
import type { ClientHeaders } from '../../wire/cstp-headers.ts';
import {
  APP_ID_BYTES,
  APP_ID_EXTENSION,
  DATAGRAM_HEADROOM,
  MIN_DATAGRAM_SLOT,
  PSK_BYTES,
  PSK_LABEL,
  REFUSAL_WINDOW_MS,
  REFUSALS_PER_WINDOW,
  SILENCE_SCAN_MS,
} from './data-channel-constants.ts';
import type {
  DataChannelFactory,
  DataChannelOffer,
  DataChannelOptions,
  DataChannelServer,
  TunnelSession,
} from './data-channel-port.ts';
import { type DataChannelCounters, DtlsDataChannel } from './dtls-data-channel.ts';
import { chooseDtlsMode, type DtlsMode, dtlsOfferHeaders, dtlsOverhead, PSK_SUITES } from './dtls-offer.ts';

/** What a dropped datagram means to somebody who wonders why DTLS does not come up. */
const REFUSALS: { readonly [R in DropReason]?: string } = {
  'unknown-session':
    'No session has the id in this ClientHello: it is of an older tunnel, or the client does not send X-DTLS-App-ID as its session id.',
  'no-common-cipher': 'The client offers no cipher suite that its tunnel was set up for.',
  version: 'The client does not offer DTLS 1.2.',
  'zero-random': 'The random of this ClientHello is all zeros, as a defective GnuTLS sends it.',
  'not-authentic':
    'A record is not authentic: the client derived another key (the exporter takes no context), or the record was changed on the way.',
  full: 'There are as many DTLS associations as are allowed.',
};

/** One UDP socket and the DTLS associations of all sessions on it. */
class UdpDataChannels implements DataChannelServer, DatagramReceiver {
  readonly #options: DataChannelOptions;
  readonly #channels = new Map<string, DtlsDataChannel>();
  readonly #engine: DtlsServerEngine<DtlsDataChannel>;
  readonly #memory = new SocketMemory();
  /** Session ids by the endpoint of their association, for faults that are aimed at a session. */
  readonly #peers = new Map<string, string>();
  readonly #counters: DataChannelCounters = {
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    dpdAnswered: 0,
    probes: 0,
    unknownTypes: 0,
    tooLarge: 0,
    switches: 0,
  };
  #socket: DatagramSocket | undefined;
  /** Monotonic time of the current batch; NaN between batches. */
  #now = Number.NaN;
  #touched: TunnelSession | undefined;
  #tick: Timer | undefined;
  #tickAt = Infinity;
  #scan: Timer | undefined;
  /** Refusals told since `#refusalsSince`, by reason. */
  readonly #refusals = new Map<string, number>();
  #refusalsSince = -Infinity;
  #failures = 0;
  #closing: Promise<void> | undefined;

  constructor(options: DataChannelOptions) {
    this.#options = options;
    this.#engine = createDtlsServer<DtlsDataChannel>({
      send: (buffer, offset, length, peer) => this.#send(buffer, offset, length, peer),
      memory: this.#memory,
      protection: acceleratedProtection(options.accelerate),
      random: options.random,
      onKeylog: options.keylog,
      // As the real server: clients that know nothing of it are in use (§7.2).
      extendedMasterSecret: false,
      lookup: (hello) => this.#lookup(hello),
      onConnect: (association) => {
        this.#peers.set((association.peer as Endpoint).key, association.context.session.info.id);
        association.context.connected(association, this.#time);
      },
      onData: (association, buffer, offset, length) => {
        const channel = association.context;
        this.#touched = channel.session;
        channel.input(association, buffer, offset, length, this.#now);
      },
      onClose: (association, reason, details) => {
        const { key } = association.peer as Endpoint;
        const successor = association.context.association;
        // One that was replaced leaves the entry to its successor at the same endpoint.
        if (!successor || successor === association || (successor.peer as Endpoint).key !== key)
          this.#peers.delete(key);
        association.context.disconnected(association, reason, details, this.#time);
      },
      onMove: (association, from, to) => {
        this.#peers.delete((from as Endpoint).key);
        this.#peers.set((to as Endpoint).key, association.context.session.info.id);
        association.context.moved(from, to);
      },
      onHandshakeFailed: (_channel, peer, reason, details) =>
        this.#refused(peer, details.alert ?? reason, details.explanation ?? 'The DTLS handshake was not completed.'),
      onDrop: (reason, peer) => {
        const explanation = REFUSALS[reason];
        if (explanation) this.#refused(peer, reason, explanation);
      },
    });
  }

  async bind(host: string, port: number): Promise<void> {
    const address = isIP(host) ? host : (await lookup(host)).address;
    const maxDatagram = Math.max(MIN_DATAGRAM_SLOT, this.#options.settings.mtu + DATAGRAM_HEADROOM);
    const { accelerate, clock, faults } = this.#options;
    const socket = { host: address, port, maxDatagram, receiver: this };
    const open = (options: DatagramSocketOptions) => openDatagramSocket(options, accelerate);
    this.#socket = faults?.datagram
      ? await FaultyDatagramSocket.open({ faults, clock, sessionOf: (from) => this.#peers.get(from.key) }, socket, open)
      : await open(socket);
    this.#memory.socket = this.#socket;
    const { records, datagrams, text } = acceleration(accelerate);
    this.#options.emit('gateway.acceleration', { records, datagrams, explanation: text });
  }

  overhead(headers: ClientHeaders, _tls: TLSSocket): number | undefined {
    const mode = chooseDtlsMode(headers);
    return mode && dtlsOverhead(mode);
  }

  offer(headers: ClientHeaders, session: TunnelSession, tls: TLSSocket): DataChannelOffer | undefined {
    const mode = chooseDtlsMode(headers);
    if (!mode || !this.#socket || this.#closing) return undefined;
    const { clock, emit, random } = this.#options;
    const id = random.bytes(APP_ID_BYTES);
    const channel = new DtlsDataChannel({
      session,
      id,
      clock,
      emit,
      counters: this.#counters,
      onClose: (closed) => void this.#channels.delete(closed.key),
    });
    channel.credentials = credentialsOf(mode, channel, tls);
    this.#channels.set(channel.key, channel);
    this.#scan ??= clock.setTimer(SILENCE_SCAN_MS, this.#scanSilence);
    return { headers: dtlsOfferHeaders(mode, id, session.mtu), channel };
  }

  stats(): Readonly<Record<string, number>> {
    const stats: Record<string, number> = {
      ...this.#counters,
      channels: this.#channels.size,
      failures: this.#failures,
    };
    stats.associations = this.#engine.size;
    stats.handshakes = this.#engine.handshakes;
    for (const [name, value] of Object.entries(this.#engine.stats)) stats[`dtls.${name}`] = value;
    for (const [name, value] of Object.entries(this.#socket?.stats ?? {})) stats[`udp.${name}`] = value;
    return stats;
  }

  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void {
    if (Number.isNaN(this.#now)) this.#now = this.#options.clock.monotonic();
    try {
      this.#engine.input(buffer.subarray(offset, offset + length), from, this.#now);
    } catch (error) {
      // Nothing that a datagram contains may end the process. What got here is a defect: it is told, and counted.
      this.#failures++;
      this.#refused(from, 'failure', `Handling a datagram failed: ${error instanceof Error ? error.message : error}.`);
    }
  }

  onBatchEnd(): void {
    const touched = this.#touched;
    this.#touched = undefined;
    this.#now = Number.NaN;
    if (this.#engine.nextDeadline < this.#tickAt) this.#armTick();
    touched?.receiveEnd();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#tick?.cancel();
    this.#scan?.cancel();
    for (const channel of [...this.#channels.values()]) channel.close('shutdown', true);
    this.#engine.close();
    this.#socket?.flush();
    await this.#socket?.close();
  }

  get #time(): number {
    return Number.isNaN(this.#now) ? this.#options.clock.monotonic() : this.#now;
  }

  /** Finds the channel by extension 48018 of older clients, else by the session id (§7.2). */
  #lookup(hello: ClientHelloInfo): DtlsCredentials<DtlsDataChannel> | undefined {
    const extension = hello.extension(APP_ID_EXTENSION);
    const id =
      extension && extension.length > 1 && extension[0] === extension.length - 1
        ? extension.subarray(1)
        : hello.sessionId;
    return this.#channels.get(id.toString('latin1'))?.credentials;
  }

  #send(buffer: Buffer, offset: number, length: number, peer: DtlsPeer): void {
    const socket = this.#socket;
    if (!socket) return;
    if (buffer === socket.reserved && offset === socket.reservedOffset) socket.commit(length, peer as Endpoint);
    else if (buffer !== this.#memory.discard) socket.send(buffer, offset, length, peer as Endpoint);
  }

  #armTick(): void {
    this.#tick?.cancel();
    this.#tickAt = this.#engine.nextDeadline;
    if (this.#tickAt === Infinity) return;
    this.#tick = this.#options.clock.setTimer(Math.max(0, this.#tickAt - this.#options.clock.monotonic()), () => {
      this.#tickAt = Infinity;
      this.#engine.tick(this.#options.clock.monotonic());
      this.#armTick();
    });
  }

  readonly #scanSilence = (): void => {
    this.#scan = undefined;
    const now = this.#options.clock.monotonic();
    for (const channel of this.#channels.values()) channel.check(now);
    if (this.#channels.size > 0) this.#scan = this.#options.clock.setTimer(SILENCE_SCAN_MS, this.#scanSilence);
  };

  /** Strangers decide how often this is called: the journal is kept from drowning. */
  #refused(peer: DtlsPeer, reason: string, explanation: string): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#refusalsSince >= REFUSAL_WINDOW_MS) {
      this.#refusalsSince = now;
      this.#refusals.clear();
    }
    const told = this.#refusals.get(reason) ?? 0;
    if (told >= REFUSALS_PER_WINDOW) return;
    this.#refusals.set(reason, told + 1);
    const remote = peer.family === 'IPv6' ? `[${peer.address}]:${peer.port}` : `${peer.address}:${peer.port}`;
    this.#options.emit('channel.dtls.refused', { remote, reason, explanation });
  }
}

/** Lets the engine build records in the socket's own queue; when that is full, in memory that goes nowhere. */
class SocketMemory implements DatagramMemory {
  socket: DatagramSocket | undefined;
  readonly discard = Buffer.allocUnsafeSlow(20_480);
  buffer: Buffer = this.discard;
  offset = 0;

  reserve(length: number): void {
    const { socket } = this;
    if (socket?.reserve(length)) {
      this.buffer = socket.reserved;
      this.offset = socket.reservedOffset;
    } else {
      this.buffer = this.discard;
      this.offset = 0;
    }
  }
}

function credentialsOf(mode: DtlsMode, channel: DtlsDataChannel, tls: TLSSocket): DtlsCredentials<DtlsDataChannel> {
  if (mode.kind === 'legacy') {
    const { masterSecret, suite } = mode;
    return { kind: 'resume', masterSecret, cipherSuite: suite, context: channel, session: channel };
  }
  // Without the context argument: an empty context differs from none under TLS 1.2 (§7.2).
  const exportKey = tls.exportKeyingMaterial.bind(tls) as (length: number, label: string) => Buffer;
  const key = createSecretKey(exportKey(PSK_BYTES, PSK_LABEL));
  return { kind: 'psk', key, context: channel, session: channel, cipherSuites: PSK_SUITES };
}

/** Makes the UDP side of a gateway: one socket, DTLS 1.2 in PSK and legacy mode. */
export const createDataChannels: DataChannelFactory = (options) => new UdpDataChannels(options);
