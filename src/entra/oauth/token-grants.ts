import { type IdentityContext, nowSeconds, type RequestContext } from '../context/context.ts';
import type { SignIn } from '../context/grants.ts';
import { GRAPH_RESOURCE_ID } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import type { Client } from './clients.ts';
import { judgeAccess } from './conditional-access.ts';
import { decideConsent } from './consent.ts';
import { parseRequestClaims } from './request-claims.ts';
import { findResources, onlyResource } from './resources.ts';
import { parseScopes, type ScopeRequest } from './scopes.ts';
import { type TokenAnswer, tokenAnswer } from './token-response.ts';
import type { Account } from './users.ts';

/** Handles one grant type. `name` is its name in the log. */
export type GrantHandler = (
  context: IdentityContext,
  request: RequestContext,
  client: Client,
  name: string,
) => Promise<TokenAnswer>;

/** The scopes of a request, as written. */
export interface AskedScope {
  readonly text: string;
  /** True if they come from the sign-in, not from this request. Of several APIs, the first counts then. */
  readonly remembered: boolean;
}

/**
 * The scopes of a request: `scope`, or `resource` of v1 endpoints, which means `<resource>/.default`
 * (Microsoft: "Scopes and permissions in the Microsoft identity platform").
 *
 * @param remembered the scopes of the sign-in
 * @throws AadstsError 900144 neither the request nor the sign-in has a scope
 */
export function requestedScope(request: RequestContext, remembered?: string): AskedScope {
  const { parameters, version } = request;
  const scope = parameters.get('scope')?.trim() || undefined;
  const resource = parameters.get('resource');
  if (version === 1) {
    if (resource !== undefined)
      return { text: `openid profile offline_access ${resource}/.default`, remembered: false };
    if (remembered === undefined) return { text: scope ?? 'openid profile offline_access', remembered: false };
  } else if (scope !== undefined) return { text: scope, remembered: false };
  if (remembered === undefined) throw new AadstsError(900144, { field: 'scope' });
  return { text: remembered, remembered: true };
}

/** Input of a user's token request, in addition to the account. */
export interface UserGrant {
  readonly grant: string;
  readonly account: Account;
  readonly signIn: SignIn;
  readonly scope: AskedScope;
  readonly nonce?: string | undefined;
  readonly contexts?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly refresh: 'always' | 'if-asked' | 'never';
  /** Milliseconds since the Unix epoch; set for a refresh token that does not slide. */
  readonly refreshUntil?: number | undefined;
  readonly spa?: boolean;
  readonly isRefresh?: boolean;
}

/**
 * The common last steps of every user grant: one-shot overrides, the resource, Conditional Access, consent, then tokens.
 */
export async function finishUserGrant(
  context: IdentityContext,
  request: RequestContext,
  client: Client,
  grant: UserGrant,
): Promise<TokenAnswer> {
  const { account, signIn } = grant;
  const { app } = client;
  context.overrides.strike(
    'token',
    { user: account.user, client: app.appId },
    overrideParameters(account, client, grant.scope.text),
  );
  const scope = parseScopes(grant.scope.text);
  const found = findResources(context.directory, account.tenant, scope, { app, interactive: false });
  const { resource, names } = grant.scope.remembered ? found[0] : onlyResource(found);
  const claims = parseRequestClaims(request.parameters.get('claims'));
  const contexts = [...new Set([...(grant.contexts ?? []), ...claims.contexts])];
  const now = nowSeconds(context);
  const failure = judgeAccess({
    tenant: account.tenant,
    user: account.user,
    app,
    resource,
    authentication: signIn.authentication,
    deviceId: request.deviceId ?? signIn.deviceId ?? account.user.device,
    contexts,
    stepUp: claims.stepUp,
    refresh: grant.isRefresh ?? false,
    now,
  });
  if (failure) throw failure.error;
  if (claims.notBefore !== undefined && signIn.authentication.authTime < claims.notBefore && grant.isRefresh) {
    // The resource refused tokens issued before a revocation; only a new sign-in helps.
    throw revoked(signIn.authentication.authTime, claims.notBefore);
  }
  const consent = decideConsent(account.tenant, app, { resource, names }, scope.oidc, account.user.id);
  if (consent.missing.length > 0) throw new AadstsError(65001, { client: app.appId, name: app.displayName });
  const { lifetimes } = context.behaviour;
  const refresh = grant.refresh === 'always' || (grant.refresh === 'if-asked' && asksForRefresh(request, scope));
  return tokenAnswer(context, {
    grant: grant.grant,
    version: request.version,
    app,
    proof: client.proof,
    account,
    signIn: {
      ...signIn,
      deviceId: request.deviceId ?? signIn.deviceId ?? account.user.device,
      tellsAuthTime: signIn.tellsAuthTime || claims.authTime,
    },
    resource,
    scope: { oidc: scope.oidc, names },
    granted: consent.granted,
    contexts,
    capabilities: [...new Set([...(grant.capabilities ?? []), ...claims.capabilities])],
    nonce: grant.nonce,
    clientInfo: request.parameters.get('client_info') === '1',
    refresh: refresh
      ? {
          scope: grant.scope.text,
          spa: grant.spa ?? false,
          expires:
            grant.refreshUntil ??
            context.clock.now() + 1000 * (grant.spa ? lifetimes.spaRefreshToken : lifetimes.refreshToken),
        }
      : undefined,
    idToken: request.version === 1 || scope.oidc.includes('openid'),
    remoteAddress: request.remoteAddress,
  });
}

function asksForRefresh(request: RequestContext, scope: ScopeRequest): boolean {
  return request.version === 1 || scope.oidc.includes('offline_access');
}

/** Fills in the messages of one-shot failures. */
export function overrideParameters(
  account: Account,
  { app }: Pick<Client, 'app'>,
  scope: string,
): Record<string, string> {
  return {
    user: account.user.userPrincipalName,
    tenant: account.tenant.settings.displayName,
    client: app.appId,
    name: app.displayName,
    resource: resourceNamed(scope),
    device: 'unregistered',
  };
}

/** The resource as the client named it; a malformed scope is reported later, where it is needed. */
function resourceNamed(scope: string): string {
  const first = scope.split(' ').find((word) => word.includes('/'));
  return first?.slice(0, first.lastIndexOf('/')) ?? GRAPH_RESOURCE_ID;
}

/** 50173 with both times, given in seconds since the Unix epoch. */
export function revoked(issued: number, validFrom: number): AadstsError {
  const text = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}.0000000Z`;
  return new AadstsError(50173, { issued: text(issued), validFrom: text(validFrom) });
}
