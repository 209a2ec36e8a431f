import type { Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type CaptureTaps, NO_TAPS, type TappedConnection } from '../capture/index.ts';
import { type FaultPorts, noFaults, type StreamFault, type TcpConnection } from '../faults/ports.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import type { Person } from '../lib/person.ts';
import { ReportLimit } from '../lib/report-limit.ts';
import type { ClockFollower } from '../lib/simulator-clock.ts';
import { type Network, systemNetwork } from '../network/index.ts';
import type { Transport } from '../tls/transport.ts';
import { bindPorts, closeServer } from './bind-ports.ts';
import { DISCONNECT_FLUSH_MS, MAX_PENDING_CONNECTIONS, PENDING_DESCRIPTOR_SHARE, STRANGERS_TOLD } from './constants.ts';
import type { BearerPrefix } from './control/bearer.ts';
import type { ControlConnection } from './control/connection.ts';
import type { ConnectionHost } from './control/connection-host.ts';
import { Pages } from './control/pages.ts';
import type { Stage } from './control/waiting-room.ts';
import type { DataChannelFactory, DataChannelServer } from './data/data-channel-port.ts';
import { Door } from './door.ts';
import { type DrainOptions, type DrainResult, Lifecycle, type LifecycleHost, type StopOptions } from './lifecycle.ts';
import type { GatewayState } from './lifecycle-state.ts';
import { ServerTls } from './server-tls.ts';
import { AddressPool } from './session/address-pool.ts';
import { ADDRESS_COOL_DOWN } from './session/constants.ts';
import type { GatewaySession } from './session/session.ts';
import { MemorySessionStore } from './session/session-store.ts';
import { Sessions, type SessionsHost } from './session/sessions.ts';
import { SessionFaults } from './session-faults.ts';
import { TimeKeeper, type TimeKeeperHost } from './time-keeper.ts';
import type { ForwardPort, Gateway, GatewayOptions, PacketPort, SessionInfo } from './types.ts';

const NO_PACKETS: PacketPort = {
  onPacket() {},
  onBatchEnd() {},
  onPathChanged() {},
  onAddressReleased() {},
};

