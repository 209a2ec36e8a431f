import { type IdentityContext, nowSeconds } from '../context/context.ts';
import { Grants, type RefreshGrant } from '../context/grants.ts';
import { AadstsError, entraTimestamp } from '../errors/aadsts-error.ts';
import { recallAccount } from './accounts.ts';
import { checkRedemption } from './origin.ts';
import { finishUserGrant, type GrantHandler, requestedScope, revoked } from './token-grants.ts';
import { passwordMark } from './token-response.ts';
import type { Account } from './users.ts';

/**
 * Refresh, with rotation: each use issues a new token and, as Entra does, leaves the old one valid. One refresh token
 * serves every resource that the client has consent to (Microsoft: "Refresh tokens in the Microsoft identity platform").
 */
export const grantByRefreshToken: GrantHandler = async (context, request, client, name) => {
  const secret = request.parameters.require('refresh_token');
  const grant = context.grants.refreshTokens.get(Grants.key(secret));
  if (!grant || grant.clientId.toLowerCase() !== client.app.appId.toLowerCase()) throw new AadstsError(70000);
  checkRedemption(context, request, grant.spa);
  if (grant.used && context.behaviour.replay === 'revoke') {
    context.grants.revokeSession(grant.sessionId);
    throw new AadstsError(70000, {}, { suberror: 'bad_token' });
  }
  refuseExpired(context, grant);
  const account = recallAccount(context, grant, request.authority, client.app.appId);
  refuseRevoked(context, grant, account);
  grant.used = true;
  return finishUserGrant(context, request, client, {
    grant: name,
    account,
    signIn: grant,
    scope: requestedScope(request, grant.scope),
    refresh: 'always',
    refreshUntil: grant.spa ? grant.expires : undefined,
    spa: grant.spa,
    isRefresh: true,
  });
};

function refuseExpired(context: IdentityContext, grant: RefreshGrant): void {
  if (grant.expires > context.clock.now()) return;
  const { lifetimes } = context.behaviour;
  const issued = entraTimestamp(grant.issued);
  if (grant.spa) throw new AadstsError(700084, { issued, lifetime: duration(lifetimes.spaRefreshToken) });
  throw new AadstsError(700082, { issued, lifetime: duration(lifetimes.refreshToken) });
}

/** `90.00:00:00`, a time span in .NET's format. */
function duration(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rest = `${two((seconds % 86_400) / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`;
  return seconds >= 86_400 ? `${Math.floor(seconds / 86_400)}.${rest}` : rest;
}

function refuseRevoked(context: IdentityContext, grant: RefreshGrant, account: Account): void {
  const { authTime, methods } = grant.authentication;
  for (const id of [account.user.id, account.home.user.id]) {
    const revocation = context.grants.revocationOf(id);
    if (revocation && grant.order < revocation.order) throw revoked(authTime, revocation.time);
  }
  if (context.grants.isRevoked(grant.sessionId)) throw revoked(authTime, nowSeconds(context));
  if (methods.includes('pwd') && grant.passwordMark !== passwordMark(account.home.user)) throw new AadstsError(50133);
}
