import { type Area, assertPrecondition, authorize } from './access.ts';
import type { Call, GraphAnswer, GraphContext } from './call.ts';
import {
  applicationObject,
  createApplication,
  createServicePrincipal,
  findApplication,
  findServicePrincipal,
  servicePrincipalObject,
  updateApplication,
  userObject,
} from './directory-objects.ts';
import { GraphError, noSegment, notFound } from './graph-error.ts';
import { referredId } from './objects.ts';
import { pageOf, selected } from './query.ts';
import { isObject, memberOf } from './read-value.ts';
import type { GraphObject } from './types.ts';

/* Users, groups, app registrations and service principals (Microsoft Graph). */

const AREAS: Readonly<Record<string, Area>> = {
  me: 'me',
  users: 'users',
  groups: 'groups',
  applications: 'applications',
  serviceprincipals: 'applications',
};

type Json = Readonly<Record<string, unknown>>;

/** Returns undefined for a path outside these collections. @throws GraphError */
export function directoryAnswer(context: GraphContext, call: Call): GraphAnswer | undefined {
  const [first, ...rest] = call.segments;
  const name = first!.name.toLowerCase();
  const area = Object.hasOwn(AREAS, name) ? AREAS[name]! : undefined;
  if (area === undefined) return undefined;
  authorize(call.token, area, call.method !== 'GET');
  assertPrecondition(call);
  const key = first!.key;
  const id = key?.value ?? rest[0]?.name;
  const more = (key ? rest : rest.slice(1)).map((segment) => segment.name);
  if (name === 'me')
    return meAnswer(
      call,
      rest.map((segment) => segment.name),
    );
  if (name === 'groups') return groupsAnswer(context, call, id, more);
  if (more.length > 0) throw noSegment(more[0]!.slice(0, 200));
  if (name === 'users') return usersAnswer(call, id);
  return registrationsAnswer(context, call, name, id, key?.property.toLowerCase() === 'appid');
}

function meAnswer(call: Call, more: readonly string[]): GraphAnswer {
  if (more.length > 0) throw noSegment(more[0]!.slice(0, 200));
  const user = call.tenant.users.find(call.token.objectId);
  if (!user) {
    throw new GraphError(400, 'BadRequest', '/me request is only valid with delegated authentication flow.');
  }
  return one(call, 'users', userObject(user));
}

function usersAnswer(call: Call, id: string | undefined): GraphAnswer {
  if (call.method !== 'GET') throw notAllowed();
  if (id === undefined) return many(call, 'users', [...call.tenant.users].map(userObject));
  const user = call.tenant.users.find(id);
  if (!user) throw notFound('directory', id.slice(0, 200));
  return one(call, 'users', userObject(user));
}

function registrationsAnswer(
  context: GraphContext,
  call: Call,
  name: string,
  id: string | undefined,
  byAppId: boolean,
): GraphAnswer {
  const { tenant, body } = call;
  const apps = name === 'applications';
  const set = apps ? 'applications' : 'servicePrincipals';
  const told = (change: 'created' | 'changed' | 'removed', object: GraphObject): void =>
    context.onDirectoryChange({ set, change, name: String(object.displayName), id: object.id });
  if (id === undefined) {
    if (call.method === 'GET') {
      const list = apps
        ? [...tenant.applications].map((app) => applicationObject(tenant, app))
        : [...tenant.servicePrincipals].map((principal) => servicePrincipalObject(tenant, principal));
      return many(call, set, list);
    }
    if (call.method !== 'POST') throw notAllowed();
    const made = apps ? createApplication(tenant, body, context.random) : createServicePrincipal(tenant, body);
    told('created', made);
    return one(call, set, made, 201);
  }
  const find = (): GraphObject | undefined => {
    if (apps) {
      const app = byAppId ? tenant.applications.find(id) : findApplication(tenant, id);
      return app && applicationObject(tenant, app);
    }
    const principal = byAppId ? tenant.servicePrincipals.find(id) : findServicePrincipal(tenant, id);
    return principal && servicePrincipalObject(tenant, principal);
  };
  const object = find();
  if (!object) throw notFound('directory', id.slice(0, 200));
  switch (call.method) {
    case 'GET':
      return one(call, set, object);
    case 'PATCH':
      if (apps) updateApplication(tenant, object.id, body);
      else patchPrincipal(call, String(object.appId));
      told('changed', object);
      return { status: 204 };
    case 'DELETE':
      if (apps) tenant.applications.remove(String(object.appId));
      else tenant.servicePrincipals.remove(String(object.appId));
      told('removed', object);
      return { status: 204 };
    default:
      throw notAllowed();
  }
}

