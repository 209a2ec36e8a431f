import { AadstsError } from '../aadsts-error.ts';
import { consentKey } from '../directory/tenant.ts';
import { findResource, parseScope } from './resources.ts';
import type { GrantHandler } from './token-grants.ts';

/**
 * A token for the application itself (reference/entra-tokens.md §9.5). It has `roles` and no `scp`, so no gateway
 * accepts it.
 */
export const grantByClientCredentials: GrantHandler = async (context, request, client, name) => {
  const { tenant } = request.authority;
  if (!tenant) throw new AadstsError(50059);
  const { app } = client;
  context.overrides.strike('token', { client: app.appId }, { client: app.appId, name: app.displayName });
  const asked = request.parameters.get('resource') ?? undefined;
  const scope =
    request.version === 1 && asked !== undefined ? `${asked}/.default` : request.parameters.require('scope');
  const parsed = parseScope(scope);
  if (parsed.oidc.length > 0 || parsed.names[0] !== '.default') throw new AadstsError(70011, { scope });
  const resource = findResource(context.directory, tenant, parsed.resource, { app, interactive: false });
  const roles = tenant.consents.find(consentKey({ client: app.appId, resource: resource.appId }))?.roles ?? [];
  const issued = await context.issuer.accessToken({
    version: resource.version === 1 ? '1.0' : '2.0',
    issuer: context.issuerFor(tenant.id, resource.version),
    tenantId: tenant.id,
    clientId: app.appId,
    audience: resource.version === 1 ? resource.identifier : resource.appId,
    roles: roles.length > 0 ? roles : undefined,
    clientProof: client.proof,
    servicePrincipalId: tenant.servicePrincipalId(app.appId),
    optionalClaims: resource.optionalClaims.filter((claim) => claim === 'idtyp'),
  });
  context.emit('identity.token.issued', {
    user: undefined,
    client: app.appId,
    grant: name,
    audience: resource.name,
    tokenId: issued.tokenId,
  });
  const { expiresIn } = issued;
  if (request.version === 1) {
    const now = Math.floor(context.clock.now() / 1000);
    return {
      token_type: 'Bearer',
      expires_in: String(expiresIn),
      ext_expires_in: String(expiresIn),
      expires_on: String(now + expiresIn),
      not_before: String(now),
      resource: resource.identifier,
      access_token: issued.token,
    };
  }
  return { token_type: 'Bearer', expires_in: expiresIn, ext_expires_in: expiresIn, access_token: issued.token };
};
