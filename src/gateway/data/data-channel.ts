import { createSecretKey } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { NO_TAPS } from '../../capture/index.ts';
import { acceleratedProtection, accelerationInUse } from '../../dtls/acceleration.ts';
import type { ClientHelloInfo, DtlsCredentials, DtlsServerEngine } from '../../dtls/association/types.ts';
import { EngineTimer } from '../../dtls/engine-timer.ts';
import { DtlsServer } from '../../dtls/server.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { DeadlineHeap } from '../../lib/deadline-heap.ts';
import { endpointText, sameEndpoint } from '../../lib/endpoint.ts';
import { watchTimer } from '../../lib/late-tick.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type DatagramSocketOptions,
  type Endpoint,
  FaultyDatagramSocket,
  SocketMemory,
} from '../../udp/index.ts';
import type { ClientHeaders } from '../../wire/cstp-headers.ts';
import { APP_ID_BYTES, APP_ID_EXTENSION, PSK_BYTES, PSK_LABEL } from '../../wire/dtls-channel.ts';
import type { TunnelPort } from '../session/channel-ports.ts';
import { DATAGRAM_HEADROOM, MAX_NEWCOMERS, MIN_DATAGRAM_SLOT, SILENCE_SCAN_MS } from './data-channel-constants.ts';
import type {
  DataChannelFactory,
  DataChannelOffer,
  DataChannelOptions,
  DataChannelServer,
} from './data-channel-port.ts';
import { DtlsDataChannel, newDataChannelCounters } from './dtls-data-channel.ts';
import { chooseDtlsMode, type DtlsMode, dtlsOfferHeaders, dtlsOverhead, pskSuites } from './dtls-offer.ts';
import { applicationId, applicationIdOf } from './hello-session.ts';
import { OTHER_KEY, RefusalLog } from './refusal-log.ts';

/** One UDP socket and the DTLS associations of all sessions on it. */
class UdpDataChannels implements DataChannelServer, DatagramReceiver {
  readonly #options: DataChannelOptions;
  /** By id, each with its channel as context. */
  readonly #credentials = new Map<string, DtlsCredentials<DtlsDataChannel>>();
  /** When to check each channel next; channels whose silence is not measured are not included. */
  readonly #due = new DeadlineHeap<DtlsDataChannel>();
  readonly #engine: DtlsServerEngine<DtlsDataChannel>;
  readonly #timer: EngineTimer;
  readonly #memory = new SocketMemory();
  /** Session ids by the endpoint of their association, for faults that select a session. */
  readonly #peers = new Map<string, string>();
  /** The same before there is an association: from the first ClientHello of the endpoint. */
  readonly #newcomers = new Map<string, string>();
  readonly #counters = newDataChannelCounters();
  #socket: DatagramSocket | undefined;
  /** Monotonic time of the current batch; NaN between batches. */
  #now = Number.NaN;
  #scan: Timer | undefined;
  /** Both clocks at the last check: time by which one has advanced more than the other counts, or does not count, as silence. */
  #seen = { time: 0, machine: 0 };
  /** During a jump of time: when the clients were probed. A client that was heard since then is alive, however far time has jumped. */
  #askedAt = Infinity;
  readonly #machine: Clock;
  readonly #refusals: RefusalLog;
  #failures = 0;
  #closing: Promise<void> | undefined;

