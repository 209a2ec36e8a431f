import { consentKey } from '../directory/tenant.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { findResources, onlyResource } from './resources.ts';
import { parseScopes } from './scopes.ts';
import type { GrantHandler } from './token-grants.ts';
import { answerFrame } from './token-response.ts';

/**
 * A token for the application itself (Microsoft: "OAuth 2.0 client credentials flow"). It has `roles` and no `scp`, so no gateway
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
  const parsed = parseScopes(scope);
  const { resource, names } = onlyResource(
    findResources(context.directory, tenant, parsed, { app, interactive: false }),
  );
  if (parsed.oidc.length > 0 || names[0] !== '.default') throw new AadstsError(70011, { scope });
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
  return {
    ...answerFrame(context, request.version, resource, issued.expiresIn, undefined),
    access_token: issued.token,
  };
};
