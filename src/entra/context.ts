import type { Clock } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Trace } from './aadsts-error.ts';
import type { Directory } from './directory/directory.ts';
import type { Authority } from './oauth/authority.ts';
import type { Lifetimes } from './oauth/constants.ts';
import type { Grants } from './oauth/grants.ts';
import type { Lockout } from './oauth/lockout.ts';
import type { Outages } from './oauth/outages.ts';
import type { Overrides } from './oauth/overrides.ts';
import type { Parameters } from './oauth/parameters.ts';
import type { TokenIssuer } from './tokens/token-issuer.ts';

/** How the provider behaves where Entra leaves a choice, or where a test wants more than Entra does. */
export interface Behaviour {
  readonly lifetimes: Lifetimes;
  /**
   * Entra keeps a refresh token valid after it was used (`allow`). `revoke` treats a second use as theft and ends all
   * tokens of that sign-in, as RFC 9700 §4.14 asks of public clients; a code used twice then does the same.
   */
  readonly replay: 'allow' | 'revoke';
  /** Identical token requests within five minutes before 50196; 0 turns it off. */
  readonly loopLimit: number;
  /** Device code polls faster than half the interval get `slow_down`. Entra rarely says so; off by default. */
  readonly slowDown: boolean;
  /** The sign-in page offers the tenant's first users as buttons. */
  readonly showAccounts: boolean;
}

/** As Entra behaves. */
export const DEFAULT_BEHAVIOUR: Omit<Behaviour, 'lifetimes'> = {
  replay: 'allow',
  loopLimit: 0,
  slowDown: false,
  showAccounts: true,
};

/** Everything the endpoints share. */
export interface IdentityContext {
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
  /** `https://host:port` under which clients know the provider. */
  origin(): string;
  /** `iss` of a tenant's tokens. */
  issuerFor(tenantId: string, version: 1 | 2): string;
}

/** One request, read as far as all endpoints read it alike. */
export interface RequestContext {
  readonly trace: Trace;
  readonly authority: Authority;
  /** Of the endpoint, not of the tokens. */
  readonly version: 1 | 2;
  readonly parameters: Parameters;
  readonly remoteAddress: string;
  /** Device that the request names. */
  readonly deviceId: string | undefined;
  /** `Authorization` header, for `client_secret_basic`. */
  readonly authorization: string | undefined;
}

/** Seconds since the Unix epoch. */
export function nowSeconds(context: Pick<IdentityContext, 'clock'>): number {
  return Math.floor(context.clock.now() / 1000);
}

/** A new unguessable name: a secret of 256 bits. */
export function newSecret(context: Pick<IdentityContext, 'random'>, prefix = ''): string {
  return prefix + context.random.bytes(32).toString('base64url');
}

/** A new random GUID (version 4). */
export function newGuid(random: RandomSource): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