function patchPrincipal({ tenant, body }: Call, appId: string): void {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(isObject(body) ? body : {})) {
    const lower = name.toLowerCase();
    if (name.startsWith('@')) continue;
    if (lower !== 'accountenabled' && lower !== 'approleassignmentrequired') {
      throw new GraphError(
        400,
        'Request_BadRequest',
        `Property '${name.slice(0, 200)}' is read-only and cannot be set.`,
        [name],
      );
    }
    if (typeof value !== 'boolean')
      throw new GraphError(400, 'Request_BadRequest', `Property '${name}' must be true or false.`, [name]);
    changes[lower === 'accountenabled' ? 'enabled' : 'assignmentRequired'] = value;
  }
  tenant.servicePrincipals.update(appId, changes);
}

/** Groups created here, and groups that directory users list. */
function groupsAnswer(context: GraphContext, call: Call, id: string | undefined, more: readonly string[]): GraphAnswer {
  const { objects } = context;
  const own = call.tenant === context.directory.defaultTenant;
  if (!own && (call.method !== 'GET' || more.length > 0)) {
    throw new GraphError(
      403,
      'Authorization_RequestDenied',
      `The tenant '${call.tenant.id}' has no groups here: only the first tenant does.`,
    );
  }
  if (id === undefined) {
    if (call.method === 'GET') return many(call, 'groups', groupList(context, call));
    if (call.method !== 'POST') throw notAllowed();
    return one(call, 'groups', objects.create('groups', call.body), 201);
  }
  if (more.length > 0) return membersAnswer(context, call, id, more);
  switch (call.method) {
    case 'GET': {
      const group = groupList(context, call).find((each) => each.id.toLowerCase() === id.toLowerCase());
      if (!group) throw notFound('directory', id.slice(0, 200));
      return one(call, 'groups', group);
    }
    case 'PATCH':
      objects.update('groups', id, call.body ?? {});
      return { status: 204 };
    case 'DELETE':
      objects.remove('groups', id);
      return { status: 204 };
    default:
      throw notAllowed();
  }
}

function groupList({ objects, directory }: GraphContext, { tenant }: Call): readonly GraphObject[] {
  const made = tenant === directory.defaultTenant ? objects.store.objects<GraphObject>('groups') : [];
  const known = new Set(made.map(({ id }) => id.toLowerCase()));
  const named = new Set([...tenant.users].flatMap((user) => user.groups.map((group) => group.toLowerCase())));
  return [
    ...made,
    ...[...named]
      .filter((group) => !known.has(group))
      .map((group) => ({
        '@odata.type': '#microsoft.graph.group',
        id: group,
        displayName: group,
        securityEnabled: true,
        mailEnabled: false,
        groupTypes: [],
      })),
  ];
}

function membersAnswer(
  context: GraphContext,
  call: Call,
  id: string,
  [part = '', member, ref]: readonly string[],
): GraphAnswer {
  const { objects } = context;
  if (part.toLowerCase() !== 'members') throw noSegment(part.slice(0, 200));
  const { links } = objects.get('groups', id);
  if (member === undefined) {
    if (call.method !== 'GET') throw notAllowed();
    const shown = (links.members ?? []).flatMap((each): Json[] => {
      const user = call.tenant.users.find(each);
      const group = objects.store.find('groups', each)?.object;
      return user ? [userObject(user)] : group ? [group] : [];
    });
    return many(call, 'directoryObjects', shown);
  }
  if (member === '$ref' && call.method === 'POST') {
    objects.addMember(id, referredId(isObject(call.body) ? memberOf(call.body, '@odata.id') : undefined).toLowerCase());
    return { status: 204 };
  }
  if (ref === '$ref' && call.method === 'DELETE') {
    objects.removeMember(id, member);
    return { status: 204 };
  }
  throw notAllowed();
}

const many = (call: Call, set: string, list: readonly Json[]): GraphAnswer => ({
  status: 200,
  body: { '@odata.context': `${call.metadata}#${set}`, ...pageOf(list, call.query, call.address, (each) => each) },
});

const one = (call: Call, set: string, object: Json, status = 200): GraphAnswer => ({
  status,
  body: { '@odata.context': `${call.metadata}#${set}/$entity`, ...selected(object, call.query) },
});

function notAllowed(): GraphError {
  return new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed for the request target.');
}
