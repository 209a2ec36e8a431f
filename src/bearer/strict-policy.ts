import type { JsonObject } from '../lib/strict-json.ts';
import { isGuid, issuerOf } from './authority.ts';
import type { CachedKey } from './key-cache.ts';
import type { IssuerMetadata } from './metadata.ts';
import { type ClaimCheck, type PolicyRules, requiredChecks, timesCheck, userNameCheck } from './policy.ts';
import { refusals } from './refusals.ts';
import type { TokenRefusal } from './types.ts';

/** Settings of the strict policy. */
export interface StrictPolicyOptions {
  /** Accepted `aud` values; the first is named in advice. */
  readonly audiences: readonly string[];
  /** Accepted tenant IDs; undefined = those of the configured issuers, or any if these are templates. */
  readonly tenants: readonly string[] | undefined;
  /** Delegated permission required in `scp`; undefined = none. */
  readonly scope: string | undefined;
  readonly guests: 'accept' | 'refuse';
  /** Accepted client IDs (`azp`, `appid`); undefined = any. */
  readonly clients: readonly string[] | undefined;
  readonly clockSkew: number;
  /** False for issuers other than Entra ID: no tenant, no version, no `oid`; `iss` must equal the metadata's. */
  readonly entra: boolean;
  /** Maps an `iss` to its name in the metadata. */
  readonly canonicalIssuer: (issuer: string) => string;
  /** Additional claims that must be present and equal. */
  readonly requiredClaims: Readonly<Record<string, unknown>>;
  readonly userNameClaim: string;
}

/** Microsoft's published rules for APIs, in its order ("Secure applications and APIs by validating claims"). */
export function strictPolicy(options: StrictPolicyOptions, issuers: readonly IssuerMetadata[]): PolicyRules {
  const tenants = options.tenants ?? tenantsOf(issuers);
  const named = (claims: Readonly<JsonObject>): Readonly<JsonObject> =>
    typeof claims['iss'] === 'string' ? { ...claims, iss: options.canonicalIssuer(claims['iss']) } : claims;
  const issuer: ClaimCheck = options.entra
    ? {
        name: 'issuer',
        claims: ['ver', 'tid', 'iss'],
        wants: `version, tenant and issuer of one kind${tenants === undefined ? '' : `; tenant ${tenants.join(' or ')}`}`,
        needsKey: true,
        judge: ({ claims, key }) => checkEntraIssuer(named(claims), key, issuers, tenants),
      }
    : {
        name: 'issuer',
        claims: ['iss'],
        wants: issuers.map((metadata) => metadata.issuer).join(' or '),
        needsKey: true,
        judge: ({ claims, key }) => checkIssuer(named(claims), key, issuers),
      };
  return {
    algorithms: ['RS256'],
    checks: [
      timesCheck(options.clockSkew),
      issuer,
      {
        name: 'audience',
        claims: ['aud'],
        wants: options.audiences.join(' or '),
        judge: ({ claims }) => checkAudience(claims, options),
      },
      {
        name: 'permission',
        claims: ['scp', 'idtyp'],
        wants: `a user's token${options.scope === undefined ? '' : ` with the scope ${options.scope}`}`,
        judge: ({ claims }) => checkPermission(claims, options),
      },
      {
        name: 'guest',
        claims: ['acct', 'idp'],
        wants: options.guests === 'accept' ? 'anything: guests are accepted' : 'a member of the tenant',
        judge: ({ claims }) => checkGuest(claims, options),
      },
      {
        name: 'client',
        claims: ['azp', 'appid'],
        wants: options.clients?.join(' or ') ?? 'anything: every app is accepted',
        judge: ({ claims }) => checkClient(claims, options),
      },
      ...requiredChecks(Object.entries(options.requiredClaims)),
      userNameCheck(options.userNameClaim),
    ],
  };
}

/** For issuers other than Entra ID, the token's issuer must publish the key. */
function checkIssuer(
  claims: Readonly<JsonObject>,
  key: CachedKey,
  issuers: readonly IssuerMetadata[],
): TokenRefusal | undefined {
  const { iss } = claims;
  if (key.publishedBy.some(({ metadata }) => metadata.issuer === iss)) return undefined;
  return refusals.issuer(
    iss,
    issuers.map((metadata) => metadata.issuer),
  );
}

