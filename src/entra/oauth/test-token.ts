import { TUNNEL_DEFAULT_SCOPE } from '../../lib/tunnel-api.ts';
import { findAuthority } from '../context/authority.ts';
import { type IdentityContext, newGuid, nowSeconds } from '../context/context.ts';
import type { AccessTokenRequest } from '../tokens/token-claims.ts';
import { findClient } from './clients.ts';
import { consentedScopes } from './consent.ts';
import { findResources, onlyResource } from './resources.ts';
import { parseScopes } from './scopes.ts';
import { accessTokenRequest, passwordMark } from './token-response.ts';
import { findAccount } from './users.ts';

/** Which token is wanted; each member has a default, so that `{}` is a good tunnel token of the first user. */
export interface TestTokenRequest {
  /** GUID or domain. */
  readonly tenant?: string;
  /** User name. */
  readonly user?: string;
  /** Client id. */
  readonly client?: string;
  /** Default `<Microsoft Tunnel Gateway>/.default`. */
  readonly scope?: string;
  /** What the issuer takes, over what follows from the directory: claims, header, lifetime, clock offset, version, … */
  readonly overrides?: Partial<AccessTokenRequest>;
}

/**
 * What the issuer needs for a token of this user and client, as a successful sign-in would have it. Conditional Access
 * and account state are not asked: a test token is for testing what comes after.
 */
export function testTokenRequest(context: IdentityContext, request: TestTokenRequest): AccessTokenRequest {
  const { directory } = context;
  const tenant = request.tenant === undefined ? directory.defaultTenant : directory.tenant(request.tenant);
  const authority = findAuthority(directory, tenant.id);
  const firstUser = tenant.users[Symbol.iterator]().next().value;
  const firstApp = tenant.applications[Symbol.iterator]().next().value;
  const { app } = findClient(context, authority, request.client ?? firstApp?.appId ?? '');
  const account = findAccount(context, authority, request.user ?? firstUser?.userPrincipalName ?? '', app.appId);
  const scope = parseScopes(request.scope ?? TUNNEL_DEFAULT_SCOPE);
  const { resource, names } = onlyResource(findResources(directory, tenant, scope, { app, interactive: false }));
  const named = names.filter((name) => name !== '.default');
  return {
    ...accessTokenRequest(context, {
      account,
      app,
      proof: 'none',
      resource,
      granted: named.length > 0 ? named : consentedScopes(tenant, app, resource, account.user.id),
      contexts: [],
      capabilities: [],
      remoteAddress: '127.0.0.1',
      signIn: {
        tenantId: tenant.id,
        userId: account.user.id,
        clientId: app.appId,
        authentication: { methods: ['pwd'], authTime: nowSeconds(context), mfaTime: undefined },
        sessionId: newGuid(context.random),
        deviceId: account.user.device,
        tellsAuthTime: false,
        passwordMark: passwordMark(account.home.user),
        order: 0,
      },
    }),
    ...request.overrides,
  };
}

/** A signed tunnel token. */
export async function accessTokenFor(context: IdentityContext, request: TestTokenRequest): Promise<string> {
  const { token } = await context.issuer.accessToken(testTokenRequest(context, request));
  return token;
}
