import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { type FaultPorts, noFaults } from '../faults/ports.ts';
import { CloseStack } from '../lib/dispose.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { bindPorts, closeServer } from './bind-ports.ts';
import { ADDRESS_COOL_DOWN, MAX_PENDING_CONNECTIONS, SCAN_INTERVAL } from './constants.ts';
import { BAN_POINTS, BanList } from './control/bans.ts';
import type { BearerPrefix } from './control/bearer.ts';
import { type ConnectionHost, ControlConnection } from './control/connection.ts';
import { Pages } from './control/pages.ts';
import { remoteAddressOf, remoteOf } from './control/remote-address.ts';
import type { Transport } from './control/transport.ts';
import type { DataChannelFactory, DataChannelServer } from './data/data-channel-port.ts';
import { AddressPool } from './session/address-pool.ts';
import type { GatewaySession, SessionHost } from './session/session.ts';
import { MemorySessionStore } from './session/session-store.ts';
import { Sessions } from './session/sessions.ts';
import type { Gateway, GatewayOptions, PacketPort, SessionInfo } from './types.ts';

const NO_PACKETS: PacketPort = {
  onPacket() {},
  onBatchEnd() {},
  onAddressReleased() {},
};

/** The gateway: TLS listener, sessions, channels. Made by `createGateway`. */
export class TunnelGateway implements Gateway, SessionHost, ConnectionHost {
  packets: PacketPort = NO_PACKETS;
  coarseNow: number;
  readonly host: string;
  readonly settings;
  readonly verifier;
  readonly emit;
  readonly clock;
  readonly sessionTable: Sessions;
  readonly pages: Pages;
  readonly bearerPrefix: BearerPrefix;
  readonly faults: FaultPorts;
  readonly ownAddresses: ReadonlySet<string>;
  readonly dataChannels: DataChannelServer | undefined;
  readonly #options: GatewayOptions;
  readonly #secureContext: SecureContext;
  readonly #pool4: AddressPool | undefined;
  readonly #pool6: AddressPool | undefined;
  /** Connections without a tunnel, oldest first. */
  readonly #pending = new Set<ControlConnection>();
  readonly #tunnels = new Set<ControlConnection>();
  readonly #closing = new CloseStack();
  readonly #bans: BanList | undefined;
  #port = 0;
  #accepted = 0;
  #overLimit = 0;
  #failedLogins = 0;
  #undeliverable = 0;

