import { createHash } from 'node:crypto';
import type { RandomSource } from '../../lib/random.ts';

/** `ver` of a token. The resource decides it, not the endpoint that the client used (Microsoft: "Access tokens"). */
export type TokenVersion = '1.0' | '2.0';

/** Claims of a token, as JSON. */
export type Claims = Record<string, unknown>;

/** The user of a token. */
export interface TokenUser {
  readonly objectId: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly givenName?: string | undefined;
  readonly familyName?: string | undefined;
  readonly email?: string | undefined;
  /** A guest: `acct` 1, and an `idp` that is not the token's issuer. */
  readonly guest?: boolean | undefined;
  /** Issuer of a guest's home: `idp`. */
  readonly identityProvider?: string | undefined;
}

/** Input for both kinds of token. All times are in seconds; undefined members are left out of the token. */
export interface TokenBasis {
  readonly version: TokenVersion;
  /** `iss`, without placeholders. */
  readonly issuer: string;
  readonly tenantId: string;
  /** Application ID of the requesting client. */
  readonly clientId: string;
  /** How the user signed in (`amr` of v1 tokens). Default `["pwd"]`. */
  readonly authMethods?: readonly string[] | undefined;
  /** Source address of the sign-in (`ipaddr`, v1). */
  readonly ipAddress?: string | undefined;
  /** Time of sign-in, seconds since the Unix epoch; `auth_time` if requested as an optional claim. */
  readonly authTime?: number | undefined;
  readonly sessionId?: string | undefined;
  /** Names of optional claims to add: `acct`, `auth_time`, `ctry`, `email`, `idtyp`, `ipaddr`, `sid`, `upn`, `login_hint`, … */
  readonly optionalClaims?: readonly string[] | undefined;
  /** Values for optional claims without another source here (`ctry`, `deviceid`, `xms_pl`, …). */
  readonly extraClaims?: Readonly<Claims> | undefined;
  /** Exact lifetime in seconds. */
  readonly lifetime?: number | undefined;
  /** Added to the clock when computing `iat`, `nbf` and `exp`, in seconds: simulates a tenant with a wrong clock. */
  readonly clockOffset?: number | undefined;
  /** Final override of any claim: a value replaces it, `undefined` removes it. */
  readonly claims?: Readonly<Claims> | undefined;
  /** Final override of the header, in the same way. */
  readonly header?: Readonly<Claims> | undefined;
}

/** An access token for a user, or (without `user`) for the application itself. */
export interface AccessTokenRequest extends TokenBasis {
  /** The API: its client ID, or (v1 only) its app ID URI. */
  readonly audience: string;
  readonly user?: TokenUser | undefined;
  /** Granted delegated permissions: `scp`. Only with a user. */
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly directoryRoles?: readonly string[] | undefined;
  /** Authentication contexts satisfied: `acrs`. */
  readonly authContexts?: readonly string[] | undefined;
  /** Client capabilities, such as `cp1`: `xms_cc`. */
  readonly capabilities?: readonly string[] | undefined;
  /** The client's authentication method: none, a secret, a certificate (`azpacr` / `appidacr`). */
  readonly clientProof?: 'none' | 'secret' | 'certificate' | undefined;
  /** Object ID of the client's service principal: `oid` and `sub` of an app-only token. */
  readonly servicePrincipalId?: string | undefined;
}

/** An ID token: about the user, for the client. */
export interface IdTokenRequest extends TokenBasis {
  readonly user: TokenUser;
  readonly nonce?: string | undefined;
  /** Requested scopes; `email` and `profile` add claims. */
  readonly scopes?: readonly string[] | undefined;
  /** Bind the token to an authorization code (`c_hash`) or access token (`at_hash`) of a hybrid response. */
  readonly code?: string | undefined;
  readonly accessToken?: string | undefined;
}

/** Above this many groups, a token points to Graph instead of listing them (Microsoft: "Access token claims reference"). */
const GROUP_LIMIT = 200;

const PROOF = { none: '0', secret: '1', certificate: '2' } as const;

/** `sub`: pairwise per user and application. */
export function pairwiseSubject(userId: string, applicationId: string): string {
  return createHash('sha256').update(`${userId}\0${applicationId}`).digest('base64url');
}

/** Left half of the SHA-256 of the ASCII string (OpenID Connect Core §3.3.2.11). */
function halfHash(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}

