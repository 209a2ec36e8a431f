import { AadstsError } from '../aadsts-error.ts';
import type { Directory } from '../directory/directory.ts';
import type { Application, Policy, ServicePrincipal } from '../directory/schema.ts';
import type { Tenant } from '../directory/tenant.ts';
import { GRAPH_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../directory/well-known.ts';

/** Scopes that are not permissions of an API. */
export const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'] as const;
const OIDC: ReadonlySet<string> = new Set(OIDC_SCOPES);

/** What a client asked for, split. */
export interface ScopeRequest {
  readonly oidc: readonly string[];
  /** How the client named the API: app id or URI. */
  readonly resource: string;
  /** Names of permissions; `.default` stands for all that were consented to. */
  readonly names: readonly string[];
}

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

export interface PublishedScope {
  readonly value: string;
  readonly description?: string | undefined;
  readonly adminConsentRequired?: boolean | undefined;
}

export type { Policy };

// RFC 6749 §3.3: printable ASCII without space, quote and backslash.
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;

/**
 * Splits a `scope`. A name without a resource before it is Graph's; `a//.default` keeps the slash in the resource, as
 * Entra does.
 *
 * @throws AadstsError 70011 malformed, 28000 more than one resource
 */
export function parseScope(scope: string | undefined): ScopeRequest {
  const words = [...new Set((scope ?? '').split(' ').filter((word) => word !== ''))];
  const oidc: string[] = [];
  const names: string[] = [];
  let resource: string | undefined;
  for (const word of words) {
    if (!SCOPE_TOKEN.test(word)) throw new AadstsError(70011, { scope: word });
    if (OIDC.has(word)) {
      oidc.push(word);
      continue;
    }
    const slash = word.lastIndexOf('/');
    const named = slash > 0 ? word.slice(0, slash) : GRAPH_RESOURCE_ID;
    const name = word.slice(slash + 1);
    if (name === '') throw new AadstsError(70011, { scope: word });
    if (resource !== undefined && resource !== named) throw new AadstsError(28000);
    resource = named;
    names.push(name);
  }
  if (names.length > 1 && names.includes('.default')) {
    // Entra refuses the mixture of static and dynamic consent.
    throw new AadstsError(70011, { scope: words.join(' ') });
  }
  return { oidc, resource: resource ?? GRAPH_RESOURCE_ID, names };
}

/** Inverse of {@link parseScope} for one resource: full names, as an answer's `scope` lists them. */
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

/**
 * The API of that name in a tenant.
 *
 * @throws AadstsError 500011 unknown or without service principal here; 650052 the same when the app lists the API and
 * the user is asked for consent; 50001 disabled
 */
export function findResource(
  directory: Directory,
  tenant: Tenant,
  identifier: string,
  requester: ResourceRequester,
): Resource {
  const bare = identifier.replace(/\/$/, '').toLowerCase();
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
  if (!known) return undefined;
  const principal = tenant.servicePrincipals.find(known.appId);
  return {
    appId: known.appId,
    name: known.name,
    identifier,
    scopes: known.scopes,
    roles: known.roles,
    version: principal?.accessTokenVersion ?? known.accessTokenVersion,
    optionalClaims: principal?.optionalClaims ?? [],
    principal,
  };
}

function registered(directory: Directory, tenant: Tenant, bare: string, identifier: string): Resource | undefined {
  const app = findByIdentifier(directory, tenant, bare);
  if (!app) return undefined;
  const principal = tenant.servicePrincipals.find(app.appId);
  return {
    appId: app.appId,
    name: app.displayName,
    identifier,
    scopes: app.scopes,
    roles: app.appRoles,
    version: principal?.accessTokenVersion ?? app.accessTokenVersion,
    optionalClaims: [...new Set([...app.optionalClaims, ...(principal?.optionalClaims ?? [])])],
    principal,
  };
}

function findByIdentifier(directory: Directory, tenant: Tenant, bare: string): Application | undefined {
  const direct = directory.findApplication(bare.replace(/^api:\/\//, ''), tenant)?.app;
  if (direct) return direct;
  for (const owner of [tenant, ...directory.tenants.filter((other) => other !== tenant)]) {
    for (const app of owner.applications) {
      const visible = owner === tenant || app.signInAudience === 'AzureADMultipleOrgs';
      if (visible && app.identifierUris.some((uri) => uri.replace(/\/$/, '').toLowerCase() === bare)) return app;
    }
  }
  return undefined;
}
