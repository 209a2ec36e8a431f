import type { Clock } from '../../lib/clock.ts';
import { guidOf } from '../../lib/guid.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { Directory } from '../directory/directory.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';
import type { Authority } from './authority.ts';
import type { Lifetimes } from './constants.ts';
import type { Grants } from './grants.ts';
import type { Lockout } from './lockout.ts';
import type { Outages } from './outages.ts';
import type { Overrides } from './overrides.ts';
import type { OwnOrigins } from './own-origins.ts';
import type { Parameters } from './parameters.ts';

/** Provider behavior where Entra leaves a choice, or where a test needs more than Entra offers. */
export interface Behaviour {
  readonly lifetimes: Lifetimes;
  /**
   * In Entra, a used refresh token stays valid (`allow`). `revoke` treats a second use as theft and ends all
   * tokens of that sign-in, as RFC 9700 §4.14 requires for public clients; a second use of a code has the same effect.
   */
  readonly replay: 'allow' | 'revoke';
  /**
   * Entra accepts a client assertion repeatedly until it expires, and libraries depend on it: they cache assertions.
   * `refuse` accepts each one once (70049), as RFC 7523 §3 permits.
   */
  readonly assertionReplay: 'allow' | 'refuse';
  /** Identical token requests within five minutes before 50196; 0 turns it off. */
  readonly loopLimit: number;
  /** `slow_down` for device code polls faster than half the interval. Entra rarely sends it; off by default. */
  readonly slowDown: boolean;
  /** The sign-in page offers the tenant's first users as buttons. */
  readonly showAccounts: boolean;
}

/** State that all endpoints share, independent of the caller. */
export interface SharedContext {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly issuer: TokenIssuer;
  readonly emit: Emit;
  readonly behaviour: Behaviour;
  readonly grants: Grants;
  readonly overrides: Overrides;
  readonly outages: Outages;
  readonly lockout: Lockout;
  readonly origins: OwnOrigins;
}

/** The same for one caller, which uses one of the provider's names. Responses are built from this. */
export interface IdentityContext extends SharedContext {
  /** `https://host:port` by which the caller reaches the provider. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  origin(): string;
  /** `iss` of a tenant's tokens, for that caller. */
  issuerFor(tenantId: string, version: 1 | 2): string;
}

/** @param host `Host` header of the caller; undefined for a caller that does not use the network */
export function forCaller(shared: SharedContext, host: string | undefined): IdentityContext {
  const origin = (): string => shared.origins.originFor(host);
  const issuerFor = (tenantId: string, version: 1 | 2): string =>
    `${origin()}/${tenantId}/${version === 1 ? '' : 'v2.0'}`;
  return { ...shared, origin, issuerFor };
}

/** A parsed request: the parts that all endpoints share. */
export interface RequestContext {
  readonly authority: Authority;
  /** Version of the endpoint, not of the tokens. */
  readonly version: 1 | 2;
  readonly parameters: Parameters;
  readonly remoteAddress: string;
  /** `address:port` of the client. */
  readonly remote: string;
  /** Device ID in the request. */
  readonly deviceId: string | undefined;
  /** `Origin` header: the page that sent the request from a browser. */
  readonly origin: string | undefined;
  /** `Authorization` header, for `client_secret_basic`. */
  readonly authorization: string | undefined;
}

/** Seconds since the Unix epoch. */
export function nowSeconds(context: Pick<IdentityContext, 'clock'>): number {
  return Math.floor(context.clock.now() / 1000);
}

/** Creates an unguessable name: a secret of 256 bits. */
export function newSecret(context: Pick<IdentityContext, 'random'>, prefix = ''): string {
  return prefix + context.random.bytes(32).toString('base64url');
}

/** A new random GUID (version 4). */
export function newGuid(random: RandomSource): string {
  return guidOf(random.bytes(16), 4);
}
