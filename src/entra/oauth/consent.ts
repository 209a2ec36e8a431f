import type { Application, PublishedScope } from '../directory/schema.ts';
import { consentKey, type Tenant } from '../directory/tenant.ts';
import { GRAPH_RESOURCE_ID } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import type { Resource, ResourceScopes } from './resources.ts';
import { OIDC_SCOPES } from './scopes.ts';

/** Consent state of a request. */
export interface ConsentDecision {
  /** Names for the token's `scp`. */
  readonly granted: readonly string[];
  /** Permissions that need the user's consent first. */
  readonly missing: readonly PublishedScope[];
}

/** Permission names that tenant or user have consented to. */
export function consentedScopes(tenant: Tenant, app: Application, resource: Resource, userId: string): string[] {
  const names: string[] = [];
  for (const user of [undefined, userId]) {
    const consent = tenant.consents.find(
      consentKey({ client: app.appId, resource: resource.appId, ...(user && { user }) }),
    );
    names.push(...(consent?.scopes ?? []));
  }
  return [...new Set(names)];
}

/**
 * Decides which permissions of an API a request gets, and which need consent first. `.default` means the permissions in the app
 * registration, or those consented to earlier; a name means that permission. `offline_access` is for the client and
 * is not part of any token.
 *
 * @param oidc scopes that belong to no API; the token for Graph contains them
 * @throws AadstsError 650053 no such permission, 650056 / 650057 the registration does not list the API
 */
export function decideConsent(
  tenant: Tenant,
  app: Application,
  { resource, names }: ResourceScopes,
  oidc: readonly string[],
  userId: string,
): ConsentDecision {
  const consented = consentedScopes(tenant, app, resource, userId);
  if (resource.appId.toLowerCase() === app.appId.toLowerCase()) {
    // An app can always get a token for itself.
    return decision([...consented, ...resource.scopes.map((scope) => scope.value)]);
  }
  const graph = resource.appId === GRAPH_RESOURCE_ID;
  if (graph && names.length === 0) return decision([...oidc, ...consented]);
  const wanted = names.includes('.default')
    ? defaultNames(app, resource, consented)
    : names.map((name) => published(app, resource, name));
  const missing = wanted.filter((name) => !consented.includes(name));
  return decision(
    [...consented, ...wanted, ...(graph ? oidc : [])],
    missing.map((name) => resource.scopes.find((scope) => scope.value === name) ?? { value: name }),
  );
}

function decision(granted: readonly string[], missing: readonly PublishedScope[] = []): ConsentDecision {
  return { granted: [...new Set(granted)].filter((name) => name !== 'offline_access'), missing };
}

function defaultNames(app: Application, resource: Resource, consented: readonly string[]): readonly string[] {
  const listed = app.permissions.find(
    (permission) => permission.resource.toLowerCase() === resource.appId.toLowerCase(),
  );
  // Entra: after any consent, `.default` means exactly the consented permissions.
  if (consented.length > 0) return consented;
  if (listed && listed.scopes.length > 0) return listed.scopes;
  const parameters = { client: app.appId, name: app.displayName, resource: resource.identifier };
  throw new AadstsError(app.permissions.length === 0 ? 650056 : 650057, parameters);
}

function published(app: Application, resource: Resource, name: string): string {
  const scope = resource.scopes.find((one) => one.value.toLowerCase() === name.toLowerCase());
  if (scope) return scope.value;
  if ((OIDC_SCOPES as readonly string[]).includes(name)) return name;
  throw new AadstsError(650053, { name: app.displayName, scope: name, resource: resource.name });
}

/** Records consent of a user or, without one, of the tenant. */
export function recordConsent(
  tenant: Tenant,
  app: Application,
  resource: Resource,
  scopes: readonly string[],
  userId: string | undefined,
): void {
  const key = consentKey({
    client: app.appId,
    resource: resource.appId,
    ...(userId !== undefined && { user: userId }),
  });
  const before = tenant.consents.find(key);
  if (before) tenant.consents.update(key, { scopes: [...new Set([...before.scopes, ...scopes])] });
  else
    tenant.consents.add({
      client: app.appId,
      resource: resource.appId,
      scopes,
      ...(userId !== undefined && { user: userId }),
    });
}
