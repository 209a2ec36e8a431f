import type { Directory } from '../entra/directory/directory.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { MEMBERS } from './document-members.ts';
import type { GraphContext } from './graph/call.ts';
import { createApplication, createServicePrincipal } from './graph/directory-objects.ts';
import { badRequest, GraphError } from './graph/graph-error.ts';
import { GraphObjects } from './graph/objects.ts';
import { isObject, memberOf } from './graph/read-value.ts';
import { SETS, type SetName } from './graph/store.ts';

type Json = Readonly<Record<string, unknown>>;

/** What one file can hold: lists of objects as Graph has them, by the names of its collections. */
export type DocumentSet = SetName | 'applications' | 'servicePrincipals';
export type IntuneDocument = { readonly [Name in DocumentSet]?: readonly unknown[] };

/** In this order what others refer to comes first. */
export const DOCUMENT_SETS: readonly DocumentSet[] = [
  'servicePrincipals',
  'applications',
  'groups',
  ...SETS.filter((name) => name !== 'groups'),
];

/** Which collection an object belongs to, by its type. */
const SET_OF_TYPE: Readonly<Record<string, DocumentSet>> = {
  microsofttunnelconfiguration: 'microsoftTunnelConfigurations',
  microsofttunnelsite: 'microsoftTunnelSites',
  microsofttunnelserver: 'microsoftTunnelServers',
  microsofttunnelhealththreshold: 'microsoftTunnelHealthThresholds',
  targetedmanagedappconfiguration: 'targetedManagedAppConfigurations',
  iosmanagedappprotection: 'iosManagedAppProtections',
  androidmanagedappprotection: 'androidManagedAppProtections',
  group: 'groups',
  application: 'applications',
  serviceprincipal: 'servicePrincipals',
};

/** Longest list of a document. */
const MAX_ITEMS = 1000;

/** The collection of an object that stands by itself: by its type, or by the address of its metadata. */
function setOf(object: Json): DocumentSet | undefined {
  const type = String(object['@odata.type'] ?? '')
    .replace(/^#?microsoft\.graph\./i, '')
    .toLowerCase();
  if (Object.hasOwn(SET_OF_TYPE, type)) return SET_OF_TYPE[type];
  if (type.endsWith('trustedrootcertificate')) return 'deviceConfigurations';
  const context = String(object['@odata.context'] ?? '').toLowerCase();
  return DOCUMENT_SETS.find((name) => new RegExp(`[#/]${name.toLowerCase()}(\\(|/|$)`).test(context));
}

/** The collection that an address of Graph's takes new objects for. */
function setOfPath(path: unknown): DocumentSet | undefined {
  const last = typeof path === 'string' ? path.slice(0, 300).split('/').at(-1)?.toLowerCase() : undefined;
  return DOCUMENT_SETS.find((name) => name.toLowerCase() === last);
}

/** Bodies with the addresses that take them: what `export --format policies` prints. Undefined where a value is none. */
function requestsIn(value: Json): readonly (readonly [string, unknown, DocumentSet])[] | undefined {
  const found: [string, unknown, DocumentSet][] = [];
  for (const [name, given] of Object.entries(value)) {
    const set = isObject(given) && isObject(given.body) ? setOfPath(given.path) : undefined;
    if (set === undefined) return undefined;
    found.push([name, (given as Json).body, set]);
  }
  return found.length === 0 ? undefined : found;
}

/**
 * Reads what a tenant's objects were exported to: lists by the names of their collections, the answer to a list (`{"value": […]}`), a list, one
 * object, or bodies with the addresses that take them.
 * @throws GraphError 400, with the path
 */
export function readDocument(value: unknown): IntuneDocument {
  const lists = new Map<DocumentSet, unknown[]>();
  const add = (object: unknown, path: readonly (string | number)[], fallback?: DocumentSet): void => {
    const set = isObject(object) ? (setOf(object) ?? fallback) : undefined;
    if (set === undefined)
      throw badRequest("What this object is cannot be told: it has no '@odata.type' that is known here.", path);
    const list = lists.get(set);
    if (list) list.push(object);
    else lists.set(set, [object]);
    if (lists.get(set)!.length > MAX_ITEMS) throw badRequest(`There are more than ${MAX_ITEMS} ${set}.`, path);
  };
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) add(each, [i]);
  } else if (isObject(value)) {
    const requests = requestsIn(value);
    if (requests) {
      for (const [name, body, set] of requests) add(body, [name, 'body'], set);
      return Object.fromEntries(lists);
    }
    const answer = memberOf(value, 'value');
    if (Array.isArray(answer)) for (const [i, each] of answer.entries()) add(each, ['value', i], setOf(value));
    else if (isObject(answer)) add(answer, ['value'], setOf(value));
    else if (setOf(value) !== undefined && !DOCUMENT_SETS.some((name) => Object.hasOwn(value, name))) add(value, []);
    else readLists(value, add);
  } else {
    throw badRequest('An object with lists of objects, a list, or one object is expected.');
  }
  return Object.fromEntries(lists);
}

