import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { STORE_LIMITS } from './constants.ts';
import { ExpiringStore } from './expiring-store.ts';

/** How and when a user authenticated. */
export interface Authentication {
  /** `amr`: `pwd`, `mfa`, `fed`, … */
  readonly methods: readonly string[];
  /** Seconds since the Unix epoch. */
  readonly authTime: number;
  /** Time of the last second factor, seconds since the Unix epoch. */
  readonly mfaTime: number | undefined;
}

/** A sign-in: shared by its codes, device codes and refresh tokens. */
export interface SignIn {
  /** Tenant that issues the tokens. */
  readonly tenantId: string;
  /** Object ID in that tenant. */
  readonly userId: string;
  readonly clientId: string;
  readonly authentication: Authentication;
  /** Browser or password session (`sid`); theft of one of its tokens ends it. */
  readonly sessionId: string;
  readonly deviceId: string | undefined;
  /** The client requested `max_age` or `auth_time`: its ID tokens contain the time of sign-in (OpenID Connect Core §2). */
  readonly tellsAuthTime: boolean;
  /** See `passwordMark`; for the user's home account. */
  readonly passwordMark: string;
  /** Position in the order of all sign-ins, so that "before the revocation" needs no clock. */
  readonly order: number;
}

export interface CodeGrant extends SignIn {
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly challenge: { readonly value: string; readonly method: 'S256' | 'plain' } | undefined;
  readonly spa: boolean;
  readonly contexts: readonly string[];
  readonly capabilities: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly expires: number;
  redeemed: boolean;
}

export interface RefreshGrant extends SignIn {
  readonly scope: string;
  readonly spa: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly issued: number;
  readonly expires: number;
  used: boolean;
}

export interface Revocation {
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly order: number;
}

/** State of a device code. */
const DEVICE_STATES = ['pending', 'approved', 'declined', 'redeemed'] as const;

export interface DeviceGrant {
  readonly clientId: string;
  readonly scope: string;
  readonly authority: string;
  readonly userCode: string;
  readonly expires: number;
  state: (typeof DEVICE_STATES)[number];
  signIn: SignIn | undefined;
  /** Milliseconds since the Unix epoch of the last poll. */
  polled: number;
}

/** Entries remain for a while after they expire, so that the client gets "expired" instead of "unknown". */
const AFTERLIFE = 3600;

/**
 * Issued codes, device codes and refresh tokens. Stored by the hash of the secret, so that a memory
 * dump reveals none.
 */
export class Grants {
  readonly codes: ExpiringStore<CodeGrant>;
  readonly devices: ExpiringStore<DeviceGrant>;
  readonly refreshTokens: ExpiringStore<RefreshGrant>;
  /** Hash of the device code, by user code. */
  readonly userCodes: ExpiringStore<string>;
  /** IDs of used client assertions. */
  readonly assertions: ExpiringStore<true>;
  /** Recent token requests, by hash. */
  readonly requests: ExpiringStore<number>;
  readonly #revoked: ExpiringStore<true>;
  readonly #revocations: ExpiringStore<Revocation>;
  #order = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.codes = new ExpiringStore(clock, STORE_LIMITS.codes);
    this.devices = new ExpiringStore(clock, STORE_LIMITS.deviceCodes);
    this.userCodes = new ExpiringStore(clock, STORE_LIMITS.deviceCodes);
    this.refreshTokens = new ExpiringStore(clock, STORE_LIMITS.refreshTokens);
    this.assertions = new ExpiringStore(clock, STORE_LIMITS.assertions);
    this.requests = new ExpiringStore(clock, STORE_LIMITS.assertions);
    this.#revocations = new ExpiringStore(clock, STORE_LIMITS.sessions);
    this.#revoked = new ExpiringStore(clock, STORE_LIMITS.sessions);
  }

  /** The storage key of a secret. */
  static key(secret: string): string {
    return createHash('sha256').update(secret).digest('base64url');
  }

  addCode(secret: string, grant: CodeGrant): void {
    this.codes.set(Grants.key(secret), grant, this.#seconds(grant.expires));
  }

  addRefreshToken(secret: string, grant: RefreshGrant): void {
    this.refreshTokens.set(Grants.key(secret), grant, this.#seconds(grant.expires));
  }

  addDevice(secret: string, grant: DeviceGrant): void {
    const key = Grants.key(secret);
    this.devices.set(key, grant, this.#seconds(grant.expires));
    this.userCodes.set(grant.userCode, key, this.#seconds(grant.expires));
  }

  findDeviceByUserCode(userCode: string): DeviceGrant | undefined {
    const key = this.userCodes.get(userCode.toUpperCase().replaceAll(/[\s-]/g, ''));
    return key === undefined ? undefined : this.devices.get(key);
  }

  /** Ends all of the user's sign-ins up to now (seconds since the Unix epoch). */
  revokeUser(userId: string, now: number): void {
    this.#revocations.set(userId, { time: now, order: this.nextOrder() }, 90 * 86_400);
  }

  /** The last revocation of the user's sign-ins. */
  revocationOf(userId: string): Revocation | undefined {
    return this.#revocations.get(userId);
  }

  /** The position of a new sign-in. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** Ends every token of one sign-in, including tokens not yet issued. */
  revokeSession(sessionId: string): void {
    this.#revoked.set(sessionId, true, 90 * 86_400);
  }

  isRevoked(sessionId: string): boolean {
    return this.#revoked.get(sessionId) === true;
  }

  clear(): void {
    for (const store of [
      this.codes,
      this.devices,
      this.userCodes,
      this.refreshTokens,
      this.assertions,
      this.requests,
    ]) {
      store.clear();
    }
    this.#revoked.clear();
    this.#revocations.clear();
  }

  #seconds(expires: number): number {
    return Math.max(0, (expires - this.#clock.now()) / 1000) + AFTERLIFE;
  }
}
