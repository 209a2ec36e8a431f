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

/** What a session needs of the table that it is in, and of the gateway around that. */
export interface SessionHost {
  readonly emit: Emit;
  /** Milliseconds on the monotonic clock as of the last scan: good to a second, and free. */
  readonly coarseNow: number;
  readonly monotonic: number;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: number;
  /** Milliseconds that a cookie is good for while no tunnel uses it. */
  readonly cookieLife: number;
  readonly faults: FaultPorts;
  readonly taps: CaptureTaps;
  /** A client asks for a sign of life. False: there is to be none. */
  answersDpd(session: GatewaySession): boolean;
  /** The gateway's address in the tunnel. */
  gatewayAddress(version: 4 | 6): Buffer | undefined;
  /** What was handed on has to be dealt with now: no batch is under way that would end. */
  onBatchEnd(): void;
  /** The cookie is to be of no use to another process either. */
  onCookieSpent(session: GatewaySession): void;
  /** Takes one packet from a client, with the session that it belongs to. */
  handOn(buffer: Buffer, offset: number, length: number, session: GatewaySession): void;
  /** Calls back when all that was handed on has arrived: at once, or at the end of the batch that is under way. */
  afterBatch(work: () => void): void;
  /** It has a new tunnel, or another channel: packets to its addresses take another path. */
  onPathChanged(session: GatewaySession): void;
  /** What a reconnect needs to know has changed. */
  onChange(session: GatewaySession): void;
  /** It is due for a look sooner than it was. */
  onSooner(session: GatewaySession): void;
  /** The cookie is no longer valid. */
  onCookieGone(session: GatewaySession, reason: string): void;
  /** Nothing of the session is left: its addresses are free. */
  onEnded(session: GatewaySession): void;
}

/** Who the session is of, and where it came from. */
export interface SessionIdentity extends Person {
  readonly id: string;
  /** SHA-256 of the cookie, hex. */
  readonly key: string;
  readonly remoteAddress: string;
  readonly createdAt: number;
}

/** The tunnel addresses that a session has. */
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

/** A tunnel with the channels that it opens with. */
interface Opening {
  readonly tunnel: Tunnel;
  readonly control: ControlChannel;
  readonly data: DataChannel | undefined;
}

/** How a session is ended, where its reason does not settle it. */
export interface EndOptions {
  /** The client gets a disconnect packet first. */
  readonly notify?: boolean;
  /** The cookie is no longer valid. */
  readonly dropCookie?: boolean;
}

/** An event of the machine, with what its effects need. */
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
 * connection; a CONNECT with its cookie replaces the tunnel it has. What happens when is in session-state.ts.
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
  /** Where the token came from; `deny-roaming` compares with it. */
  readonly loginAddress: string;
  readonly #host: SessionHost;
  #state: SessionState = SessionState.Authenticated;
  #addresses: SessionAddresses;
  /** Monotonic time at which the cookie is no longer valid; undefined while a tunnel is up. */
  #expiresAt: number | undefined;
  #connectedAt: number | undefined;
  #tunnel: Tunnel | undefined;
  /** Of all tunnels before the latest one. */
  #past = NO_TRAFFIC;
  #undelivered = 0;
  /** How many there were. */
  #tunnels = 0;
  /** The cookie is refused although the session lives: its time was ended on purpose. */
  #cookieSpent = false;
  #packetSeam: PacketSeam | undefined;
  /** Where the time that `session.disconnect` tells of began: the session was connected all along since then. */
  #since = { at: 0, bytesIn: 0, bytesOut: 0 };
  /** Inputs that came while an earlier one was still taking effect. */
  readonly #inputs: Input[] = [];
  #busy = false;
  /** These two are the table's. */
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

  /** The cookie is good. */
  get valid(): boolean {
    return holdsCookie(this.#state);
  }

  /** Whoever comes with the cookie now may have a tunnel. */
  get cookieGood(): boolean {
    return this.valid && !this.#cookieSpent;
  }

  get faults(): FaultPorts {
    return this.#host.faults;
  }

  get taps(): CaptureTaps {
    return this.#host.taps;
  }

  /** How many tunnels there were, with the one that is up. */
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

  /** Every address that the session keeps, whether its tunnel uses it or not. */
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

  /** `address:port` of the client's TLS connection, or the address that it last had. */
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

  /** All that passed through the session's tunnels. */
  get traffic(): Traffic {
    const total = addTraffic(this.#past, this.#tunnel ?? NO_TRAFFIC);
    return { ...total, dropped: total.dropped + this.#undelivered };
  }

  /** A copy that stays as it is. */
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

  /** Takes addresses from now on; the table has reserved them. */
  giveAddresses(addresses: SessionAddresses): void {
    this.#addresses = addresses;
  }

  /** A tunnel to come, for its channels to be made; nothing changes until `connect`. */
  plan(terms: TunnelTerms): Tunnel {
    return new Tunnel(terms, this);
  }

  /** The CONNECT is answered: the tunnel is up, in place of the one that may have been. */
  connect(opening: Opening): void {
    this.#apply({ event: SessionEvent.Connect, reason: 'replaced', explanation: '', opening });
  }

  /** Ends the tunnel; with most reasons the cookie lives on. */
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
    this.end('rekey', `${explanation} The client is to come back with its cookie, for new keys.`);
    return true;
  }

  /** Ends the session as its time limit would: with its cookie. */
  expire(explanation: string): void {
    if (this.connected) this.end('session-timeout', explanation);
    else this.#apply({ event: SessionEvent.Expire, reason: 'expired', explanation });
  }

  /** Makes the cookie invalid, and leaves the tunnel as it is; without one the session is over. */
  expireCookie(explanation: string): void {
    if (!this.connected) this.expire(explanation);
    else if (!this.#cookieSpent) {
      this.#cookieSpent = true;
      this.#host.onCookieSpent(this);
    }
  }

  /** Nobody listened for `late` milliseconds until now: they are no silence. */
  excuse(late: number, now: number): void {
    if (this.connected) this.#tunnel?.excuse(late, now);
    else if (this.#expiresAt !== undefined) this.#expiresAt += late;
  }

  /** Called about once a second when `nextLook` is over: time limits of the tunnel, and a cookie that nobody used in time. */
  check(now: number): void {
    if (this.connected) {
      this.#tunnel?.check(now);
    } else if (this.#expiresAt !== undefined && now >= this.#expiresAt) {
      const explanation = 'Nobody used its cookie in time.';
      this.#apply({ event: SessionEvent.Expire, reason: 'expired', explanation });
    }
  }

  /** The tunnel that is up. */
  get tunnel(): Tunnel | undefined {
    return this.connected ? this.#tunnel : undefined;
  }

  /** The latest tunnel, up or not. */
  get latestTunnel(): Tunnel | undefined {
    return this.#tunnel;
  }

  /** When the first of its time limits strikes, if nothing happens until then: monotonic, Infinity when there is none. */
  get deadline(): number {
    return this.tunnel?.deadline ?? this.#expiresAt ?? Infinity;
  }

  /** When `check` has something to do, if nothing happens until then: monotonic. Without a call of `onSooner` it only ever becomes later. */
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

  /** Each input takes its whole effect before the next one counts, whoever listens to what is told. */
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
