import { createHash } from 'node:crypto';
import type { Principal } from '../../bearer/types.ts';
import type { CaptureTaps } from '../../capture/index.ts';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { DeadlineHeap } from '../../lib/deadline-heap.ts';
import { addressBytes } from '../../lib/ip-address.ts';
import { personOf } from '../../lib/person.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { AddressPool, TunnelAddress } from './address-pool.ts';
import { COOKIE_SLACK, SESSION_ID_BYTES } from './constants.ts';
import { GatewaySession, type SessionAddresses, type SessionHost } from './session.ts';
import { addTraffic, NO_TRAFFIC, type Traffic } from './traffic.ts';
import type { SessionStore, StoredSession } from './types.ts';

/** Letters without those that look alike. */
const ID_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const ID_LENGTH = 6;

/** Most ended sessions stored, to identify the owner of an old cookie. */
const MAX_ENDED = 1000;

/** A session whose cookie is no longer valid. */
export interface EndedSession {
  readonly id: string;
  /** One word for the reason. */
  readonly reason: string;
}

/** What the table needs from the gateway. */
export interface SessionsHost {
  readonly emit: Emit;
  /** Monotonic milliseconds as of the last scan: accurate to a second, at no cost. */
  readonly coarseNow: number;
  /** Processes one packet from a client, with its session. */
  handOn(buffer: Buffer, offset: number, length: number, session: GatewaySession): void;
  /** Calls back when all packets passed on have been processed: at once, or at the end of the current batch. */
  afterBatch(work: () => void): void;
  readonly faults: FaultPorts;
  readonly taps: CaptureTaps;
  /** A client sent a DPD request. False: do not answer. */
  answersDpd(session: GatewaySession): boolean;
  /** Processes the packets passed on. */
  onBatchEnd(): void;
  /** A session connected or disconnected. */
  onConnectedChanged(): void;
  /** The session with this tunnel address has a new tunnel. */
  onPathChanged(address: string): void;
  /** The session is over and no packets to or from its tunnel address are pending: another session may get the address. */
  onAddressReleased(address: string, session: GatewaySession): void;
}

export interface SessionsOptions {
  readonly host: SessionsHost;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly store: SessionStore;
  readonly pool4: AddressPool | undefined;
  readonly pool6: AddressPool | undefined;
  /** Seconds that a cookie is valid while no tunnel uses it. */
  readonly cookieTimeout: number;
}

/**
 * The 32 bytes of a session cookie; undefined for any other string. Cookies are written without `=`: openconnect splits the argument
 * of `--cookie` at the first one (observed: openconnect 9.01). Padding is accepted on input.
 */
export function decodeCookie(value: string | undefined): Buffer | undefined {
  if (!value || !/^[A-Za-z0-9+/_-]{43}=?$/.test(value)) return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === SESSION_ID_BYTES ? bytes : undefined;
}

