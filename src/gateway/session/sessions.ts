import { createHash } from 'node:crypto';
import type { Principal } from '../../bearer/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { RandomSource } from '../../lib/random.ts';
import { COOKIE_SLACK, SESSION_ID_BYTES } from '../constants.ts';
import type { SessionStore, StoredSession } from '../types.ts';
import type { AddressPool } from './address-pool.ts';
import { GatewaySession, type SessionHost, type TunnelAddress } from './session.ts';

/** Letters without those that look alike. */
const ID_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const ID_LENGTH = 6;

export interface SessionsOptions {
  readonly host: SessionHost;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly store: SessionStore;
  readonly pool4: AddressPool | undefined;
  readonly pool6: AddressPool | undefined;
  /** Seconds that a cookie is valid while no tunnel uses it. */
  readonly cookieTimeout: number;
  readonly onAddressReleased: (address: string) => void;
}

/**
 * The 32 bytes of a session cookie; undefined when the text is not that. Written without `=`: openconnect splits a cookie
 * that it is given on its command line there (reference openconnect-protocol §4.10); padding is accepted on the way in.
 */
export function decodeCookie(value: string | undefined): Buffer | undefined {
  if (!value || !/^[A-Za-z0-9+/_-]{43}=?$/.test(value)) return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === SESSION_ID_BYTES ? bytes : undefined;
}

