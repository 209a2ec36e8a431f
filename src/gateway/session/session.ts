import type { CaptureTaps } from '../../capture/index.ts';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Sleeper } from '../../lib/deadline-heap.ts';
import { type Person, type PersonFacts, personFields, personOf } from '../../lib/person.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { TunnelAddress } from './address-pool.ts';
import type { ControlChannel, DataChannel, EndReason } from './channel-ports.ts';
import { PacketSeam } from './packet-seam.ts';
import { holdsCookie, nextSession, SessionEffect, SessionEvent, SessionState } from './session-state.ts';
import { addTraffic, NO_TRAFFIC, type Traffic } from './traffic.ts';
import { Tunnel, type TunnelOwner, type TunnelTerms } from './tunnel.ts';
import type { SessionInfo } from './types.ts';

/** What a session needs from its table and the gateway. */
export interface SessionHost {
  readonly emit: Emit;
  /** Monotonic milliseconds as of the last scan: accurate to a second, at no cost. */
  readonly coarseNow: number;
  readonly monotonic: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: number;
  /** Milliseconds that a cookie remains valid while no tunnel uses it. */
  readonly cookieLife: number;
  readonly faults: FaultPorts;
  readonly taps: CaptureTaps;
  /** A client sent a DPD request. False: do not answer. */
  answersDpd(session: GatewaySession): boolean;
  /** The gateway's address in the tunnel. */
  gatewayAddress(version: 4 | 6): Buffer | undefined;
  /** Packets passed on must be processed now, since no batch is in progress. */
  onBatchEnd(): void;
  /** The cookie must become invalid in other processes too. */
  onCookieSpent(session: GatewaySession): void;
  /** Processes one packet from a client, with its session. */
  handOn(buffer: Buffer, offset: number, length: number, session: GatewaySession): void;
  /** Calls back when all packets passed on have been processed: at once, or at the end of the current batch. */
  afterBatch(work: () => void): void;
  /** The session has a new tunnel or another channel: packets to its addresses take another path. */
  onPathChanged(session: GatewaySession): void;
  /** State needed for a reconnect has changed. */
  onChange(session: GatewaySession): void;
  /** The time of its next check has become earlier. */
  onSooner(session: GatewaySession): void;
  /** The cookie is no longer valid. */
  onCookieGone(session: GatewaySession, reason: string): void;
  /** The session has ended and its addresses are free. */
  onEnded(session: GatewaySession): void;
}

/** The user of a session, and the address of its login. */
export interface SessionIdentity extends Person {
  readonly id: string;
  /** SHA-256 of the cookie, hex. */
  readonly key: string;
  readonly remoteAddress: string;
  readonly createdAt: number;
}

/** The tunnel addresses of a session. */
export interface SessionAddresses {
  readonly address4: TunnelAddress | undefined;
  readonly address6: TunnelAddress | undefined;
}

/** Ends that invalidate the cookie at once, as in ocserv 1.3.0; after any other end it remains valid for a while. */
const COOKIE_ENDS: ReadonlySet<EndReason> = new Set<EndReason>([
  'user',
  'admin',
  'session-timeout',
  'shutdown',
  'reset',
]);

/** A tunnel with its initial channels. */
interface Opening {
  readonly tunnel: Tunnel;
  readonly control: ControlChannel;
  readonly data: DataChannel | undefined;
}

/** Options for ending a session that override the defaults of the reason. */
export interface EndOptions {
  /** The client gets a disconnect packet first. */
  readonly notify?: boolean;
  /** The cookie is no longer valid. */
  readonly dropCookie?: boolean;
}

/** An event of the state machine, with the data for its effects. */
interface Input {
  readonly event: SessionEvent;
  readonly reason: EndReason;
  readonly explanation: string;
  readonly notify?: boolean | undefined;
  readonly opening?: Opening;
}

const SETTLED: Input = { event: SessionEvent.Settle, reason: 'expired', explanation: '' };

/**
 * One authenticated session: its cookie, its addresses, and, while connected, its tunnel. Survives the loss of its TCP
 * connection; a CONNECT with its cookie replaces its tunnel. The state machine is in session-state.ts.
 */
