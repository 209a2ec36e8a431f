import type { Clock } from '../lib/clock.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Offload } from '../lib/offload.ts';
import type { Emit } from '../telemetry/events.ts';
import { issuerOf, metadataUrl, parseAuthority } from './authority.ts';
import { STRICT_BACKGROUND_REFRESH, STRICT_TIME_TO_LIVE } from './constants.ts';
import type { FetchJson } from './fetch-json.ts';
import { gatewayPolicy } from './gateway-policy.ts';
import type { KeyCacheTimes } from './key-cache.ts';
import type { IssuerMetadata } from './metadata.ts';
import type { PolicyRules, TokenPolicy } from './policy.ts';
import { strictPolicy, tenantsOf } from './strict-policy.ts';
import type { Principal } from './types.ts';

/** How tokens are checked. Requires `authority` or `metadataUrls`. All times are in seconds. */
export interface TokenVerifierOptions {
  readonly policy: TokenPolicy;
  /**
   * `https://<login host>/<tenant>`: a tenant of Entra ID, built-in or real, in any cloud. Or the URL of another
   * issuer's metadata document, `https://…/.well-known/openid-configuration`.
   */
  readonly authority?: string;
  /** Metadata documents of other OpenID issuers, instead of an authority. */
  readonly metadataUrls?: readonly string[];
  /** Accepted `aud` values. Default: the Microsoft Tunnel Gateway API. The `gateway` policy uses the first. */
  readonly audiences?: readonly string[];
  /** Accepted tenant IDs. Default: those of the authority. The `gateway` policy uses the first. */
  readonly tenants?: readonly string[];
  /**
   * Claims that must be present and equal as JSON values, in addition to the policy's own: with `gateway`, these are `aud`, `tid`
   * (if known) and one of the issuers. A claim named here replaces the policy's requirement; `null` removes it.
   */
  readonly requiredClaims?: Readonly<Record<string, unknown>>;
  /** Claim that becomes the user name. Default: `oid`, or `sub` with `metadataUrls`. */
  readonly userNameClaim?: string;
  /** Clock skew allowed. Default: 0 with `gateway`, 300 with `strict`. */
  readonly clockSkew?: number;
  /** Minimum time between downloads of the keys. Default: 900 with `gateway`, 300 with `strict`. */
  readonly minimumRefresh?: number;
  /** `strict`: how long stale keys remain usable while the issuer is unreachable. */
  readonly lastKnownGood?: number;
  /** `strict`: permission required in `scp`. Default: `Tunnel_Allow`; `null` requires none. */
  readonly scope?: string | null;
  /** `strict`: how guests are treated. Default: `refuse`. */
  readonly guests?: 'accept' | 'refuse';
  /** `strict`: accepted client IDs. Default: any. */
  readonly clients?: readonly string[];
  /**
   * Called after all other checks pass. Access tokens stay valid until `exp` whatever happens to the user; a list of revoked token
   * IDs (`uti`), users or sessions is the only way to end one sooner.
   */
  readonly isRevoked?: (principal: Principal) => boolean;
  /** For an issuer with several names: maps the `iss` of a token to the name in the metadata. Default: unchanged. */
  readonly canonicalIssuer?: (issuer: string) => string;
  readonly fetchJson: FetchJson;
  /** Queue for WebCrypto operations. Default: none; operations run directly. */
  readonly offload?: Offload;
  readonly clock?: Clock;
  readonly emit?: Emit;
}

/** Both versions of an authority's metadata: the resource decides the token version, so either may come. */
export function metadataUrlsOf(options: TokenVerifierOptions): readonly string[] {
  if (options.metadataUrls?.length) return options.metadataUrls;
  if (options.authority?.endsWith(METADATA_SUFFIX)) return [options.authority];
  if (options.authority === undefined) {
    throw new TunneliteError('ERR_IDENTITY_AUTHORITY', 'An authority or a metadata address is required.');
  }
  const authority = parseAuthority(options.authority);
  return [metadataUrl(authority, 2), metadataUrl(authority, 1)];
}

/** Where every OpenID issuer has its metadata (OpenID Connect Discovery §4). */
const METADATA_SUFFIX = '/.well-known/openid-configuration';

/** An authority names a tenant; a metadata URL names an issuer without further information. */
const isEntra = (options: TokenVerifierOptions): boolean =>
  !options.metadataUrls?.length && !options.authority?.endsWith(METADATA_SUFFIX);

/** `oid` identifies a user to every API of a tenant; other issuers only have `sub`. */
export function userNameClaimOf(options: TokenVerifierOptions): string {
  return options.userNameClaim ?? (isEntra(options) ? 'oid' : 'sub');
}

/** How keys age: the real gateway never refreshes known keys; Microsoft recommends hourly ("Signing key rollover"). */
export function cacheTimesOf(options: TokenVerifierOptions): KeyCacheTimes {
  const never = Number.POSITIVE_INFINITY;
  if (options.policy === 'gateway') {
    const minimumRefresh = options.minimumRefresh ?? DEFAULTS.identity.keyRefreshInterval.gateway;
    return { minimumRefresh, backgroundRefresh: never, timeToLive: never, lastKnownGood: never };
  }
  return {
    minimumRefresh: options.minimumRefresh ?? DEFAULTS.identity.keyRefreshInterval.strict,
    backgroundRefresh: STRICT_BACKGROUND_REFRESH,
    timeToLive: STRICT_TIME_TO_LIVE,
    lastKnownGood: options.lastKnownGood ?? DEFAULTS.identity.strict.lastKnownGood,
  };
}

const asItIs = (issuer: string): string => issuer;

/** The rules of the chosen policy, for issuers whose metadata is loaded. */
export function rulesOf(options: TokenVerifierOptions, issuers: readonly IssuerMetadata[]): PolicyRules {
  const audiences = options.audiences?.length ? options.audiences : [DEFAULTS.identity.audience];
  const userNameClaim = userNameClaimOf(options);
  const required = options.requiredClaims ?? {};
  if (options.policy === 'strict') {
    const strict = {
      audiences,
      requiredClaims: withoutNulls(required),
      tenants: options.tenants,
      scope: options.scope === null ? undefined : (options.scope ?? DEFAULTS.identity.strict.scope),
      guests: options.guests ?? DEFAULTS.identity.strict.guests,
      clients: options.clients,
      clockSkew: options.clockSkew ?? DEFAULTS.identity.clockSkew.strict,
      entra: isEntra(options),
      canonicalIssuer: options.canonicalIssuer ?? asItIs,
      userNameClaim,
    };
    return strictPolicy(strict, issuers);
  }
  const tenant = isEntra(options) ? (options.tenants?.[0] ?? tenantsOf(issuers)?.[0]) : undefined;
  const tid = tenant === undefined ? {} : { tid: tenant };
  return gatewayPolicy({
    requiredClaims: withoutNulls({ aud: audiences[0], ...tid, ...required }),
    issuers: Object.hasOwn(required, 'iss') ? [] : acceptedIssuers(issuers, tenant),
    canonicalIssuer: options.canonicalIssuer ?? asItIs,
    userNameClaim,
    clockSkew: options.clockSkew ?? DEFAULTS.identity.clockSkew.gateway,
  });
}

function withoutNulls(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}

/** Exact issuers; none if one is a template and no tenant fills it. */
function acceptedIssuers(issuers: readonly IssuerMetadata[], tenant: string | undefined): readonly string[] {
  const exact = issuers.map(({ issuer }) => (tenant === undefined ? issuer : issuerOf(issuer, tenant)));
  return exact.some((issuer) => issuer.includes('{')) ? [] : exact;
}
