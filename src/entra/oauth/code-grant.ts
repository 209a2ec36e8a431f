import { Grants } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { recallAccount } from './accounts.ts';
import { checkRedemption } from './origin.ts';
import { checkVerifier } from './pkce.ts';
import { finishUserGrant, type GrantHandler, requestedScope } from './token-grants.ts';

/** Redeems an authorization code (Microsoft: "OAuth 2.0 authorization code flow"). */
export const grantByCode: GrantHandler = async (context, request, client, name) => {
  const { parameters } = request;
  const secret = parameters.require('code');
  const redirectUri = parameters.require('redirect_uri');
  const code = context.grants.codes.get(Grants.key(secret));
  if (!code || code.clientId.toLowerCase() !== client.app.appId.toLowerCase()) throw new AadstsError(70000);
  checkRedemption(context, request, code.spa);
  if (code.redeemed) {
    if (context.behaviour.replay === 'revoke') context.grants.revokeSession(code.sessionId);
    throw new AadstsError(54005);
  }
  if (code.expires <= context.clock.now()) throw new AadstsError(70008);
  if (code.redirectUri !== redirectUri) throw new AadstsError(70004);
  const account = recallAccount(context, code, request.authority, client.app.appId);
  const verifier = parameters.get('code_verifier');
  checkVerifier(code.challenge, verifier);
  // The code is spent from here on, even if this request fails later: a second attempt must not succeed.
  code.redeemed = true;
  return finishUserGrant(context, request, client, {
    grant: name,
    account,
    signIn: code,
    scope: requestedScope(request, code.scope),
    nonce: code.nonce,
    contexts: code.contexts,
    capabilities: code.capabilities,
    refresh: 'if-asked',
    spa: code.spa,
  });
};
