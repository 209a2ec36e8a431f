import type { Directory } from '../directory/directory.ts';
import type { Application, PublishedScope, ServicePrincipal } from '../directory/schema.ts';
import type { Tenant } from '../directory/tenant.ts';
import { GRAPH_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { bareIdentifier, refuseMixture, type ScopeRequest } from './scopes.ts';

/** An API as a tenant sees it. */
export interface Resource {
  readonly appId: string;
  readonly name: string;
  /** How the client named it: `aud` of v1 tokens. */
  readonly identifier: string;
  readonly scopes: readonly PublishedScope[];
  readonly roles: readonly string[];
  readonly version: 1 | 2;
  readonly optionalClaims: readonly string[];
  readonly principal: ServicePrincipal | undefined;
}

/** Inverse of {@link parseScopes} for one resource: full names, as an answer's `scope` lists them. */
export function fullScopeNames(resource: Resource, names: readonly string[]): string[] {
  return names.map((name) =>
    resource.appId === GRAPH_RESOURCE_ID && !name.startsWith('.') ? name : `${resource.identifier}/${name}`,
  );
}

/** Whether the caller can lead the user through consent, and what the app says that it needs. */
export interface ResourceRequester {
  readonly app: Application;
  readonly interactive: boolean;
}

/** An API with what is asked for of it. */
export interface ResourceScopes {
  readonly resource: Resource;
  readonly names: readonly string[];
}

/**
 * The APIs that a request names, each once: one that is named in two ways counts as the first of them.
 *
 * @throws AadstsError what {@link findResource} throws, 70011 `.default` among other names of an API
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

/** The only API of a request: a token is for one. @throws AadstsError 28000 */
export function onlyResource([first, ...others]: readonly [ResourceScopes, ...ResourceScopes[]]): ResourceScopes {
  if (others.length > 0) throw new AadstsError(28000);
  return first;
}

/**
 * The API of that name in a tenant.
 *
 * @throws AadstsError 500011 unknown or without service principal here; 650052 the same when the app lists the API and
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

/** What an API is by itself: Microsoft's own, or an app registration that publishes one. */
type Api = Pick<Resource, 'appId' | 'name' | 'scopes' | 'roles' | 'optionalClaims'> & {
  readonly accessTokenVersion: 1 | 2;
};

/** An API with what the tenant's service principal says of it. */
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
