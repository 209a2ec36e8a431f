import { createHash } from 'node:crypto';
import { type IdentityContext, newSecret, nowSeconds } from '../context/context.ts';
import type { SignIn } from '../context/grants.ts';
import type { Application } from '../directory/schema.ts';
import { WELL_KNOWN_RESOURCES } from '../directory/well-known.ts';
import type { AccessTokenRequest, TokenUser } from '../tokens/token-claims.ts';
import { fullScopeNames, type Resource } from './resources.ts';
import type { Account } from './users.ts';

/** Input of a token response. */
export interface TokenGrant {
  readonly grant: string;
  readonly version: 1 | 2;
  readonly app: Application;
  readonly proof: 'none' | 'secret' | 'certificate';
  readonly account: Account;
  readonly signIn: SignIn;
  readonly resource: Resource;
  /** Requested scopes: those of no API, and permission names. */
  readonly scope: { readonly oidc: readonly string[]; readonly names: readonly string[] };
  readonly granted: readonly string[];
  readonly contexts: readonly string[];
  readonly capabilities: readonly string[];
  readonly nonce?: string | undefined;
  readonly clientInfo: boolean;
  /** Undefined if the grant issues no refresh token. */
  readonly refresh: { readonly scope: string; readonly spa: boolean; readonly expires: number } | undefined;
  readonly idToken: boolean;
  readonly remoteAddress: string;
}

export type TokenAnswer = Record<string, string | number>;

/** Claims about the user, in the token issuer's format. */
function tokenUser(context: Pick<IdentityContext, 'issuerFor'>, account: Account): TokenUser {
  const { user, home } = account;
  return {
    objectId: user.id,
    userPrincipalName: user.userPrincipalName,
    displayName: user.displayName,
    givenName: user.givenName,
    familyName: user.surname,
    email: user.mail,
    guest: user.type === 'guest',
    identityProvider: home.tenant !== account.tenant ? context.issuerFor(home.tenant.id, 1) : undefined,
  };
}

/** Creates the access token of a user and client for a resource. */
export function accessTokenRequest(
  context: Pick<IdentityContext, 'issuerFor'>,
  grant: Pick<
    TokenGrant,
    'account' | 'app' | 'proof' | 'resource' | 'granted' | 'signIn' | 'contexts' | 'capabilities' | 'remoteAddress'
  >,
): AccessTokenRequest {
  const { account, app, resource, signIn } = grant;
  const { user, tenant } = account;
  const cae = resource.optionalClaims.includes('xms_cc') && grant.capabilities.length > 0;
  return {
    version: resource.version === 1 ? '1.0' : '2.0',
    issuer: context.issuerFor(tenant.id, resource.version),
    tenantId: tenant.id,
    clientId: app.appId,
    audience: resource.version === 1 ? resource.identifier : resource.appId,
    user: tokenUser(context, account),
    scopes: grant.granted,
    roles: orNone(user.roles),
    groups: orNone(user.groups),
    directoryRoles: orNone(user.directoryRoles),
    authContexts: orNone(grant.contexts),
    capabilities: cae ? grant.capabilities : undefined,
    clientProof: grant.proof,
    authMethods: signIn.authentication.methods,
    authTime: signIn.authentication.authTime,
    sessionId: signIn.sessionId,
    ipAddress: grant.remoteAddress,
    optionalClaims: optionalClaims(app, resource),
    // Continuous access evaluation: such tokens live 20 to 28 hours ("Configurable token lifetimes").
    ...(cae && { lifetime: 24 * 3600 }),
    claims: {
      ...(signIn.deviceId !== undefined && tenant.devices.find(signIn.deviceId) && { deviceid: signIn.deviceId }),
      ...user.claims,
    },
  };
}

/**
 * Entra takes optional claims of access tokens from the resource. Microsoft's own resources cannot be configured, and the
 * documentation of Tunnel for MAM requires adding `acct` to the LOB app: for those resources, the client's own list counts too.
 */
function optionalClaims(app: Application, resource: Resource): string[] {
  const ofMicrosoft = WELL_KNOWN_RESOURCES.some((known) => known.appId === resource.appId);
  const names = [...resource.optionalClaims, ...(ofMicrosoft ? app.optionalClaims : [])];
  return [...new Set(names.filter((name) => name !== 'xms_cc'))];
}

function orNone(list: readonly string[]): readonly string[] | undefined {
  return list.length > 0 ? list : undefined;
}