function readLists(
  value: Json,
  add: (object: unknown, path: readonly (string | number)[], fallback: DocumentSet) => void,
): void {
  for (const [written, given] of Object.entries(value)) {
    if (written.startsWith('@') || written === '$schema') continue;
    const set = DOCUMENT_SETS.find((name) => name.toLowerCase() === written.toLowerCase());
    if (set === undefined) {
      throw badRequest(
        `'${written.slice(0, 200)}' is no collection that is known here; these are: ${DOCUMENT_SETS.join(', ')}.`,
        [written],
      );
    }
    const list = isObject(given) && Array.isArray(given.value) ? given.value : given;
    if (!Array.isArray(list)) throw badRequest(`'${written}' has to be a list.`, [written]);
    for (const [i, each] of list.entries()) add(each, [written, i], set);
  }
}

/** What a document is taken over into. */
type LoadContext = Pick<GraphContext, 'objects' | 'directory' | 'random'>;

/**
 * Takes the objects of a document over: with the ids that they have, in the place of those with the same ids.
 * @throws GraphError with the path in the document
 */
export function loadDocument(
  context: LoadContext,
  document: IntuneDocument,
): { readonly created: number; readonly changed: number } {
  let created = 0;
  let changed = 0;
  const ids = new Map<unknown, string>();
  for (const set of DOCUMENT_SETS) {
    for (const [i, body] of (document[set] ?? []).entries()) {
      try {
        const { made, id } = loadOne(context, set, body);
        if (made) created++;
        else changed++;
        if (set === 'groups' && id !== undefined) ids.set(body, id);
      } catch (error) {
        throw error instanceof GraphError ? error.under(set, i) : error;
      }
    }
  }
  // Once all are there: a group may be in one that comes before it.
  for (const [i, body] of (document.groups ?? []).entries()) {
    const id = ids.get(body);
    const members = isObject(body) ? memberOf(body, MEMBERS) : undefined;
    if (id === undefined || members === undefined) continue;
    try {
      context.objects.update('groups', id, { [MEMBERS]: members });
    } catch (error) {
      throw error instanceof GraphError ? error.under('groups', i) : error;
    }
  }
  return { created, changed };
}

/** Whether it was not there before, and the id that it has here. */
function loadOne(
  { objects, directory, random }: LoadContext,
  set: DocumentSet,
  body: unknown,
): { readonly made: boolean; readonly id?: string } {
  const given = isObject(body) ? memberOf(body, 'id') : undefined;
  const id = typeof given === 'string' ? given : undefined;
  const tenant = directory.defaultTenant;
  if (set === 'applications' || set === 'servicePrincipals') {
    const appId = isObject(body) ? memberOf(body, 'appId') : undefined;
    const found = typeof appId === 'string' && tenant[set].find(appId);
    // What signs in here is not changed by what a tenant elsewhere has.
    if (found) return { made: false };
    if (set === 'servicePrincipals') createServicePrincipal(tenant, body);
    else createApplication(tenant, knownMembers(body), random, typeof appId === 'string' ? appId : undefined);
    return { made: true };
  }
  // An export of a site has its server in it, which is not one of ours.
  if (set === 'microsoftTunnelServers') return { made: false };
  if (id !== undefined && objects.store.find(set, id)) {
    objects.update(set, id, writable(body));
    return { made: false, id };
  }
  return { made: true, id: objects.create(set, writable(body), { id }).id };
}

/** Without what only the service sets, which a file may have from another tenant. */
function writable(body: unknown): unknown {
  if (!isObject(body)) return body;
  const dropped =
    /^(createdDateTime|lastModifiedDateTime|lastUpdateDateTime|version|isAssigned|deployedAppCount|supportsScopeTags|upgradeAvailable|default(Un)?healthyThreshold|deploymentSummary|microsoftTunnelServers|settings|members@odata\.bind|deviceManagementApplicabilityRule\w+)$/i;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !dropped.test(name)));
}

/** An export of an app registration has many members that nothing here goes by. */
function knownMembers(body: unknown): unknown {
  const kept =
    /^(displayName|signInAudience|identifierUris|publicClient|web|spa|optionalClaims|requiredResourceAccess|appId|id)$/i;
  return isObject(body) ? Object.fromEntries(Object.entries(body).filter(([name]) => kept.test(name))) : body;
}

/**
 * What keeps a document from being taken over, as it is in a configuration: undefined where nothing does.
 * @param directory of the users and apps that it names; as it was afterwards
 */
export function documentFault(
  value: unknown,
  directory: Directory,
  checkConfiguration: (object: Json) => string | undefined,
): GraphError | undefined {
  const restore = directory.snapshot();
  const objects = new GraphObjects({
    clock: systemClock,
    random: systemRandom,
    checkConfiguration,
    isUser: (id) => directory.tenants.some(({ users }) => users.find(id)?.id === id),
  });
  try {
    loadDocument({ objects, directory, random: systemRandom }, readDocument(value));
    return undefined;
  } catch (error) {
    if (error instanceof GraphError) return error;
    throw error;
  } finally {
    restore();
  }
}
