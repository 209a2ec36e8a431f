import { isGuid } from '../../bearer/authority.ts';
import { derivedId } from '../../entra/directory/derived-id.ts';
import type { Application, ServicePrincipal, User } from '../../entra/directory/schema.ts';
import type { Tenant } from '../../entra/directory/tenant.ts';
import { WELL_KNOWN_RESOURCES } from '../../entra/directory/well-known.ts';
import { isTunneliteError } from '../../lib/errors.ts';
import { guidOf } from '../../lib/guid.ts';
import type { RandomSource } from '../../lib/random.ts';
import { badRequest, GraphError, notFound } from './graph-error.ts';
import { isObject, memberOf } from './read-value.ts';
import type { GraphObject } from './types.ts';

type Json = Readonly<Record<string, unknown>>;

/*
 * Users, app registrations and service principals in Graph's format. The directory stores them and sign-in uses it: objects
 * created here can sign in at once.
 */

export function userObject(user: User): GraphObject {
  return {
    '@odata.type': '#microsoft.graph.user',
    id: user.id,
    displayName: user.displayName,
    givenName: user.givenName ?? null,
    surname: user.surname ?? null,
    mail: user.mail ?? null,
    userPrincipalName: user.userPrincipalName,
    accountEnabled: user.enabled,
    userType: user.type === 'guest' ? 'Guest' : 'Member',
  };
}

const applicationId = (tenant: Tenant, appId: string): string => derivedId('application', tenant.id, appId);

export function applicationObject(tenant: Tenant, app: Application): GraphObject {
  return {
    '@odata.type': '#microsoft.graph.application',
    id: applicationId(tenant, app.appId),
    appId: app.appId,
    displayName: app.displayName,
    signInAudience: app.signInAudience,
    isFallbackPublicClient: app.publicClient,
    identifierUris: app.identifierUris,
    publicClient: { redirectUris: app.publicClient ? app.redirectUris : [] },
    web: {
      redirectUris: app.publicClient ? [] : app.redirectUris,
      implicitGrantSettings: {
        enableIdTokenIssuance: app.implicitIdToken,
        enableAccessTokenIssuance: app.implicitAccessToken,
      },
    },
    spa: { redirectUris: app.spaRedirectUris },
    optionalClaims: {
      accessToken: app.optionalClaims.map((name) => ({
        name,
        source: null,
        essential: false,
        additionalProperties: [],
      })),
      idToken: [],
      saml2Token: [],
    },
    requiredResourceAccess: app.permissions.map(({ resource, scopes }) => ({
      resourceAppId: resource,
      resourceAccess: scopes.map((scope) => ({ id: scopeId(resource, scope), type: 'Scope' })),
    })),
  };
}

export function servicePrincipalObject(
  tenant: Tenant,
  { appId, enabled, assignmentRequired }: ServicePrincipal,
): GraphObject {
  const known = WELL_KNOWN_RESOURCES.find((one) => one.appId === appId.toLowerCase());
  const own = tenant.applications.find(appId);
  return {
    '@odata.type': '#microsoft.graph.servicePrincipal',
    id: tenant.servicePrincipalId(appId),
    appId,
    displayName: known?.name ?? own?.displayName ?? appId,
    accountEnabled: enabled,
    appRoleAssignmentRequired: assignmentRequired,
    servicePrincipalType: 'Application',
    oauth2PermissionScopes: (known?.scopes ?? []).map(({ id, value, description }) => ({
      id,
      value,
      adminConsentDisplayName: description,
      isEnabled: true,
      type: 'User',
    })),
  };
}

export function findApplication(tenant: Tenant, id: string): Application | undefined {
  const lower = id.toLowerCase();
  for (const app of tenant.applications) if (applicationId(tenant, app.appId) === lower) return app;
  return undefined;
}

export function findServicePrincipal(tenant: Tenant, id: string): ServicePrincipal | undefined {
  const lower = id.toLowerCase();
  for (const principal of tenant.servicePrincipals) {
    if (tenant.servicePrincipalId(principal.appId) === lower) return principal;
  }
  return undefined;
}

/** Creates the service principal of a known app, like `New-MgServicePrincipal -AppId`. @throws GraphError 400, 409 */
export function createServicePrincipal(tenant: Tenant, body: unknown): GraphObject {
  const appId = isObject(body) ? memberOf(body, 'appId') : undefined;
  if (typeof appId !== 'string' || !isGuid(appId)) {
    throw new GraphError(
      400,
      'Request_BadRequest',
      "Property 'appId' is required, and is the GUID of an application.",
      ['appId'],
    );
  }
  const known =
    WELL_KNOWN_RESOURCES.some((one) => one.appId === appId.toLowerCase()) || tenant.applications.find(appId);
  if (!known) {
    throw new GraphError(
      400,
      'Request_BadRequest',
      `The appId '${appId}' of the service principal does not reference a valid application object.`,
      ['appId'],
    );
  }
  if (tenant.servicePrincipals.find(appId)) {
    throw new GraphError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
      ['appId'],
    );
  }
  const enabled = (isObject(body) ? memberOf(body, 'accountEnabled') : undefined) ?? true;
  return servicePrincipalObject(tenant, tenant.servicePrincipals.add({ appId, enabled }));
}

