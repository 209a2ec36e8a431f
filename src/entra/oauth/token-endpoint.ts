import { LOOP_WINDOW } from '../context/constants.ts';
import type { IdentityContext, RequestContext } from '../context/context.ts';
import { Grants } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { grantByClientCredentials } from './client-credentials-grant.ts';
import { authenticateClient } from './clients.ts';
import { grantByCode } from './code-grant.ts';
import { grantByDeviceCode } from './device-code-grant.ts';
import { refuseForeignPage } from './origin.ts';
import { grantByPassword } from './password-grant.ts';
import { grantByRefreshToken } from './refresh-grant.ts';
import type { GrantHandler } from './token-grants.ts';
import type { TokenAnswer } from './token-response.ts';

interface GrantKind {
  readonly name: string;
  readonly handle: GrantHandler;
  /** Whether a public client can use it. */
  readonly publicClients: boolean;
  /** Whether it redeems a code or token that records whether it belongs to a single-page app. */
  readonly redeems?: boolean;
}

const GRANTS: Readonly<Record<string, GrantKind>> = {
  authorization_code: { name: 'authorization code', handle: grantByCode, publicClients: true, redeems: true },
  refresh_token: { name: 'refresh token', handle: grantByRefreshToken, publicClients: true, redeems: true },
  password: { name: 'password', handle: grantByPassword, publicClients: true },
  client_credentials: { name: 'client credentials', handle: grantByClientCredentials, publicClients: false },
  'urn:ietf:params:oauth:grant-type:device_code': {
    name: 'device code',
    handle: grantByDeviceCode,
    publicClients: true,
  },
  // Name of the grant at the v1 endpoint.
  device_code: { name: 'device code', handle: grantByDeviceCode, publicClients: true },
};

/** Handles a token request of any grant type, at a v1 or v2 endpoint. Throws only {@link AadstsError}. */
export async function answerTokenRequest(context: IdentityContext, request: RequestContext): Promise<TokenAnswer> {
  const grantType = request.parameters.require('grant_type');
  const kind = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined;
  if (!kind) throw new AadstsError(70003, { grant: grantType });
  try {
    refuseLoop(context, request);
    const client = await authenticateClient(context, request, kind.publicClients);
    if (!kind.redeems) refuseForeignPage(context, request, client.app);
    return await kind.handle(context, request, client, kind.name);
  } catch (error) {
    if (error instanceof AadstsError && error.aadsts !== 70016) {
      context.emit('identity.token.refused', {
        user: request.parameters.get('username'),
        client: request.parameters.get('client_id'),
        grant: kind.name,
        code: error.aadsts,
        ordered: error.ordered,
        explanation: error.text,
        remote: request.remote,
      });
    }
    throw error;
  }
}

/** Entra stops a client that repeats the same request in a loop (50196). */
function refuseLoop(context: IdentityContext, { parameters }: RequestContext): void {
  const { loopLimit } = context.behaviour;
  if (loopLimit <= 0 || parameters.get('device_code') !== undefined) return;
  const key = Grants.key(
    ['grant_type', 'client_id', 'username', 'scope', 'resource', 'refresh_token']
      .map((name) => parameters.get(name) ?? '')
      .join('\0'),
  );
  const count = (context.grants.requests.get(key) ?? 0) + 1;
  context.grants.requests.set(key, count, LOOP_WINDOW);
  if (count > loopLimit) throw new AadstsError(50196);
}
