import { findAuthority } from '../context/authority.ts';
import { type IdentityContext, newSecret } from '../context/context.ts';
import type { SignIn } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { findClient } from '../oauth/clients.ts';
import { decideConsent } from '../oauth/consent.ts';
import { findResources, onlyResource } from '../oauth/resources.ts';
import { parseScopes } from '../oauth/scopes.ts';
import { accessTokenRequest, clientInfo, idTokenOf, passwordMark } from '../oauth/token-response.ts';
import type { Account } from '../oauth/users.ts';
import { sessionState } from './answer.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import type { SignInFlow } from './flow.ts';

/** The authentication data of a finished flow. */
export function signInOf(flow: SignInFlow, account: Account, clientId: string): SignIn {
  if (!flow.authentication || flow.sessionId === undefined) throw new AadstsError(50058);
  return {
    tenantId: account.tenant.id,
    userId: account.user.id,
    clientId,
    authentication: flow.authentication,
    sessionId: flow.sessionId,
    deviceId: flow.deviceId ?? account.user.device,
    tellsAuthTime: asksForAuthTime(flow),
    passwordMark: passwordMark(account.home.user),
    order: flow.order,
  };
}

function asksForAuthTime({ purpose }: SignInFlow): boolean {
  return purpose.kind === 'authorize' && (purpose.request.maxAge !== undefined || purpose.request.claims.authTime);
}

/** Parameters of a successful response: code, ID token, access token, depending on the response type. */
export async function successParameters(
  context: IdentityContext,
  flow: SignInFlow,
  request: AuthorizeRequest,
  account: Account,
  remoteAddress: string,
): Promise<URLSearchParams> {
  const authority = findAuthority(context.directory, flow.authority);
  const { app } = findClient(context, authority, flow.clientId);
  const signIn = signInOf(flow, account, app.appId);
  const parameters = new URLSearchParams();
  const types = request.responseTypes;
  const scope = parseScopes(request.scope);
  let code: string | undefined;
  if (types.has('code')) {
    code = newSecret(context, '1.A');
    context.grants.addCode(code, {
      ...signIn,
      redirectUri: request.redirectUri,
      scope: request.scope,
      nonce: request.nonce,
      challenge: request.challenge,
      spa: request.spa,
      contexts: request.claims.contexts,
      capabilities: request.claims.capabilities,
      expires: context.clock.now() + context.behaviour.lifetimes.code * 1000,
      redeemed: false,
    });
    parameters.set('code', code);
  }
  if (types.has('token')) {
    const found = onlyResource(findResources(context.directory, account.tenant, scope, { app, interactive: true }));
    const { resource } = found;
    const { granted } = decideConsent(account.tenant, app, found, scope.oidc, account.user.id);
    const issued = await context.issuer.accessToken(
      accessTokenRequest(context, {
        account,
        app,
        proof: 'none',
        resource,
        granted,
        signIn,
        contexts: request.claims.contexts,
        capabilities: request.claims.capabilities,
        remoteAddress,
      }),
    );
    parameters.set('access_token', issued.token);
    parameters.set('token_type', 'Bearer');
    parameters.set('expires_in', String(issued.expiresIn));
    parameters.set('scope', granted.join(' '));
  }
  if (types.has('id_token')) {
    const { version, nonce } = request;
    const accessToken = parameters.get('access_token') ?? undefined;
    const parts = { account, app, signIn, version, nonce, scope, ...(code !== undefined && { code }) };
    parameters.set(
      'id_token',
      await idTokenOf(context, { ...parts, ...(accessToken !== undefined && { accessToken }) }),
    );
  }
  if (request.clientInfo) parameters.set('client_info', clientInfo(account));
  parameters.set('session_state', sessionState(context));
  return parameters;
}
