import type { Directory } from '../directory/directory.ts';
import type { Application, PublishedScope, ServicePrincipal } from '../directory/schema.ts';
import type { Tenant } from '../directory/tenant.ts';
import { GRAPH_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { bareIdentifier, refuseMixture, type ScopeRequest } from './scopes.ts';

/** An API in a tenant. */
export interface Resource {
  readonly appId: string;
  readonly name: string;
  /** The name that the client used: `aud` of v1 tokens. */
  readonly identifier: string;
  readonly scopes: readonly PublishedScope[];
  readonly roles: readonly string[];
  readonly version: 1 | 2;
  readonly optionalClaims: readonly string[];
  readonly principal: ServicePrincipal | undefined;
}

/** Inverse of {@link parseScopes} for one resource: full names, as in the `scope` of a response. */
export function fullScopeNames(resource: Resource, names: readonly string[]): string[] {
  return names.map((name) =>
    resource.appId === GRAPH_RESOURCE_ID && !name.startsWith('.') ? name : `${resource.identifier}/${name}`,
  );
}

/** Whether the caller can ask the user for consent, and which permissions the app registration lists. */
export interface ResourceRequester {
  readonly app: Application;
  readonly interactive: boolean;
}

/** An API and the requested permissions. */
export interface ResourceScopes {
  readonly resource: Resource;
  readonly names: readonly string[];
}

/**
 * The APIs of a request, without duplicates: an API that is named in two ways uses the first name.
 *
 * @throws AadstsError the errors of {@link findResource}; 70011 `.default` together with other names of an API
 */
export function findResources(
  directory: Directory,
  tenant: Tenant,
  { apis }: ScopeRequest,
  requester: ResourceRequester,
): readonly [ResourceScopes, ...ResourceScopes[]] {
  const found = new Map<string, { resource: Resource; names: Set<string> }>();
  for (const { identifier, names } of apis) {
    const resource = findResource(directory, tenant, identifier, requester);
    const known = found.get(resource.appId);
    if (known) for (const name of names) known.names.add(name);
    else found.set(resource.appId, { resource, names: new Set(names) });
  }
  const [first, ...others] = [...found.values()].map(({ resource, names }) => ({ resource, names: [...names] }));
  for (const { names } of [first!, ...others]) refuseMixture(names);
  return [first!, ...others];
}

/** The only API of a request: each token is for one API. @throws AadstsError 28000 */
export function onlyResource([first, ...others]: readonly [ResourceScopes, ...ResourceScopes[]]): ResourceScopes {
  if (others.length > 0) throw new AadstsError(28000);
  return first;
}

/**
 * Finds an API by name in a tenant.
 *
 * @throws AadstsError 500011 unknown or no service principal here; 650052 the same if the app lists the API and
 * the user is asked for consent; 50001 disabled
 */
function findResource(
  directory: Directory,
  tenant: Tenant,
  identifier: string,
  requester: ResourceRequester,
): Resource {
  const bare = bareIdentifier(identifier);
  const resource = wellKnown(tenant, bare, identifier) ?? registered(directory, tenant, bare, identifier);
  if (!resource) throw new AadstsError(500011, { resource: identifier, tenant: tenant.settings.displayName });
  const ownApp = tenant.applications.find(resource.appId) !== undefined;
  if (!resource.principal && !ownApp) {
    const listed = requester.app.permissions.some(
      (permission) => permission.resource.toLowerCase() === resource.appId.toLowerCase(),
    );
    const parameters = { resource: listed ? resource.name : identifier, tenant: tenant.settings.displayName };
    throw new AadstsError(requester.interactive && listed ? 650052 : 500011, parameters);
  }
  if (resource.principal && !resource.principal.enabled) throw new AadstsError(50001, { resource: identifier });
  return resource;
}

function wellKnown(tenant: Tenant, bare: string, identifier: string): Resource | undefined {
  const known = WELL_KNOWN_RESOURCES.find((one) => one.appId === bare || one.uris.includes(bare));
  return known && asSeenBy(tenant, identifier, { ...known, optionalClaims: [] });
}

function registered(directory: Directory, tenant: Tenant, bare: string, identifier: string): Resource | undefined {
  const app = findByIdentifier(directory, tenant, bare);
  return app && asSeenBy(tenant, identifier, { ...app, name: app.displayName, roles: app.appRoles });
}

/** The definition of an API: Microsoft's own, or an app registration that publishes one. */
type Api = Pick<Resource, 'appId' | 'name' | 'scopes' | 'roles' | 'optionalClaims'> & {
  readonly accessTokenVersion: 1 | 2;
};

/** Adds the settings of the tenant's service principal to an API. */
function asSeenBy(tenant: Tenant, identifier: string, api: Api): Resource {
  const principal = tenant.servicePrincipals.find(api.appId);
  return {
    appId: api.appId,
    name: api.name,
    identifier,
    scopes: api.scopes,
    roles: api.roles,
    version: principal?.accessTokenVersion ?? api.accessTokenVersion,
    optionalClaims: [...new Set([...api.optionalClaims, ...(principal?.optionalClaims ?? [])])],
    principal,
  };
}

function findByIdentifier(directory: Directory, tenant: Tenant, bare: string): Application | undefined {
  const direct = directory.findApplication(bare.replace(/^api:\/\//, ''), tenant);
  if (direct) return direct;
  for (const owner of [tenant, ...directory.tenants.filter((other) => other !== tenant)]) {
    for (const app of owner.applications) {
      const visible = owner === tenant || app.signInAudience === 'AzureADMultipleOrgs';
      if (visible && app.identifierUris.some((uri) => bareIdentifier(uri) === bare)) return app;
    }
  }
  return undefined;
}
