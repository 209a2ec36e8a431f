import type { Application, PublishedScope } from '../directory/schema.ts';
import { consentKey, type Tenant } from '../directory/tenant.ts';
import { GRAPH_RESOURCE_ID } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import type { Resource, ResourceScopes } from './resources.ts';
import { OIDC_SCOPES } from './scopes.ts';

/** What consent says about a request. */
export interface ConsentDecision {
  /** Names that the token's `scp` will hold. */
  readonly granted: readonly string[];
  /** Permissions that the user has to be asked for first. */
  readonly missing: readonly PublishedScope[];
}

/** Names that tenant or user have consented to. */
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
 * Which permissions of an API a request gets, and which are to be consented to first. `.default` means what the app
 * registration lists, or what was consented to before; a name means that permission. `offline_access` is for the client and
 * enters no token.
 *
 * @param oidc scopes that are of no API; the token for Graph has them
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
    // An app may always have a token for itself.
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
  // Entra: once anything was consented to, `.default` means just that.
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

/** Writes down what a user (or, without one, the tenant) consented to. */
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