/** Signs and stores the tokens of a grant, and builds the JSON response for the endpoint's version. */
export async function tokenAnswer(context: IdentityContext, grant: TokenGrant): Promise<TokenAnswer> {
  const { account, app, resource, signIn } = grant;
  const access = await context.issuer.accessToken(accessTokenRequest(context, grant));
  const idToken = grant.idToken ? await idTokenOf(context, grant) : undefined;
  context.emit('identity.token.issued', {
    user: account.user.userPrincipalName,
    client: app.appId,
    grant: grant.grant,
    audience: resource.name,
    tokenId: access.tokenId,
  });
  const { expiresIn } = access;
  return {
    ...answerFrame(context, grant.version, resource, expiresIn, grantedScope(grant)),
    ...(grant.version === 2 && expiresIn >= 7200 && { refresh_in: Math.floor(expiresIn / 2) }),
    access_token: access.token,
    ...(grant.refresh && { refresh_token: newRefreshToken(context, signIn, grant.refresh) }),
    ...(idToken !== undefined && { id_token: idToken }),
    ...(grant.clientInfo && { client_info: clientInfo(account) }),
  };
}

/** Members other than the tokens; v1 endpoints write numbers as strings and name the resource. `scope` depends on the version. */
export function answerFrame(
  context: Pick<IdentityContext, 'clock'>,
  version: 1 | 2,
  resource: Resource,
  expiresIn: number,
  scope: string | undefined,
): TokenAnswer {
  const scopes: TokenAnswer = scope === undefined ? {} : { scope };
  if (version === 2) return { token_type: 'Bearer', ...scopes, expires_in: expiresIn, ext_expires_in: expiresIn };
  const now = nowSeconds(context);
  return {
    token_type: 'Bearer',
    ...scopes,
    expires_in: String(expiresIn),
    ext_expires_in: String(expiresIn),
    expires_on: String(now + expiresIn),
    not_before: String(now),
    resource: resource.identifier,
  };
}

/** The granted scopes, as a response lists them. */
function grantedScope({ version, resource, scope, granted }: TokenGrant): string {
  if (version === 1) return granted.join(' ');
  // MSAL looks up a cached token by the scopes in the response, so `.default` is included if it was requested.
  const names = [...granted, ...scope.names.filter((name) => name === '.default')];
  return fullScopeNames(resource, [...new Set(names)]).join(' ');
}

/** The ID token: the user, for the client. */
export async function idTokenOf(
  context: IdentityContext,
  grant: Pick<TokenGrant, 'account' | 'app' | 'signIn' | 'version' | 'nonce'> & {
    readonly scope: Pick<TokenGrant['scope'], 'oidc'>;
    readonly code?: string;
    readonly accessToken?: string;
  },
): Promise<string> {
  const { account, app, signIn, version } = grant;
  const issued = await context.issuer.idToken({
    version: version === 1 ? '1.0' : '2.0',
    issuer: context.issuerFor(account.tenant.id, version),
    tenantId: account.tenant.id,
    clientId: app.appId,
    user: tokenUser(context, account),
    nonce: grant.nonce,
    scopes: grant.scope.oidc,
    authMethods: signIn.authentication.methods,
    authTime: signIn.authentication.authTime,
    sessionId: signIn.sessionId,
    lifetime: context.behaviour.lifetimes.idToken,
    optionalClaims: [
      ...['login_hint'].filter((name) => app.optionalClaims.includes(name)),
      ...(signIn.tellsAuthTime ? ['auth_time'] : []),
    ],
    ...(grant.code !== undefined && { code: grant.code }),
    ...(grant.accessToken !== undefined && { accessToken: grant.accessToken }),
    claims: { ...account.user.claims },
  });
  return issued.token;
}

function newRefreshToken(
  context: IdentityContext,
  signIn: SignIn,
  refresh: NonNullable<TokenGrant['refresh']>,
): string {
  const secret = newSecret(context, '1.A');
  context.grants.addRefreshToken(secret, {
    ...signIn,
    scope: refresh.scope,
    spa: refresh.spa,
    issued: context.clock.now(),
    expires: refresh.expires,
    used: false,
  });
  return secret;
}

/** base64url of `{"uid","utid"}` of the home account: MSAL builds the account ID from it. */
export function clientInfo({ home }: Pick<Account, 'home'>): string {
  return Buffer.from(JSON.stringify({ uid: home.user.id, utid: home.tenant.id })).toString('base64url');
}

/** Identifies a password without revealing it: changing the password ends sign-ins with the old one. */
export function passwordMark(user: { readonly id: string; readonly password?: string | undefined }): string {
  return createHash('sha256')
    .update(`${user.id}\0${user.password ?? ''}`)
    .digest('base64url')
    .slice(0, 16);
}