/** Registers an app. @throws GraphError 400 */
export function createApplication(tenant: Tenant, body: unknown, random: RandomSource, kept?: string): GraphObject {
  const read = readApplication(body);
  const appId = kept ?? guidOf(random.bytes(16), 4);
  return judged(() => applicationObject(tenant, tenant.applications.add({ appId, ...read })));
}

/** @throws GraphError 400, 404 */
export function updateApplication(tenant: Tenant, id: string, body: unknown): void {
  const app = findApplication(tenant, id);
  if (!app) throw notFound('directory', id.slice(0, 200));
  const shown = applicationObject(tenant, app);
  for (const name of ['id', 'appId']) {
    const given = isObject(body) ? memberOf(body, name) : undefined;
    if (given !== undefined && given !== shown[name]) {
      throw new GraphError(400, 'Request_BadRequest', `Property '${name}' is read-only and cannot be set.`, [name]);
    }
  }
  const changes = readApplication(body, false);
  judged(() => tenant.applications.update(app.appId, changes));
}

/** Converts a Graph body to directory members. Refuses other members, because they would not be stored. */
function readApplication(body: unknown, whole = true): Json {
  if (!isObject(body)) throw badRequest('The body must be an object.');
  const members: Record<string, unknown> = {};
  const redirects = (value: unknown): unknown => (isObject(value) ? memberOf(value, 'redirectUris') : undefined);
  const claims = (value: unknown): unknown => {
    const list = isObject(value) ? (memberOf(value, 'accessToken') ?? []) : undefined;
    return Array.isArray(list) ? list.map((each) => (isObject(each) ? each.name : each)) : list;
  };
  for (const [written, value] of Object.entries(body)) {
    if (written.startsWith('@') || value === null) continue;
    switch (written.toLowerCase()) {
      case 'id':
      case 'appid':
        break;
      case 'displayname':
        members.displayName = value;
        break;
      case 'signinaudience':
        members.signInAudience = value;
        break;
      case 'isfallbackpublicclient':
        break;
      case 'identifieruris':
        members.identifierUris = value;
        break;
      case 'publicclient':
        members.redirectUris = redirects(value) ?? [];
        break;
      case 'web':
        break;
      case 'spa':
        members.spaRedirectUris = redirects(value) ?? [];
        break;
      case 'optionalclaims':
        members.optionalClaims = claims(value);
        break;
      case 'requiredresourceaccess':
        members.permissions = permissionsOf(value);
        break;
      default:
        throw new GraphError(
          400,
          'Request_BadRequest',
          `Invalid property '${written.slice(0, 200)}': it is not supported for applications here.`,
          [written],
        );
    }
  }
  if (whole && (typeof members.displayName !== 'string' || members.displayName === '')) {
    throw new GraphError(400, 'Request_BadRequest', "Property 'displayName' is required and has no value.", [
      'displayName',
    ]);
  }
  const web = redirects(memberOf(body, 'web'));
  if (Array.isArray(web) && web.length > 0) {
    members.redirectUris = [...((members.redirectUris as unknown[] | undefined) ?? []), ...web];
    members.publicClient = 'redirectUris' in members && redirects(memberOf(body, 'publicClient')) !== undefined;
  }
  return members;
}

function permissionsOf(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((access) => {
    if (!isObject(access)) return access;
    const resource = String(memberOf(access, 'resourceAppId') ?? '');
    const list = memberOf(access, 'resourceAccess');
    const scopes = (Array.isArray(list) ? list : []).filter((each) => isObject(each) && each.type !== 'Role');
    return { resource, scopes: scopes.map((each) => scopeName(resource, String((each as Json).id))) };
  });
}

const scopesOf = (resource: string) =>
  WELL_KNOWN_RESOURCES.find((one) => one.appId === resource.toLowerCase())?.scopes ?? [];
const scopeId = (resource: string, name: string): string =>
  scopesOf(resource).find(({ value }) => value === name)?.id ?? name;
const scopeName = (resource: string, id: string): string =>
  scopesOf(resource).find((scope) => scope.id === id.toLowerCase())?.value ?? id;

/** Converts directory errors to Graph's format. */
function judged<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isTunneliteError(error)) throw error;
    throw new GraphError(error.code === 'ERR_IDENTITY_EXISTS' ? 409 : 400, 'Request_BadRequest', error.message);
  }
}