/** The gateway: TLS listener, sessions, channels. Created by `createGateway`. */
export class TunnelGateway
  implements Gateway, SessionsHost, ConnectionHost<ControlConnection>, LifecycleHost, TimeKeeperHost
{
  readonly host: string;
  readonly verifier;
  readonly emit;
  readonly clock;
  readonly machine;
  readonly sessionTable: Sessions;
  readonly bearerPrefix: BearerPrefix;
  readonly forward: ForwardPort | undefined;
  readonly faults: FaultPorts;
  readonly taps: CaptureTaps;
  readonly faultedSessions: SessionFaults;
  readonly strangers: ReportLimit;
  readonly #network: Network;
  readonly ownAddresses: ReadonlySet<string>;
  readonly #options: GatewayOptions;
  readonly #makeDataChannels: () => DataChannelServer | undefined;
  #pages: Pages;
  readonly #tls: ServerTls;
  readonly #pool4: AddressPool | undefined;
  readonly #pool6: AddressPool | undefined;
  readonly #door: Door;
  readonly #lifecycle: Lifecycle;
  readonly #timeKeeper: TimeKeeper;
  #packets: PacketPort = NO_PACKETS;
  /** Packets were passed on since the end of the last batch. */
  #inBatch = false;
  /** Callbacks that wait for the end of the batch. */
  #afterBatch: (() => void)[] = [];
  #settings: GatewayOptions['settings'];
  #port = 0;
  #server: Server | undefined;
  #dataChannels: DataChannelServer | undefined;
  #undeliverable = 0;

  constructor(options: GatewayOptions, dataChannelFactory: DataChannelFactory | undefined) {
    this.#options = options;
    this.host = options.host;
    this.#settings = options.settings;
    this.verifier = options.verifier;
    this.emit = options.emit;
    this.clock = options.clock;
    this.machine = options.machine ?? options.clock;
    this.strangers = new ReportLimit(this.machine, STRANGERS_TOLD);
    this.bearerPrefix = options.bearerPrefix ?? DEFAULTS.gateway.bearerPrefix;
    this.faults = options.faults ?? noFaults;
    this.taps = options.taps ?? NO_TAPS;
    this.forward = options.forward;
    this.#network = options.network ?? systemNetwork;
    const { settings, clock, random, emit } = options;
    const coolDown = ADDRESS_COOL_DOWN * 1000;
    this.#pool4 = settings.network === undefined ? undefined : new AddressPool(settings.network, coolDown);
    this.#pool6 = settings.ipv6Network === undefined ? undefined : new AddressPool(settings.ipv6Network, coolDown);
    this.ownAddresses = new Set([this.#pool4, this.#pool6].flatMap((pool) => (pool ? [pool.facts.gateway] : [])));
    this.sessionTable = new Sessions({
      host: this,
      clock,
      random,
      store: options.store ?? new MemorySessionStore(),
      pool4: this.#pool4,
      pool6: this.#pool6,
      cookieTimeout: settings.cookieTimeout,
    });
    this.#tls = new ServerTls(options.tls);
    this.#pages = new Pages(options.tls.cert, options.tls.ca);
    this.#makeDataChannels = () =>
      settings.disableUdp
        ? undefined
        : dataChannelFactory?.({
            mtu: settings.mtu,
            announcedPort: settings.announcedUdpPort,
            emit,
            clock,
            machine: this.machine,
            random,
            onBatchEnd: () => this.onBatchEnd(),
            acceleration: options.acceleration ?? true,
            network: this.#network,
            faults: this.faults,
            keylog: options.tls.keylog,
            taps: options.taps,
          });
    this.#door = new Door({
      emit,
      clock,
      maxPending: options.maxPendingConnections ?? withinDescriptors(MAX_PENDING_CONNECTIONS, PENDING_DESCRIPTOR_SHARE),
      bans: options.bans,
      host: this,
    });
    this.faultedSessions = new SessionFaults({
      faults: this.faults,
      sessions: this.sessionTable,
      tunnels: this.#door.tunnels,
      ban: (address, points) => this.#door.ban(address, points),
    });
    this.#lifecycle = new Lifecycle(this);
    this.#timeKeeper = new TimeKeeper(this);
  }

  get settings(): GatewayOptions['settings'] {
    return this.#settings;
  }

  configure(settings: GatewayOptions['settings']): void {
    const { network, ipv6Network, mtu, disableUdp, announcedUdpPort, cookieTimeout, rekeyTime } = this.#settings;
    const kept = { network, ipv6Network, mtu, disableUdp, announcedUdpPort, cookieTimeout, rekeyTime };
    this.#settings = { ...settings, ...kept };
  }

  get pages(): Pages {
    return this.#pages;
  }

  useCertificate(pair: { readonly cert: string; readonly key: string }): void {
    this.#tls.use(pair);
    this.#pages = new Pages(pair.cert, this.#options.tls.ca);
  }

  get follower(): ClockFollower {
    return this.#timeKeeper;
  }

  get port(): number {
    return this.#port;
  }

  get udpPort(): number {
    return this.settings.announcedUdpPort ?? this.#port;
  }

  get coarseNow(): number {
    return this.#timeKeeper.coarseNow;
  }

  get pool4() {
    return this.#pool4?.facts;
  }

  get dataChannels(): DataChannelServer | undefined {
    return this.#dataChannels;
  }

  get rekeyTime(): number | undefined {
    return this.settings.rekeyTime;
  }

  get pendingConnections(): Iterable<ControlConnection> {
    return this.#door.pending;
  }

  get closingConnections(): Iterable<ControlConnection> {
    return this.#door.closing;
  }

  // --- the life of the gateway

  get state(): GatewayState {
    return this.#lifecycle.state;
  }

  get unavailable(): string | undefined {
    return this.#lifecycle.unavailable;
  }

  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  stop(options?: StopOptions): Promise<void> {
    return this.#lifecycle.stop(options);
  }

  restart(options?: StopOptions): Promise<void> {
    return this.#lifecycle.restart(options);
  }

  drain(options?: DrainOptions): Promise<DrainResult> {
    return this.#lifecycle.drain(options);
  }

  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Binds TCP and UDP to their previous port numbers and starts to accept. */
  async open(): Promise<void> {
    const { host, port } = this.#options;
    const channels = this.#makeDataChannels();
    const bound = await bindPorts({
      network: this.#network,
      host,
      port: this.#port || port,
      bindUdp: channels && ((udpPort) => channels.bind(host, udpPort)),
      onConnection: (socket) => this.#door.onConnection(socket),
      onAcceptError: (error) => this.#door.onAcceptError(error),
    });
    this.#port = bound.port;
    this.#server = bound.server;
    this.#dataChannels = channels;
    this.#timeKeeper.start();
  }

  async shut({ cookies, notify, final }: Parameters<LifecycleHost['shut']>[0]): Promise<void> {
    const closed = this.#server && closeServer(this.#server);
    for (const session of [...this.sessionTable.values()]) {
      if (final) session.end('shutdown', 'The gateway is shutting down.');
      else if (session.connected || cookies === 'lose') {
        session.end('restart', 'The gateway is stopping.', { notify, dropCookie: cookies === 'lose' });
      }
    }
    if (notify) await this.#door.whenEmpty('all', this.machine, DISCONNECT_FLUSH_MS);
    this.#door.destroy('all');
    this.faults.tcp?.abandon();
    if (final) this.#timeKeeper.stop();
    await closed;
    await this.#dataChannels?.close();
    this.#server = undefined;
    this.#dataChannels = undefined;
  }

  reset(): Promise<number> {
    return this.#lifecycle.reset();
  }

  async forgetAll(): Promise<number> {
    // A pending login would otherwise create a session after the reset.
    this.#door.destroy('pending');
    await this.#door.whenEmpty('pending', this.machine, DISCONNECT_FLUSH_MS);
    const sessions = [...this.sessionTable.values()];
    for (const session of sessions) session.end('reset', 'The simulator was reset.');
    // Leave the batch from which this may have been called; addresses are free after it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#door.forgiveAll();
    this.#pool4?.reset();
    this.#pool6?.reset();
    return sessions.length;
  }

  turnAway(refusal: Door['shut']): void {
    this.#door.turnAway(refusal);
  }

  get turnsAway(): Door['shut'] {
    return this.#door.shut;
  }

  connected(): number {
    return this.sessionTable.connected();
  }

  endConnected(explanation: string): void {
    for (const session of [...this.sessionTable.values()]) if (session.connected) session.end('shutdown', explanation);
  }

  onConnectedChanged(): void {
    this.#lifecycle.changed();
  }

  attach(packets: PacketPort): void {
    this.#packets = packets;
  }

  handOn(buffer: Buffer, offset: number, length: number, session: GatewaySession): void {
    this.#inBatch = true;
    this.#packets.onPacket(buffer, offset, length, session);
  }

  /** Call after each read of a TCP or UDP socket. */
  onBatchEnd(): void {
    if (!this.#inBatch) return;
    this.#inBatch = false;
    try {
      this.#packets.onBatchEnd();
    } finally {
      const waiting = this.#afterBatch;
      this.#afterBatch = [];
      for (const work of waiting) work();
    }
  }

  afterBatch(work: () => void): void {
    if (this.#inBatch) this.#afterBatch.push(work);
    else work();
  }

  onPathChanged(address: string): void {
    this.#packets.onPathChanged(address);
  }

  onAddressReleased(address: string, session: GatewaySession): void {
    this.#packets.onAddressReleased(address, session);
  }

  deliver(buffer: Buffer, offset: number, length: number): boolean {
    const session = this.sessionTable.forPacket(buffer, offset, length);
    if (!session) {
      this.#undeliverable++;
      return false;
    }
    return session.deliver(buffer, offset, length);
  }

  async openUdp(open: boolean): Promise<boolean> {
    return (await this.#dataChannels?.openPort?.(open)) ?? false;
  }

  *tcpConnections(): Iterable<TcpConnection> {
    for (const { asTcp } of this.#door.pending) yield asTcp;
    for (const { asTcp } of this.#door.tunnels) yield asTcp;
  }

  *tappedConnections(): Iterable<TappedConnection> {
    yield* this.#door.pending;
    yield* this.#door.tunnels;
  }

  sessions(): SessionInfo[] {
    return Array.from(this.sessionTable.values(), (session) => session.snapshot());
  }

  personOf(id: string): Person | undefined {
    return this.sessionTable.byId(id);
  }

  sessionAt(address: string): SessionInfo | undefined {
    const session = this.sessionTable.byAddress(address);
    return session?.connected ? session.snapshot() : undefined;
  }

  mtuOf(address: string): number | undefined {
    const session = this.sessionTable.byAddress(address);
    return session?.connected ? session.mtu : undefined;
  }

  disconnect(id: string, explanation?: string): boolean {
    const session = this.sessionTable.byId(id);
    if (!session) return false;
    session.end('admin', explanation ?? 'An administrator ended the session; its cookie is no longer valid.');
    return true;
  }

  expire(id: string): boolean {
    const session = this.sessionTable.byId(id);
    session?.expire('It was expired on request.');
    return session !== undefined;
  }

  rekey(id: string): boolean {
    return this.sessionTable.byId(id)?.rekey('A rekey was requested.') ?? false;
  }

  stats(): Readonly<Record<string, number>> {
    return {
      ...this.#dataChannels?.stats(),
      connectionsAccepted: this.#door.accepted,
      connectionsPending: this.#door.pending.size,
      connectionsOverLimit: this.#door.turnedAway,
      tunnels: this.#door.tunnels.size,
      sessions: this.sessionTable.size,
      failedLogins: this.#door.failedLogins,
      undeliverable: this.#undeliverable,
      addresses4: this.#pool4?.taken ?? 0,
      addresses6: this.#pool6?.taken ?? 0,
      ...this.sessionTable.traffic,
    };
  }

  covers(name: string): boolean {
    return this.#tls.covers(name);
  }

  secure(transport: Transport, remote: { readonly address: string; readonly key: string }): TLSSocket {
    return this.#tls.secure(transport, this.faults.handshake?.({ remote }), this.taps.keys);
  }

  onAccepted(connection: ControlConnection): void {
    this.taps.connections?.(connection);
  }

  onProgress(connection: ControlConnection, stage: Stage): void {
    this.#door.onProgress(connection, stage);
  }

  onTunnel(connection: ControlConnection): void {
    this.#door.onTunnel(connection);
  }

  onClosing(connection: ControlConnection): void {
    this.#door.onClosing(connection);
  }

  onFault(fault: StreamFault, session: GatewaySession | undefined, remoteAddress: string): void {
    this.faultedSessions.act(fault, session, remoteAddress);
  }

  answersDpd(session: GatewaySession): boolean {
    return this.faultedSessions.answersDpd(session);
  }

  onFailedLogin(remoteAddress: string): void {
    this.#door.onFailedLogin(remoteAddress);
  }

  onGone(connection: ControlConnection): void {
    this.#door.onGone(connection);
  }
}