export class GatewaySession implements SessionInfo, TunnelOwner, Sleeper {
  readonly id: string;
  readonly key: string;
  readonly username: string;
  readonly signInName: string | undefined;
  readonly tenantId: string | undefined;
  readonly objectId: string | undefined;
  readonly facts: PersonFacts | undefined;
  readonly createdAt: number;
  /** The client address of the login; `deny-roaming` compares with it. */
  readonly loginAddress: string;
  readonly #host: SessionHost;
  #state: SessionState = SessionState.Authenticated;
  #addresses: SessionAddresses;
  /** Monotonic time at which the cookie is no longer valid; undefined while a tunnel is up. */
  #expiresAt: number | undefined;
  #connectedAt: number | undefined;
  #tunnel: Tunnel | undefined;
  /** Traffic of all tunnels before the latest one. */
  #past = NO_TRAFFIC;
  #undelivered = 0;
  /** Number of tunnels so far. */
  #tunnels = 0;
  /** The cookie is refused although the session is alive, because it was expired deliberately. */
  #cookieSpent = false;
  #packetSeam: PacketSeam | undefined;
  /** Start of the period that `session.disconnect` reports: the session has been connected since then. */
  #since = { at: 0, bytesIn: 0, bytesOut: 0 };
  /** Inputs that arrived while an earlier one was being processed. */
  readonly #inputs: Input[] = [];
  #busy = false;
  /** The session table manages these two. */
  heapIndex = -1;

  constructor(identity: SessionIdentity, host: SessionHost, addresses?: SessionAddresses) {
    this.id = identity.id;
    this.key = identity.key;
    this.username = identity.username;
    this.signInName = identity.signInName;
    this.tenantId = identity.tenantId;
    this.objectId = identity.objectId;
    this.facts = identity.facts;
    this.createdAt = identity.createdAt;
    this.loginAddress = identity.remoteAddress;
    this.#host = host;
    this.#addresses = addresses ?? { address4: undefined, address6: undefined };
    this.#expiresAt = host.monotonic + host.cookieLife;
  }