export function encodeCookie(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

/** The key under which a session is kept: whoever reads the store cannot take over a session. */
export function cookieKey(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** All sessions of a gateway, by cookie, by id and by tunnel address. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #byKey = new Map<string, GatewaySession>();
  readonly #byId = new Map<string, GatewaySession>();
  readonly #byIndex4 = new Map<number, GatewaySession>();
  readonly #byIndex6 = new Map<number, GatewaySession>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  values(): IterableIterator<GatewaySession> {
    return this.#byKey.values();
  }

  byId(id: string): GatewaySession | undefined {
    return this.#byId.get(id);
  }

  /** How many tunnels are up; with a user name, how many of that user. */
  connected(username?: string): number {
    let count = 0;
    for (const session of this.#byKey.values()) {
      if (session.connected && (username === undefined || session.username === username)) count++;
    }
    return count;
  }

  /** A session for somebody whose token was accepted, and its cookie. */
  async create(principal: Principal, remoteAddress: string): Promise<{ session: GatewaySession; cookie: string }> {
    const { clock, random, host, store } = this.#options;
    const bytes = random.bytes(SESSION_ID_BYTES);
    const session = new GatewaySession(
      {
        id: this.#newId(),
        key: cookieKey(bytes),
        username: principal.username,
        signInName: signInNameOf(principal),
        tenantId: principal.tenantId,
        objectId: principal.objectId,
        remoteAddress,
        createdAt: clock.now(),
      },
      host,
    );
    this.#keepForAWhile(session);
    this.#add(session);
    await store.put(this.#stored(session));
    return { session, cookie: encodeCookie(bytes) };
  }

  /** The session of a cookie, taken from the store when another process made it; undefined when there is none. */
  async find(cookie: Buffer): Promise<GatewaySession | undefined> {
    const key = cookieKey(cookie);
    const known = this.#byKey.get(key);
    if (known) return this.#expired(known) ? undefined : known;
    const stored = await this.#options.store.get(key);
    if (!stored || (stored.expiresAt !== undefined && stored.expiresAt <= this.#options.clock.now())) return undefined;
    // Another request with the same cookie may have been quicker.
    return this.#byKey.get(key) ?? this.#restore(stored);
  }

  /** True when this process knows a session with the cookie. */
  knows(cookie: Buffer | undefined): boolean {
    return cookie !== undefined && this.#byKey.has(cookieKey(cookie));
  }

  /** Gives the session the addresses of the families it asks for and has not got yet. False: a pool is exhausted. */
  assignAddresses(session: GatewaySession, want4: boolean, want6: boolean): boolean {
    const now = this.#options.clock.monotonic();
    if (want4 && !session.pool4 && this.#options.pool4) {
      const index = this.#options.pool4.allocate(now);
      if (index === undefined) return false;
      session.pool4 = address(this.#options.pool4, index);
      this.#byIndex4.set(index, session);
    }
    if (want6 && !session.pool6 && this.#options.pool6) {
      const index = this.#options.pool6.allocate(now);
      if (index === undefined) return false;
      session.pool6 = address(this.#options.pool6, index);
      this.#byIndex6.set(index, session);
    }
    return true;
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

  /** A session's tunnel is gone: its cookie stays valid for a while, or not. */
  tunnelEnded(session: GatewaySession, keep: boolean): void {
    if (!keep) {
      this.remove(session);
      return;
    }
    this.#keepForAWhile(session);
    void this.save(session);
  }

  /** Writes what a reconnect needs to the store; a store that fails costs only that. */
  async save(session: GatewaySession): Promise<void> {
    try {
      await this.#options.store.put(this.#stored(session));
    } catch {
      // The session lives on in this process.
    }
  }

  remove(session: GatewaySession): void {
    if (session.removed) return;
    session.removed = true;
    this.#byKey.delete(session.key);
    this.#byId.delete(session.id);
    this.#options.store.delete(session.key).catch(() => {});
    const now = this.#options.clock.monotonic();
    if (session.pool4) {
      this.#byIndex4.delete(session.pool4.index);
      this.#options.pool4?.release(session.pool4.index, now);
      this.#options.onAddressReleased(session.pool4.text);
    }
    if (session.pool6) {
      this.#byIndex6.delete(session.pool6.index);
      this.#options.pool6?.release(session.pool6.index, now);
      this.#options.onAddressReleased(session.pool6.text);
    }
  }

  /** Timeouts of connected sessions, and cookies that nobody used in time. */
  check(now: number): void {
    for (const session of this.#byKey.values()) {
      if (session.connected) session.check(now);
      else this.#expired(session);
    }
  }

  #expired(session: GatewaySession): boolean {
    if (session.expiresAt === undefined || session.expiresAt > this.#options.clock.monotonic()) return false;
    this.#options.host.emit('session.expired', { session: session.id, user: session.username });
    this.remove(session);
    return true;
  }

  #keepForAWhile(session: GatewaySession): void {
    session.expiresAt = this.#options.clock.monotonic() + (this.#options.cookieTimeout + COOKIE_SLACK) * 1000;
  }

  #add(session: GatewaySession): void {
    this.#byKey.set(session.key, session);
    this.#byId.set(session.id, session);
  }

  #restore(stored: StoredSession): GatewaySession | undefined {
    const session = new GatewaySession(stored, this.#options.host);
    const { pool4, pool6 } = this.#options;
    if (stored.address4 && pool4?.reserve(stored.address4)) {
      session.pool4 = address(pool4, pool4.indexOfText(stored.address4));
      this.#byIndex4.set(session.pool4.index, session);
    }
    if (stored.address6 && pool6?.reserve(stored.address6)) {
      session.pool6 = address(pool6, pool6.indexOfText(stored.address6));
      this.#byIndex6.set(session.pool6.index, session);
    }
    this.#keepForAWhile(session);
    this.#add(session);
    return session;
  }

  #stored(session: GatewaySession): StoredSession {
    const { clock } = this.#options;
    return {
      key: session.key,
      id: session.id,
      username: session.username,
      signInName: session.signInName,
      objectId: session.objectId,
      tenantId: session.tenantId,
      remoteAddress: session.loginAddress,
      address4: session.pool4?.text,
      address6: session.pool6?.text,
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

function address(pool: AddressPool, index: number): TunnelAddress {
  return { index, text: pool.addressOf(index), bytes: pool.bytesOf(index) };
}

/** The name that people know a user by. Entra's names change and are no identity (entra-tokens.md §3): only for showing. */
function signInNameOf({ claims }: Principal): string | undefined {
  const name = claims['preferred_username'] ?? claims['upn'] ?? claims['unique_name'];
  return typeof name === 'string' && name !== '' ? name.slice(0, 113) : undefined;
}