const isVersion2 = (metadata: IssuerMetadata): boolean => metadata.issuer.endsWith('/v2.0');

/** Version, tenant, issuer and key issuer (Microsoft: "Access tokens in the Microsoft identity platform", validation of tokens). */
function checkEntraIssuer(
  claims: Readonly<JsonObject>,
  key: CachedKey,
  issuers: readonly IssuerMetadata[],
  tenants: readonly string[] | undefined,
): TokenRefusal | undefined {
  const { iss, tid, ver } = claims;
  if (ver !== '1.0' && ver !== '2.0') return refusals.claim('ver', ver, '1.0 or 2.0');
  const wants = (metadata: IssuerMetadata): boolean => isVersion2(metadata) === (ver === '2.0');
  const publication = key.publishedBy.find(({ metadata }) => wants(metadata));
  if (!publication) return refusals.version(ver, ver === '2.0' ? 'v1.0 tokens' : 'v2.0 tokens');
  if (!isGuid(tid)) return refusals.tenant(tid, []);
  if (tenants && !tenants.includes(tid)) return refusals.tenant(tid, tenants);
  const expected = issuerOf(publication.metadata.issuer, tid);
  if (iss !== expected) {
    const other = issuers.some((metadata) => !wants(metadata) && issuerOf(metadata.issuer, tid) === iss);
    const note = other
      ? `This is the issuer of ${ver === '2.0' ? 'v1.0' : 'v2.0'} tokens, but ver is "${ver}": a token of one version with the issuer of the other.`
      : '';
    return refusals.issuer(iss, [expected], note);
  }
  const { keyIssuer } = publication;
  return keyIssuer !== undefined && issuerOf(keyIssuer, tid) !== iss ? refusals.keyIssuer(iss, keyIssuer) : undefined;
}

/** Tenant IDs of exact issuers; undefined when an issuer is a template for any tenant. */
export function tenantsOf(issuers: readonly IssuerMetadata[]): readonly string[] | undefined {
  const ids = issuers.map(({ issuer }) => URL.parse(issuer)?.pathname.split('/').find(isGuid));
  return ids.every((id) => id !== undefined) ? [...new Set(ids)] : undefined;
}

function checkAudience({ aud }: Readonly<JsonObject>, { audiences }: StrictPolicyOptions): TokenRefusal | undefined {
  return typeof aud === 'string' && audiences.includes(aud) ? undefined : refusals.audience(aud, audiences);
}

/** A delegated token has `scp`, an app-only token does not; `idtyp` decides when present (Microsoft: "Access token claims reference"). */
function checkPermission(claims: Readonly<JsonObject>, options: StrictPolicyOptions): TokenRefusal | undefined {
  const { scp, idtyp, oid, sub } = claims;
  const audience = options.audiences[0] ?? '';
  if (idtyp === 'app' || (scp === undefined && typeof oid === 'string' && oid === sub))
    return refusals.appOnly(audience);
  if (options.scope === undefined) return undefined;
  const granted = typeof scp === 'string' ? scp.split(' ') : [];
  return granted.includes(options.scope) ? undefined : refusals.scope(scp, options.scope, audience);
}

function checkGuest(
  { acct, idp, iss }: Readonly<JsonObject>,
  { guests }: StrictPolicyOptions,
): TokenRefusal | undefined {
  if (guests === 'accept') return undefined;
  // Without `acct`, only a foreign `idp` identifies a guest; with it, `acct` decides.
  const guest = acct === undefined ? idp !== undefined && idp !== iss : acct !== 0;
  return guest ? refusals.guest() : undefined;
}

function checkClient(claims: Readonly<JsonObject>, { clients }: StrictPolicyOptions): TokenRefusal | undefined {
  if (!clients) return undefined;
  const client = claims.azp ?? claims.appid;
  return typeof client === 'string' && clients.includes(client) ? undefined : refusals.client(client, clients);
}