  get state(): SessionState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#state === SessionState.Connected;
  }

  /** Whether the cookie is valid. */
  get valid(): boolean {
    return holdsCookie(this.#state);
  }

  /** Whether a client with the cookie may have a tunnel now. */
  get cookieGood(): boolean {
    return this.valid && !this.#cookieSpent;
  }

  get faults(): FaultPorts {
    return this.#host.faults;
  }

  get taps(): CaptureTaps {
    return this.#host.taps;
  }

  /** Number of tunnels so far, including the current one. */
  get tunnels(): number {
    return this.#tunnels;
  }

  get emit(): Emit {
    return this.#host.emit;
  }

  get coarseNow(): number {
    return this.#host.coarseNow;
  }

  get monotonic(): number {
    return this.#host.monotonic;
  }

  /** All addresses of the session, whether its tunnel uses them or not. */
  get addresses(): SessionAddresses {
    return this.#addresses;
  }

  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  get connectedAt(): number | undefined {
    return this.#connectedAt;
  }

  get remoteAddress(): string {
    return this.#tunnel?.terms.remoteAddress ?? this.loginAddress;
  }

  /** `address:port` of the client's TLS connection, or the last known address. */
  get remote(): string {
    return this.#tunnel?.remote || this.remoteAddress;
  }

  get userAgent(): string | undefined {
    return this.#tunnel?.terms.userAgent;
  }

  get deviceType(): string | undefined {
    return this.#tunnel?.terms.deviceType;
  }

  get devicePlatform(): string | undefined {
    return this.#tunnel?.terms.devicePlatform;
  }

  get hostname(): string | undefined {
    return this.#tunnel?.terms.hostname;
  }

  get tlsCipher(): string | undefined {
    return this.#tunnel?.terms.tlsCipher;
  }

  get mtu(): number | undefined {
    return this.#tunnel?.terms.mtu;
  }

  get address4(): string | undefined {
    return (this.connected ? this.#tunnel?.terms : this.#addresses)?.address4?.text;
  }

  get address6(): string | undefined {
    return (this.connected ? this.#tunnel?.terms : this.#addresses)?.address6?.text;
  }

  get dtlsCipher(): string | undefined {
    return this.#tunnel?.dtlsCipher;
  }

  get dataChannel(): 'cstp' | 'dtls' | undefined {
    return this.#tunnel?.carrier;
  }

  get bytesIn(): number {
    return this.#past.bytesIn + (this.#tunnel?.bytesIn ?? 0);
  }

  get bytesOut(): number {
    return this.#past.bytesOut + (this.#tunnel?.bytesOut ?? 0);
  }

  /** Total traffic of the session's tunnels. */
  get traffic(): Traffic {
    const total = addTraffic(this.#past, this.#tunnel ?? NO_TRAFFIC);
    return { ...total, dropped: total.dropped + this.#undelivered };
  }

  /** An immutable copy. */
  snapshot(): SessionInfo {
    return {
      id: this.id,
      ...personOf(this),
      state: this.state,
      remoteAddress: this.remoteAddress,
      userAgent: this.userAgent,
      deviceType: this.deviceType,
      devicePlatform: this.devicePlatform,
      hostname: this.hostname,
      address4: this.address4,
      address6: this.address6,
      mtu: this.mtu,
      tlsCipher: this.tlsCipher,
      dtlsCipher: this.dtlsCipher,
      dataChannel: this.dataChannel,
      createdAt: this.createdAt,
      connectedAt: this.connectedAt,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
    };
  }

  /** Sets addresses that the table has reserved. */
  giveAddresses(addresses: SessionAddresses): void {
    this.#addresses = addresses;
  }

  /** Creates the next tunnel so that its channels can be set up; nothing changes until `connect`. */
  plan(terms: TunnelTerms): Tunnel {
    return new Tunnel(terms, this);
  }

  /** Call when the CONNECT is answered: opens the tunnel and replaces the previous one, if any. */
  connect(opening: Opening): void {
    this.#apply({ event: SessionEvent.Connect, reason: 'replaced', explanation: '', opening });
  }

  /** Ends the tunnel; for most reasons the cookie remains valid. */
  end(reason: EndReason, explanation: string, options: EndOptions = {}): void {
    const { notify, dropCookie = this.#cookieSpent || COOKIE_ENDS.has(reason) } = options;
    this.#apply({ event: dropCookie ? SessionEvent.End : SessionEvent.Leave, reason, explanation, notify });
  }

  /**
   * Makes the client renew its tunnel, and thereby all keys: closes the connection without a disconnect packet. The client then reconnects
   * with its cookie, as in a rekey with method `new-tunnel` (observed: openconnect 9.01, 9.21). Returns false when no tunnel is up.
   */
  rekey(explanation: string): boolean {
    if (!this.connected) return false;
    this.emit('session.rekey', { session: this.id, ...personFields(this), explanation });
    this.end('rekey', `${explanation} The client must reconnect with its cookie to get new keys.`);
    return true;
  }

  /** Ends the session and invalidates its cookie, as its time limit would. */
  expire(explanation: string): void {
    if (this.connected) this.end('session-timeout', explanation);
    else this.#apply({ event: SessionEvent.Expire, reason: 'expired', explanation });
  }

  /** Invalidates the cookie and keeps the tunnel; without a tunnel the session ends. */
  expireCookie(explanation: string): void {
    if (!this.connected) this.expire(explanation);
    else if (!this.#cookieSpent) {
      this.#cookieSpent = true;
      this.#host.onCookieSpent(this);
    }
  }

  /** No input was read for the last `late` milliseconds: they do not count as silence. */
  excuse(late: number, now: number): void {
    if (this.connected) this.#tunnel?.excuse(late, now);
    else if (this.#expiresAt !== undefined) this.#expiresAt += late;
  }

  /** Called about once a second after `nextLook`: checks time limits of the tunnel and an unused cookie. */
  check(now: number): void {
    if (this.connected) {
      this.#tunnel?.check(now);
    } else if (this.#expiresAt !== undefined && now >= this.#expiresAt) {
      const explanation = 'Its cookie was not used in time.';
      this.#apply({ event: SessionEvent.Expire, reason: 'expired', explanation });
    }
  }

  /** The open tunnel. */
  get tunnel(): Tunnel | undefined {
    return this.connected ? this.#tunnel : undefined;
  }

  /** The latest tunnel, open or not. */
  get latestTunnel(): Tunnel | undefined {
    return this.#tunnel;
  }

  /** When the first of its time limits takes effect, if nothing happens before: monotonic, Infinity when there is none. */
  get deadline(): number {
    return this.tunnel?.deadline ?? this.#expiresAt ?? Infinity;
  }

  /** When `check` must be called, if nothing happens before: monotonic. Becomes earlier only with a call of `onSooner`. */
  get nextLook(): number {
    return this.tunnel?.nextLook ?? this.#expiresAt ?? Infinity;
  }

  lookSooner(): void {
    this.#host.onSooner(this);
  }

  handOn(buffer: Buffer, offset: number, length: number): void {
    this.#host.handOn(buffer, offset, length, this);
  }

  /** Sends one IP packet to the client. False: dropped. */
  deliver(buffer: Buffer, offset: number, length: number): boolean {
    if (this.#tunnel) return this.#tunnel.deliver(buffer, offset, length);
    this.#undelivered++;
    return false;
  }

  get packetSeam(): PacketSeam {
    return (this.#packetSeam ??= new PacketSeam(this, this.#host));
  }

  pathChanged(): void {
    this.#host.onPathChanged(this);
  }

  answersDpd(): boolean {
    return this.#host.answersDpd(this);
  }

  /** Completes each input before the next one, even if a listener causes another input. */
  #apply(input: Input): void {
    this.#inputs.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const { to, effects } = nextSession(this.#state, next.event);
        const fresh = this.#state !== SessionState.Connected;
        this.#state = to;
        for (const effect of effects) this.#perform(effect, next, fresh);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** @param fresh the session was not connected before */
  #perform(effect: SessionEffect, input: Input, fresh: boolean): void {
    switch (effect) {
      case SessionEffect.CloseTunnel:
        this.#tunnel?.close(input.reason, input.notify);
        break;
      case SessionEffect.OpenTunnel:
        if (input.opening) this.#open(input.opening, fresh);
        break;
      case SessionEffect.UseCookie:
        this.#expiresAt = undefined;
        this.#host.onChange(this);
        break;
      case SessionEffect.KeepCookie:
        this.#expiresAt = this.monotonic + this.#host.cookieLife;
        this.#host.onChange(this);
        break;
      case SessionEffect.DropCookie:
        this.#expiresAt = undefined;
        this.#host.onCookieGone(this, input.reason);
        break;
      case SessionEffect.TellConnect:
        this.#tellConnect();
        break;
      case SessionEffect.TellDisconnect:
        this.#tellDisconnect(input);
        break;
      case SessionEffect.TellExpired: {
        const { reason, explanation } = input;
        this.emit('session.expired', { session: this.id, ...personFields(this), reason, explanation });
        break;
      }
      case SessionEffect.AwaitSettle:
        this.#host.afterBatch(() => this.#apply(SETTLED));
        break;
      case SessionEffect.FreeAddresses:
        this.#host.onEnded(this);
        break;
    }
  }

  #open({ tunnel, control, data }: Opening, fresh: boolean): void {
    if (this.#tunnel) this.#past = addTraffic(this.#past, this.#tunnel);
    this.#tunnel = tunnel;
    this.#tunnels++;
    this.#connectedAt = this.#host.wallTime;
    if (fresh) this.#since = { at: this.monotonic, bytesIn: this.bytesIn, bytesOut: this.bytesOut };
    tunnel.open(control, data);
    if (this.#tunnels > 1) this.#host.onPathChanged(this);
  }

  #tellConnect(): void {
    this.emit('session.connect', {
      session: this.id,
      ...personFields(this),
      remote: this.#tunnel?.remote ?? '',
      address4: this.address4,
      address6: this.address6,
      mtu: this.mtu ?? 0,
      agent: this.userAgent,
      udp: this.#tunnel?.udp ?? 'off',
      resumed: this.#tunnels > 1,
    });
  }

  #tellDisconnect({ reason, explanation }: Input): void {
    const { at, bytesIn, bytesOut } = this.#since;
    this.emit('session.disconnect', {
      session: this.id,
      ...personFields(this),
      reason,
      explanation,
      seconds: this.#tunnels > 0 ? (this.monotonic - at) / 1000 : 0,
      bytesIn: this.bytesIn - bytesIn,
      bytesOut: this.bytesOut - bytesOut,
    });
  }
}