  constructor(options: DataChannelOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#refusals = new RefusalLog(options.emit, this.#machine);
    this.#engine = new DtlsServer<DtlsDataChannel>({
      send: (buffer, offset, length, peer) => this.#memory.send(buffer, offset, length, peer as Endpoint),
      memory: this.#memory,
      protection: acceleratedProtection(options.acceleration),
      random: options.random,
      onKeylog: keylogOf(options),
      // Off, as in ocserv: clients without support for it are in use (observed: openconnect 9.x with GnuTLS).
      extendedMasterSecret: false,
      lookup: (hello) => this.#lookup(hello),
      onConnect: (association) => {
        const { key } = association.peer as Endpoint;
        this.#peers.set(key, association.context.tunnel.id);
        this.#newcomers.delete(key);
        association.context.connected(association, this.#time);
      },
      onData: (association, buffer, offset, length) => {
        association.context.input(association, buffer, offset, length, this.#now);
      },
      onClose: (association, reason, details) => {
        const { key } = association.peer as Endpoint;
        const successor = association.context.association;
        // A replaced association has left the entry to its successor at the same endpoint.
        if (!successor || successor === association || !sameEndpoint(successor.peer, association.peer))
          this.#peers.delete(key);
        this.#refusals.ended(association.peer);
        association.context.disconnected(association, reason, details, this.#time);
      },
      onMove: (association, from, to) => {
        this.#peers.delete((from as Endpoint).key);
        this.#peers.set((to as Endpoint).key, association.context.tunnel.id);
        association.context.moved(from, to);
      },
      onHandshakeFailed: (channel, peer, reason, details) => {
        // One side ended it, or its tunnel ended before the handshake was complete: no client was rejected.
        if (reason === 'local' || reason === 'close-notify' || channel.closed) {
          this.#refusals.ended(peer);
          return;
        }
        const { alert, explanation = 'The DTLS handshake was not completed.', otherKey = false } = details;
        const why = otherKey ? `${explanation} ${OTHER_KEY}` : explanation;
        this.#refusals.tell(peer, alert ?? reason, why, channel.tunnel.id);
      },
      flights: {
        wanted: () => options.emit.wanted?.('debug') ?? true,
        tell: (channel, peer, { messages, ...flight }) => {
          const remote = endpointText(peer.address, peer.port);
          const { id } = channel.tunnel;
          options.emit('channel.dtls.flight', { session: id, remote, ...flight, messages: messages.join(', ') });
        },
      },
      onDrop: (reason, peer, handshaking) => {
        const { key } = peer as Endpoint;
        this.#refusals.dropped(reason, peer, handshaking, this.#peers.get(key) ?? this.#newcomers.get(key));
      },
    });
    this.#timer = new EngineTimer(this.#engine, this.#machine);
  }

  async bind(host: string, port: number): Promise<void> {
    const address = isIP(host) ? host : (await lookup(host)).address;
    const maxDatagram = Math.max(MIN_DATAGRAM_SLOT, this.#options.mtu + DATAGRAM_HEADROOM);
    const { acceleration, faults, network, taps = NO_TAPS } = this.#options;
    const socket = { host: address, port, maxDatagram, receiver: this };
    const open = (options: DatagramSocketOptions) => network.openDatagrams(options, acceleration);
    this.#socket = faults
      ? await FaultyDatagramSocket.open({ faults, taps, sessionOf: this.#sessionOf }, socket, open)
      : await open(socket);
    this.#memory.use(this.#socket);
    if (faults?.udpShut) await this.openPort(false);
    const { records, datagrams, text } = accelerationInUse(acceleration);
    this.#options.emit('gateway.acceleration', { records, datagrams, explanation: text });
  }

  async openPort(open: boolean): Promise<boolean> {
    if (!(this.#socket instanceof FaultyDatagramSocket)) return false;
    await this.#socket.openPort(open);
    return true;
  }

  overhead(headers: ClientHeaders, tls: TLSSocket): number | undefined {
    const mode = chooseDtlsMode(headers);
    return mode && dtlsOverhead(mode, tls.getCipher().name);
  }

  offer(headers: ClientHeaders, tunnel: TunnelPort, tls: TLSSocket): DataChannelOffer | undefined {
    const mode = chooseDtlsMode(headers);
    if (!mode || !this.#socket || this.#closing) return undefined;
    const { emit, random } = this.#options;
    const clock = this.#machine;
    const id = random.bytes(APP_ID_BYTES);
    const channel = new DtlsDataChannel({
      tunnel,
      key: id.toString('latin1'),
      clock,
      emit,
      port: this.#options.announcedPort ?? this.#socket.port,
      counters: this.#counters,
      faults: this.#options.faults,
      onBatchEnd: () => this.onBatchEnd(),
      onSooner: this.#watch,
      onClose: (closed) => {
        this.#credentials.delete(closed.key);
        this.#refusals.closed(closed.key);
        this.#due.remove(closed);
      },
    });
    this.#credentials.set(channel.key, credentialsOf(mode, channel, tls));
    this.#watch(channel);
    return { headers: dtlsOfferHeaders(mode, id, tunnel.mtu), channel };
  }

  askBefore(leap: number): void {
    this.#askedAt = this.#machine.monotonic();
    for (const { context } of this.#credentials.values()) context.askBefore(leap, this.#askedAt);
  }

  get asked(): boolean {
    for (const { context } of this.#credentials.values()) if (context.asked) return true;
    return false;
  }

  leapt(): void {
    this.#look(0);
    this.#askedAt = Infinity;
  }

  stats(): Readonly<Record<string, number>> {
    const stats: Record<string, number> = {
      ...this.#counters,
      channels: this.#credentials.size,
      failures: this.#failures,
    };
    stats.associations = this.#engine.size;
    stats.handshakes = this.#engine.handshakes;
    for (const [name, value] of Object.entries(this.#engine.stats)) stats[`dtls.${name}`] = value;
    for (const [name, value] of Object.entries(this.#socket?.stats ?? {})) stats[`udp.${name}`] = value;
    return stats;
  }

  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void {
    if (Number.isNaN(this.#now)) this.#now = this.#machine.monotonic();
    try {
      this.#engine.input(buffer.subarray(offset, offset + length), from, this.#now);
    } catch (error) {
      // No datagram may end the process. An error here is a defect: it is reported and counted.
      this.#failures++;
      this.#refusals.tell(
        from,
        'failure',
        `Processing a datagram failed: ${error instanceof Error ? error.message : error}.`,
      );
    }
  }

  onBatchEnd(): void {
    this.#now = Number.NaN;
    this.#timer.arm();
    this.#options.onBatchEnd();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#timer.cancel();
    this.#scan?.cancel();
    for (const { context } of [...this.#credentials.values()]) context.close();
    this.#engine.close();
    this.#socket?.flush();
    await this.#socket?.close();
  }

  get #time(): number {
    return Number.isNaN(this.#now) ? this.#machine.monotonic() : this.#now;
  }

  /** Finds the channel by extension 48018 of older clients, otherwise by the session id, as ocserv 1.3.0 does. */
  #lookup(hello: ClientHelloInfo): DtlsCredentials<DtlsDataChannel> | undefined {
    const id = applicationId(hello.extension(APP_ID_EXTENSION), hello.sessionId);
    const key = id.toString('latin1');
    const credentials = this.#credentials.get(key);
    if (credentials) {
      credentials.context.helloArrived();
      this.#greet(hello.peer as Endpoint, credentials.context.tunnel.id);
    } else this.#refusals.strayed(key, hello.peer);
    return credentials;
  }

  readonly #sessionOf = (from: Endpoint, buffer: Buffer, offset: number, length: number): string | undefined => {
    const known = this.#peers.get(from.key);
    if (known !== undefined) return known;
    const id = applicationIdOf(buffer, offset, length);
    const named = id && this.#credentials.get(id.toString('latin1'))?.context.tunnel.id;
    if (named === undefined) return this.#newcomers.get(from.key);
    this.#greet(from, named);
    return named;
  };

  #greet({ key }: Endpoint, session: string): void {
    if (this.#newcomers.size >= MAX_NEWCOMERS) this.#newcomers.clear();
    this.#newcomers.set(key, session);
  }

  readonly #scanSilence = (late: number): void => {
    this.#scan = undefined;
    this.#look(late);
    if (this.#due.next < Infinity) this.#watchSilence();
  };

  /** Checks the channel if that is due. */
  readonly #watch = (channel: DtlsDataChannel): void => {
    this.#due.schedule(channel, channel.nextLook);
    if (this.#scan || this.#due.next === Infinity) return;
    this.#drift();
    this.#watchSilence();
  };

  #watchSilence(): void {
    this.#scan = watchTimer(this.#machine, SILENCE_SCAN_MS, this.#scanSilence);
  }

  #look(late: number): void {
    const drift = this.#drift();
    const now = this.#seen.machine;
    // Silence has become longer or shorter than the time that has passed: for every channel whose silence is measured.
    if (drift !== 0 || late > 0) {
      for (const channel of this.#due.items()) {
        if (drift !== 0) channel.shift(drift, this.#askedAt, now);
        channel.check(now, late);
        this.#due.schedule(channel, channel.nextLook);
      }
    }
    while (this.#due.next <= now) {
      const channel = this.#due.shift();
      channel.check(now);
      this.#due.schedule(channel, Math.max(channel.nextLook, now + 1));
    }
  }

  /** Milliseconds by which time has advanced beyond the machine's since the last check, apart from the time between the two readings. */
  #drift(): number {
    const seen = { time: this.#options.clock.monotonic(), machine: this.#machine.monotonic() };
    const drift = seen.time - this.#seen.time - (seen.machine - this.#seen.machine);
    this.#seen = seen;
    return Math.abs(drift) < 1 ? 0 : drift;
  }
}

/** Where key-log lines are written: to a file, to the current capture, or nowhere. */
function keylogOf({ keylog, taps }: DataChannelOptions): ((line: string) => void) | undefined {
  if (taps === undefined) return keylog;
  return (line) => {
    keylog?.(line);
    taps.keys?.(line);
  };
}

function credentialsOf(mode: DtlsMode, channel: DtlsDataChannel, tls: TLSSocket): DtlsCredentials<DtlsDataChannel> {
  if (mode.kind === 'legacy') {
    const { masterSecret, suite } = mode;
    return { kind: 'resume', masterSecret, cipherSuite: suite, context: channel, session: channel };
  }
  // Without the context argument: with TLS 1.2, an empty context gives another key than none (RFC 5705 §4).
  const exportKey = tls.exportKeyingMaterial.bind(tls) as (length: number, label: string) => Buffer;
  const key = createSecretKey(exportKey(PSK_BYTES, PSK_LABEL));
  return { kind: 'psk', key, context: channel, session: channel, cipherSuites: pskSuites(tls.getCipher().name) };
}

/** Creates the UDP side of a gateway: one socket, DTLS 1.2 in PSK and legacy mode. */
export const createDataChannels: DataChannelFactory = (options) => new UdpDataChannels(options);