  constructor(options: GatewayOptions, dataChannelFactory: DataChannelFactory | undefined) {
    this.#options = options;
    this.host = options.host;
    this.settings = options.settings;
    this.verifier = options.verifier;
    this.emit = options.emit;
    this.clock = options.clock;
    this.coarseNow = options.clock.monotonic();
    this.bearerPrefix = options.bearerPrefix ?? 'lenient';
    this.faults = options.faults ?? noFaults;
    this.#bans = options.bans && new BanList(options.bans, options.clock);
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
      onAddressReleased: (address) => this.packets.onAddressReleased(address),
    });
    try {
      this.pages = new Pages(options.tls.cert, options.tls.ca);
      this.#secureContext = createSecureContext({
        cert: options.tls.cert,
        key: options.tls.key,
        minVersion: options.tls.minVersion ?? 'TLSv1.2',
        maxVersion: options.tls.maxVersion ?? 'TLSv1.3',
        honorCipherOrder: true,
      });
    } catch (cause) {
      throw new TunneliteError(
        'ERR_GATEWAY_CERTIFICATE',
        `The gateway's certificate cannot be used: ${errorText(cause)}`,
        {
          cause,
        },
      );
    }
    this.dataChannels = settings.disableUdp
      ? undefined
      : dataChannelFactory?.({
          settings,
          emit,
          clock,
          random,
          accelerate: options.accelerate ?? true,
          faults: this.faults,
          keylog: options.tls.keylog,
        });
  }

  get port(): number {
    return this.#port;
  }

  get udpPort(): number {
    return this.#port;
  }

  get monotonic(): number {
    return this.clock.monotonic();
  }

  get pool4() {
    return this.#pool4?.facts;
  }

  get pool6() {
    return this.#pool6?.facts;
  }

  /** Binds TCP and UDP and starts to accept. */
  async listen(): Promise<void> {
    const { host, port } = this.#options;
    const channels = this.dataChannels;
    const bound = await bindPorts({
      host,
      port,
      bindUdp: channels && ((udpPort) => channels.bind(host, udpPort)),
      onConnection: (socket) => this.#onConnection(socket),
    });
    this.#port = bound.port;
    if (channels) this.#closing.use(channels);
    this.#closing.defer(() => closeServer(bound.server));
    this.#closing.defer(() => this.#endAll());
    this.#scan();
  }

  deliver(buffer: Buffer, offset: number, length: number): boolean {
    const session = this.sessionTable.forPacket(buffer, offset, length);
    if (!session) {
      this.#undeliverable++;
      return false;
    }
    return session.deliver(buffer, offset, length);
  }

  sessions(): SessionInfo[] {
    return Array.from(this.sessionTable.values(), (session) => session.snapshot());
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

  stats(): Readonly<Record<string, number>> {
    const totals = { bytesIn: 0, bytesOut: 0, packetsIn: 0, packetsOut: 0, dropped: 0, spoofed: 0, malformed: 0 };
    for (const session of this.sessionTable.values()) {
      for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += session[key];
    }
    return {
      ...this.dataChannels?.stats(),
      connectionsAccepted: this.#accepted,
      connectionsPending: this.#pending.size,
      connectionsOverLimit: this.#overLimit,
      tunnels: this.#tunnels.size,
      sessions: this.sessionTable.size,
      failedLogins: this.#failedLogins,
      undeliverable: this.#undeliverable,
      addresses4: this.#pool4?.taken ?? 0,
      addresses6: this.#pool6?.taken ?? 0,
      ...totals,
    };
  }

  secure(transport: Transport): TLSSocket {
    const socket = new TLSSocket(transport, { isServer: true, secureContext: this.#secureContext });
    const keylog = this.#options.tls.keylog;
    if (keylog) socket.on('keylog', (line: Buffer) => keylog(line.toString('latin1').trimEnd()));
    return socket;
  }

  onTunnel(connection: ControlConnection): void {
    this.#pending.delete(connection);
    this.#tunnels.add(connection);
  }

  onFailedLogin(remoteAddress: string): void {
    this.#failedLogins++;
    this.#bans?.add(remoteAddress, BAN_POINTS.failedLogin);
  }

  onGone(connection: ControlConnection): void {
    this.#pending.delete(connection);
    this.#tunnels.delete(connection);
  }

  onTunnelEnd(session: GatewaySession, keep: boolean): void {
    this.sessionTable.tunnelEnded(session, keep);
  }

  close(): Promise<void> {
    return this.#closing.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Why a connection is closed before TLS, if it is. */
  #refusal(address: string): { readonly reason: string; readonly explanation: string } | undefined {
    const { maxSessions } = this.settings;
    if (this.#tunnels.size >= maxSessions) {
      return { reason: 'full', explanation: `${maxSessions} sessions are connected, as many as are allowed.` };
    }
    if (!this.#bans) return undefined;
    this.#bans.add(address, BAN_POINTS.connection);
    if (!this.#bans.banned(address)) return undefined;
    const { banTime } = this.#options.bans!;
    return { reason: 'banned', explanation: `${address} failed too often and is shut out for ${banTime} s.` };
  }

  #onConnection(socket: Socket): void {
    this.#accepted++;
    const refusal = this.#refusal(remoteAddressOf(socket));
    if (refusal) {
      this.#overLimit++;
      this.emit('http.rejected', { remote: remoteOf(socket), ...refusal });
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    if (this.#pending.size >= MAX_PENDING_CONNECTIONS) {
      for (const oldest of this.#pending) {
        oldest.destroy();
        break;
      }
    }
    this.#pending.add(new ControlConnection(socket, this));
  }

  #scan(): void {
    const timer = this.clock.setTimer(SCAN_INTERVAL, () => {
      const now = this.clock.monotonic();
      this.coarseNow = now;
      for (const connection of this.#pending) connection.check(now);
      for (const connection of this.#tunnels) connection.check(now);
      this.sessionTable.check(now);
      if (!this.#closing.closed) this.#scan();
    });
    this.#timer = timer;
  }

  #timer: { cancel(): void } | undefined;

  async #endAll(): Promise<void> {
    this.#timer?.cancel();
    for (const session of [...this.sessionTable.values()]) {
      session.end('shutdown', 'The gateway is shutting down.');
    }
    for (const connection of [...this.#pending, ...this.#tunnels]) connection.destroy();
  }
}
