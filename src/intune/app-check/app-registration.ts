import type { Tenant } from '../../entra/directory/tenant.ts';
import { WELL_KNOWN_RESOURCES } from '../../entra/directory/well-known.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { plainText } from '../../lib/printable.ts';

/** An app registration with its tenant's data: the reference for an Xcode project. */
export interface AppRegistration {
  readonly clientId: string;
  readonly displayName: string;
  /** Undefined if the source lacks it, as a Graph application object does. */
  readonly tenantId: string | undefined;
  /** Verified domains of the tenant. */
  readonly tenantDomains: readonly string[];
  readonly signInAudience: string;
  readonly redirectUris: readonly string[];
  /** Delegated permissions that the registration lists: names by API app ID. */
  readonly permissions: ReadonlyMap<string, readonly string[]>;
  /** Delegated permissions with the tenant's consent; undefined if the source lacks them. */
  readonly consents: ReadonlyMap<string, readonly string[]> | undefined;
  /** App IDs of the APIs that have a service principal in the tenant; undefined if the source lacks them. */
  readonly servicePrincipals: readonly string[] | undefined;
  /** Optional claims on access tokens. */
  readonly optionalClaims: readonly string[];
}

/** Finds an app registration in the built-in directory; undefined if the tenant has none with that client ID. */
export function registrationFromDirectory(tenant: Tenant, clientId: string): AppRegistration | undefined {
  const app = tenant.applications.find(clientId);
  if (!app) return undefined;
  const consents = new Map<string, readonly string[]>();
  for (const consent of tenant.consents) {
    if (consent.client.toLowerCase() !== app.appId.toLowerCase() || consent.user !== undefined) continue;
    const resource = consent.resource.toLowerCase();
    consents.set(resource, [...(consents.get(resource) ?? []), ...consent.scopes]);
  }
  return {
    clientId: app.appId,
    displayName: app.displayName,
    tenantId: tenant.id,
    tenantDomains: tenant.settings.domains,
    signInAudience: app.signInAudience,
    redirectUris: [...app.redirectUris, ...app.spaRedirectUris],
    permissions: new Map(app.permissions.map(({ resource, scopes }) => [resource.toLowerCase(), scopes])),
    consents,
    servicePrincipals: [...tenant.servicePrincipals].map((principal) => principal.appId.toLowerCase()),
    optionalClaims: app.optionalClaims,
  };
}

type Json = Readonly<Record<string, unknown>>;

const objectsIn = (value: unknown): readonly Json[] =>
  Array.isArray(value) ? value.filter((item): item is Json => typeof item === 'object' && item !== null) : [];

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Json)[name] : undefined;

/** The name of a permission by its ID, if it is one of the three that a Tunnel app needs. */
function permissionName(resource: string, id: string): string {
  const api = WELL_KNOWN_RESOURCES.find((known) => known.appId === resource);
  return api?.scopes.find((scope) => scope.id === id.toLowerCase())?.value ?? id;
}

/**
 * Parses a Graph `application` object: `az ad app show --id <client id>`, or *Manifest* in the admin center.
 *
 * @param tenantId ID of its tenant, which the object itself lacks
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` when it is not such an object
 */
export function registrationFromGraph(text: string, tenantId?: string): AppRegistration {
  let app: unknown;
  try {
    app = JSON.parse(text);
  } catch (cause) {
    throw new TunneliteError('ERR_IDENTITY_APP_CHECK', 'The app registration is not JSON.', {
      cause,
      hint: GRAPH_HINT,
    });
  }
  const clientId = member(app, 'appId');
  if (typeof clientId !== 'string') {
    throw new TunneliteError('ERR_IDENTITY_APP_CHECK', 'The app registration has no "appId".', { hint: GRAPH_HINT });
  }
  const permissions = objectsIn(member(app, 'requiredResourceAccess')).map((access): [string, readonly string[]] => {
    const resource = plainText(access.resourceAppId).toLowerCase();
    const scopes = objectsIn(access.resourceAccess).filter((permission) => permission.type === 'Scope');
    return [resource, scopes.map((scope) => permissionName(resource, plainText(scope.id)))];
  });
  return {
    clientId,
    displayName: plainText(member(app, 'displayName') ?? clientId),
    tenantId,
    tenantDomains: [],
    signInAudience: plainText(member(app, 'signInAudience') ?? 'AzureADMyOrg'),
    redirectUris: ['publicClient', 'web', 'spa'].flatMap((kind) => textsIn(member(member(app, kind), 'redirectUris'))),
    permissions: new Map(permissions),
    consents: undefined,
    servicePrincipals: undefined,
    optionalClaims: objectsIn(member(member(app, 'optionalClaims'), 'accessToken')).map((claim) =>
      plainText(claim.name),
    ),
  };
}

const GRAPH_HINT = 'Use the output of "az ad app show --id <client id>", or the manifest from the admin center.';
