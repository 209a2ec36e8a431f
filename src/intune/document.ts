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

/** Contents of one file: lists of objects in Graph's format, by the names of its collections. */
export type DocumentSet = SetName | 'applications' | 'servicePrincipals';
export type IntuneDocument = { readonly [Name in DocumentSet]?: readonly unknown[] };

/** In this order, referenced objects come first. */
export const DOCUMENT_SETS: readonly DocumentSet[] = [
  'servicePrincipals',
  'applications',
  'groups',
  ...SETS.filter((name) => name !== 'groups'),
];

/** The collection of an object, by its type. */
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

/** The collection of a single object: by its type, or by its metadata URL. */
function setOf(object: Json): DocumentSet | undefined {
  const type = String(object['@odata.type'] ?? '')
    .replace(/^#?microsoft\.graph\./i, '')
    .toLowerCase();
  if (Object.hasOwn(SET_OF_TYPE, type)) return SET_OF_TYPE[type];
  if (type.endsWith('trustedrootcertificate')) return 'deviceConfigurations';
  const context = String(object['@odata.context'] ?? '').toLowerCase();
  return DOCUMENT_SETS.find((name) => new RegExp(`[#/]${name.toLowerCase()}(\\(|/|$)`).test(context));
}

/** The collection in which a Graph URL creates objects. */
function setOfPath(path: unknown): DocumentSet | undefined {
  const last = typeof path === 'string' ? path.slice(0, 300).split('/').at(-1)?.toLowerCase() : undefined;
  return DOCUMENT_SETS.find((name) => name.toLowerCase() === last);
}

/** Request bodies with their URLs: the output of `export --format policies`. Undefined if a value is not one. */
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
 * Parses an export of a tenant's objects: lists by the names of their collections, a list response (`{"value": […]}`), a list, one
 * object, or request bodies with their URLs.
 * @throws GraphError 400, with the path
 */
export function readDocument(value: unknown): IntuneDocument {
  const lists = new Map<DocumentSet, unknown[]>();
  const add = (object: unknown, path: readonly (string | number)[], fallback?: DocumentSet): void => {
    const set = isObject(object) ? (setOf(object) ?? fallback) : undefined;
    if (set === undefined) throw badRequest("The type of this object is unknown: it has no known '@odata.type'.", path);
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
        `'${written.slice(0, 200)}' is not a known collection; these are: ${DOCUMENT_SETS.join(', ')}.`,
        [written],
      );
    }
    const list = isObject(given) && Array.isArray(given.value) ? given.value : given;
    if (!Array.isArray(list)) throw badRequest(`'${written}' must be a list.`, [written]);
    for (const [i, each] of list.entries()) add(each, [written, i], set);
  }
}

/** Target of an import. */
type LoadContext = Pick<GraphContext, 'objects' | 'directory' | 'random'>;

/**
 * Imports the objects of a document: keeps their IDs and replaces objects with the same IDs.
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
  // After all groups exist: a group can be a member of an earlier one.
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

/** Whether the object is new, and its ID here. */
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
    // An import from another tenant must not change the sign-in data of this one.
    if (found) return { made: false };
    if (set === 'servicePrincipals') createServicePrincipal(tenant, body);
    else createApplication(tenant, knownMembers(body), random, typeof appId === 'string' ? appId : undefined);
    return { made: true };
  }
  // An export of a site includes its server, which does not exist here.
  if (set === 'microsoftTunnelServers') return { made: false };
  if (id !== undefined && objects.store.find(set, id)) {
    objects.update(set, id, writable(body));
    return { made: false, id };
  }
  return { made: true, id: objects.create(set, writable(body), { id }).id };
}

/** Without read-only members, which a file from another tenant can contain. */
function writable(body: unknown): unknown {
  if (!isObject(body)) return body;
  const dropped =
    /^(createdDateTime|lastModifiedDateTime|lastUpdateDateTime|version|isAssigned|deployedAppCount|supportsScopeTags|upgradeAvailable|default(Un)?healthyThreshold|deploymentSummary|microsoftTunnelServers|settings|members@odata\.bind|deviceManagementApplicabilityRule\w+)$/i;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !dropped.test(name)));
}

/** An export of an app registration has many members that are not used here. */
function knownMembers(body: unknown): unknown {
  const kept =
    /^(displayName|signInAudience|identifierUris|publicClient|web|spa|optionalClaims|requiredResourceAccess|appId|id)$/i;
  return isObject(body) ? Object.fromEntries(Object.entries(body).filter(([name]) => kept.test(name))) : body;
}

/**
 * Returns why a configuration cannot import a document; undefined if it can.
 * @param directory with the users and apps that the document names; unchanged afterwards
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