function userClaims(request: TokenBasis, user: TokenUser): Claims {
  const v1 = request.version === '1.0';
  const claims: Claims = { name: user.displayName, oid: user.objectId };
  if (user.guest) claims.idp = user.identityProvider ?? 'https://sts.windows.net/00000000-0000-4000-8000-000000000000/';
  if (v1) {
    claims.amr = request.authMethods ?? ['pwd'];
    claims.family_name = user.familyName;
    claims.given_name = user.givenName;
    claims.ipaddr = request.ipAddress ?? '127.0.0.1';
    claims.unique_name = user.userPrincipalName;
    claims.upn = user.userPrincipalName;
  } else {
    claims.preferred_username = user.userPrincipalName;
  }
  return claims;
}

function optionalClaims(request: TokenBasis, user: TokenUser | undefined): Claims {
  const known: Claims = {
    acct: user ? (user.guest ? 1 : 0) : undefined,
    auth_time: request.authTime,
    email: user?.email,
    family_name: user?.familyName,
    given_name: user?.givenName,
    idtyp: user ? 'user' : 'app',
    ipaddr: request.ipAddress,
    login_hint: user?.userPrincipalName,
    sid: request.sessionId,
    upn: user?.userPrincipalName,
    ...request.extraClaims,
  };
  return Object.fromEntries((request.optionalClaims ?? []).map((name) => [name, known[name]]));
}

function groupClaims(groups: readonly string[] | undefined, request: AccessTokenRequest): Claims {
  if (!groups || groups.length <= GROUP_LIMIT) return { groups };
  const endpoint = `https://graph.microsoft.com/v1.0/users/${request.user?.objectId ?? ''}/getMemberObjects`;
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } };
}

/** Removes undefined members, then sorts like Entra: `aud iss iat nbf exp` first, the rest by name. */
function arrange(claims: Claims): Claims {
  const { aud, iss, iat, nbf, exp, ...rest } = claims;
  const first = Object.entries({ aud, iss, iat, nbf, exp });
  const others = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries([...first, ...others].filter(([, value]) => value !== undefined));
}

function times(request: TokenBasis, now: number, lifetime: number): Claims {
  const at = now + (request.clockOffset ?? 0);
  return { iat: at, nbf: at, exp: at + lifetime };
}

function internals(random: RandomSource): Claims {
  return {
    aio: random.bytes(40).toString('base64url'),
    rh: `1.${random.bytes(36).toString('base64url')}.`,
    uti: random.bytes(16).toString('base64url'),
  };
}

/**
 * Claims of an access token (Microsoft: "Access token claims reference").
 *
 * @param now seconds since the Unix epoch
 * @param lifetime seconds
 */
export function accessTokenClaims(
  request: AccessTokenRequest,
  now: number,
  lifetime: number,
  random: RandomSource,
): Claims {
  const { user } = request;
  const v1 = request.version === '1.0';
  const proof = PROOF[request.clientProof ?? 'none'];
  const principal = request.servicePrincipalId ?? request.clientId;
  return arrange({
    aud: request.audience,
    iss: request.issuer,
    ...times(request, now, lifetime),
    ...internals(random),
    tid: request.tenantId,
    ver: request.version,
    ...(v1 ? { appid: request.clientId, appidacr: proof } : { azp: request.clientId, azpacr: proof }),
    ...(user
      ? {
          ...userClaims(request, user),
          ...(v1 ? { acr: '1' } : {}),
          scp: request.scopes?.length ? request.scopes.join(' ') : undefined,
          sub: pairwiseSubject(user.objectId, request.audience),
          sid: request.sessionId,
          acrs: request.authContexts,
        }
      : { oid: principal, sub: principal }),
    roles: request.roles,
    wids: request.directoryRoles,
    xms_cc: request.capabilities,
    ...groupClaims(request.groups, request),
    ...optionalClaims(request, user),
    ...request.claims,
  });
}

/**
 * Claims of an ID token (Microsoft: "ID token claims reference").
 *
 * @param now seconds since the Unix epoch
 * @param lifetime seconds
 */
export function idTokenClaims(request: IdTokenRequest, now: number, lifetime: number, random: RandomSource): Claims {
  const { user } = request;
  return arrange({
    aud: request.clientId,
    iss: request.issuer,
    ...times(request, now, lifetime),
    ...internals(random),
    ...userClaims(request, user),
    sid: request.sessionId,
    sub: pairwiseSubject(user.objectId, request.clientId),
    tid: request.tenantId,
    ver: request.version,
    nonce: request.nonce,
    email: request.scopes?.includes('email') ? user.email : undefined,
    c_hash: request.code === undefined ? undefined : halfHash(request.code),
    at_hash: request.accessToken === undefined ? undefined : halfHash(request.accessToken),
    ...optionalClaims(request, user),
    ...request.claims,
  });
}