export function encodeCookie(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** The key of a session in the store: a hash, so that a reader of the store cannot take over a session. */
function cookieKey(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** All sessions of a gateway, by cookie, by id and by tunnel address. */
export class Sessions implements SessionHost {
  readonly cookieLife: number;
  readonly #options: SessionsOptions;
  readonly #byKey = new Map<string, GatewaySession>();
  readonly #byId = new Map<string, GatewaySession>();
  readonly #byIndex4 = new Map<number, GatewaySession>();
  readonly #byIndex6 = new Map<number, GatewaySession>();
  /** Sessions by the time of their next check, so a scan costs only what is due. */
  readonly #due = new DeadlineHeap<GatewaySession>();
  /** Ended sessions by the key of their cookie, latest last. */
  readonly #ended = new Map<string, EndedSession>();
  /** Connected sessions, and their number per user. */
  readonly #connected = new Set<GatewaySession>();
  readonly #connectedOf = new Map<string, number>();
  /** Traffic of ended sessions. */
  #past = NO_TRAFFIC;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.cookieLife = (options.cookieTimeout + COOKIE_SLACK) * 1000;
  }

  // --- SessionHost

  get emit(): Emit {
    return this.#options.host.emit;
  }

  get coarseNow(): number {
    return this.#options.host.coarseNow;
  }

  get monotonic(): number {
    return this.#options.clock.monotonic();
  }

  get wallTime(): number {
    return this.#options.clock.now();
  }

  get faults(): FaultPorts {
    return this.#options.host.faults;
  }

  get taps(): CaptureTaps {
    return this.#options.host.taps;
  }

  answersDpd(session: GatewaySession): boolean {
    return this.#options.host.answersDpd(session);
  }

  gatewayAddress(version: 4 | 6): Buffer | undefined {
    const pool = version === 4 ? this.#options.pool4 : this.#options.pool6;
    return pool && addressBytes(pool.facts.gateway);
  }

  onBatchEnd(): void {
    this.#options.host.onBatchEnd();
  }

  onCookieSpent({ key, id }: GatewaySession): void {
    this.#remember(key, { id, reason: 'invalidated' });
    this.#options.store.delete(key).catch(() => {});
  }

  handOn(buffer: Buffer, offset: number, length: number, session: GatewaySession): void {
    this.#options.host.handOn(buffer, offset, length, session);
  }

  afterBatch(work: () => void): void {
    this.#options.host.afterBatch(work);
  }

  onPathChanged({ address4, address6 }: GatewaySession): void {
    const { host } = this.#options;
    if (address4 !== undefined) host.onPathChanged(address4);
    if (address6 !== undefined) host.onPathChanged(address6);
  }

  /** Writes the state for a reconnect to the store. If the store fails, the session continues in this process. */
  onChange(session: GatewaySession): void {
    this.#count(session);
    this.onSooner(session);
    if (session.cookieGood) this.#options.store.put(this.#stored(session)).catch(() => {});
    this.#options.host.onConnectedChanged();
  }

  onCookieGone(session: GatewaySession, reason: string): void {
    this.#remember(session.key, { id: session.id, reason });
    this.#count(session);
    this.#due.remove(session);
    if (this.#byKey.delete(session.key)) this.#past = addTraffic(this.#past, session.traffic);
    this.#byId.delete(session.id);
    this.#options.store.delete(session.key).catch(() => {});
    this.#options.host.onConnectedChanged();
  }

  onSooner(session: GatewaySession): void {
    this.#due.schedule(session, session.nextLook);
  }

  onEnded(session: GatewaySession): void {
    const { address4, address6 } = session.addresses;
    const { pool4, pool6, host } = this.#options;
    if (address4) {
      this.#byIndex4.delete(address4.index);
      pool4?.release(address4.index, this.monotonic);
      host.onAddressReleased(address4.text, session);
    }
    if (address6) {
      this.#byIndex6.delete(address6.index);
      pool6?.release(address6.index, this.monotonic);
      host.onAddressReleased(address6.text, session);
    }
  }

  // --- the table

  get size(): number {
    return this.#byKey.size;
  }

  /** Total traffic of all sessions, including ended ones. */
  get traffic(): Traffic {
    let total = this.#past;
    for (const session of this.#byKey.values()) total = addTraffic(total, session.traffic);
    return total;
  }

  values(): IterableIterator<GatewaySession> {
    return this.#byKey.values();
  }

  byId(id: string): GatewaySession | undefined {
    return this.#byId.get(id);
  }

  /** Number of open tunnels; with a user name, of that user. */
  connected(username?: string): number {
    return username === undefined ? this.#connected.size : (this.#connectedOf.get(username) ?? 0);
  }

  /** Creates a session for a user whose token was accepted, and its cookie. */
  async create(principal: Principal, remoteAddress: string): Promise<{ session: GatewaySession; cookie: string }> {
    const { clock, random, store } = this.#options;
    const bytes = random.bytes(SESSION_ID_BYTES);
    const session = new GatewaySession(
      {
        id: this.#newId(),
        key: cookieKey(bytes),
        ...personOf(principal),
        remoteAddress,
        createdAt: clock.now(),
      },
      this,
    );
    this.#add(session);
    await store.put(this.#stored(session));
    return { session, cookie: encodeCookie(bytes) };
  }

  /** The session of a cookie, loaded from the store if another process created it; undefined when there is none. */
  async find(cookie: Buffer): Promise<GatewaySession | undefined> {
    const key = cookieKey(cookie);
    const known = this.#byKey.get(key);
    if (known) {
      if (!known.connected) known.check(this.monotonic);
      return known.cookieGood ? known : undefined;
    }
    const stored = await this.#options.store.get(key);
    if (!stored || (stored.expiresAt !== undefined && stored.expiresAt <= this.#options.clock.now())) return undefined;
    // Another request with the same cookie may have been faster.
    return this.#byKey.get(key) ?? this.#restore(stored);
  }

  /** The recently ended session of a cookie that is no longer valid. */
  endedOf(cookie: Buffer): EndedSession | undefined {
    return this.#ended.get(cookieKey(cookie));
  }

  #remember(key: string, ended: EndedSession): void {
    this.#ended.delete(key);
    this.#ended.set(key, ended);
    if (this.#ended.size > MAX_ENDED) this.#ended.delete(this.#ended.keys().next().value!);
  }

  /** True when this process knows a session with the cookie. */
  knows(cookie: Buffer | undefined): boolean {
    return cookie !== undefined && this.#byKey.get(cookieKey(cookie))?.cookieGood === true;
  }

  /** Assigns addresses of the requested families that the session does not have yet. False: a pool is exhausted. */
  assignAddresses(session: GatewaySession, want4: boolean, want6: boolean): boolean {
    const { pool4, pool6 } = this.#options;
    const { addresses } = session;
    const address4 = addresses.address4 ?? (want4 && pool4 ? take(pool4, this.monotonic) : undefined);
    if (address4) this.#byIndex4.set(address4.index, session);
    const address6 = addresses.address6 ?? (want6 && pool6 ? take(pool6, this.monotonic) : undefined);
    if (address6) this.#byIndex6.set(address6.index, session);
    session.giveAddresses({ address4, address6 });
    return (!want4 || !pool4 || address4 !== undefined) && (!want6 || !pool6 || address6 !== undefined);
  }

  /** The session that a packet is for, by its destination address. */
  forPacket(buffer: Buffer, offset: number, length: number): GatewaySession | undefined {
    const version = length >= 20 ? buffer[offset]! >>> 4 : 0;
    if (version === 4) {
      const index = this.#options.pool4?.indexAt(buffer, offset + 16);
      return index === undefined ? undefined : this.#byIndex4.get(index);
    }
    if (version !== 6 || length < 40) return undefined;
    const index = this.#options.pool6?.indexAt(buffer, offset + 24);
    return index === undefined ? undefined : this.#byIndex6.get(index);
  }

  byAddress(text: string): GatewaySession | undefined {
    const { pool4, pool6 } = this.#options;
    return text.includes(':')
      ? this.#byIndex6.get(pool6?.indexOfText(text) ?? -1)
      : this.#byIndex4.get(pool4?.indexOfText(text) ?? -1);
  }

  /** Checks time limits of sessions that are due. No input was read for the last `late` milliseconds: they do not count as silence. */
  check(now: number, late: number): void {
    if (late > 0) for (const session of this.#byKey.values()) session.excuse(late, now);
    // Sessions whose check has moved to a later time are filed again.
    while (this.#due.next <= now) this.#look(this.#due.shift(), now);
  }

  /** The same for all sessions, after a jump of time: probes before it changed when they are due. */
  checkAll(now: number): void {
    for (const session of [...this.#byKey.values()]) this.#look(session, now);
  }

  #look(session: GatewaySession, now: number): void {
    session.check(now);
    if (session.valid) this.#due.schedule(session, Math.max(session.nextLook, now + 1));
  }

  /** Updates the connected count if the state of a session has changed. */
  #count(session: GatewaySession): void {
    if (session.connected === this.#connected.has(session)) return;
    const { username } = session;
    const count = (this.#connectedOf.get(username) ?? 0) + (session.connected ? 1 : -1);
    if (session.connected) this.#connected.add(session);
    else this.#connected.delete(session);
    if (count > 0) this.#connectedOf.set(username, count);
    else this.#connectedOf.delete(username);
  }

  #add(session: GatewaySession): void {
    this.#byKey.set(session.key, session);
    this.#byId.set(session.id, session);
    this.onSooner(session);
  }

  #restore(stored: StoredSession): GatewaySession {
    const { pool4, pool6 } = this.#options;
    const addresses: SessionAddresses = {
      address4: retake(pool4, stored.address4),
      address6: retake(pool6, stored.address6),
    };
    const session = new GatewaySession(stored, this, addresses);
    if (addresses.address4) this.#byIndex4.set(addresses.address4.index, session);
    if (addresses.address6) this.#byIndex6.set(addresses.address6.index, session);
    this.#add(session);
    return session;
  }

  #stored(session: GatewaySession): StoredSession {
    const { clock } = this.#options;
    return {
      key: session.key,
      id: session.id,
      ...personOf(session),
      remoteAddress: session.loginAddress,
      address4: session.addresses.address4?.text,
      address6: session.addresses.address6?.text,
      createdAt: session.createdAt,
      expiresAt:
        session.expiresAt === undefined ? undefined : Math.round(clock.now() + session.expiresAt - clock.monotonic()),
    };
  }

  #newId(): string {
    for (;;) {
      let id = '';
      for (let i = 0; i < ID_LENGTH; i++) id += ID_ALPHABET[this.#options.random.uint32() % ID_ALPHABET.length];
      if (!this.#byId.has(id)) return id;
    }
  }
}

/** A free address; undefined when there is none. */
function take(pool: AddressPool, now: number): TunnelAddress | undefined {
  const index = pool.allocate(now);
  return index === undefined ? undefined : pool.address(index);
}

/** The previous address of a session; undefined when another session has it now. */
function retake(pool: AddressPool | undefined, text: string | undefined): TunnelAddress | undefined {
  return text !== undefined && pool?.reserve(text) ? pool.address(pool.indexOfText(text)) : undefined;
}
