import { type Area, assertPrecondition, authorize } from './access.ts';
import type { Call, GraphAnswer, GraphContext } from './call.ts';
import { badRequest, GraphError, noSegment } from './graph-error.ts';
import { SET_TYPES } from './objects.ts';
import { plainSteps } from './path.ts';
import { assertNames, pageOf, selected } from './query.ts';
import { isObject, memberOf } from './read-value.ts';
import type { Entry, SetName } from './store.ts';
import type { GraphObject } from './types.ts';

/* `/deviceManagement` and `/deviceAppManagement` (Microsoft Graph beta). */

/** Collections below them, by lower-case name. */
const COLLECTIONS: Readonly<Record<string, { readonly set: SetName; readonly area: Area; readonly root: string }>> = {
  microsofttunnelconfigurations: {
    set: 'microsoftTunnelConfigurations',
    area: 'configuration',
    root: 'deviceManagement',
  },
  microsofttunnelsites: { set: 'microsoftTunnelSites', area: 'configuration', root: 'deviceManagement' },
  microsofttunnelhealththresholds: {
    set: 'microsoftTunnelHealthThresholds',
    area: 'configuration',
    root: 'deviceManagement',
  },
  deviceconfigurations: { set: 'deviceConfigurations', area: 'configuration', root: 'deviceManagement' },
  targetedmanagedappconfigurations: {
    set: 'targetedManagedAppConfigurations',
    area: 'apps',
    root: 'deviceAppManagement',
  },
  iosmanagedappprotections: { set: 'iosManagedAppProtections', area: 'apps', root: 'deviceAppManagement' },
  androidmanagedappprotections: { set: 'androidManagedAppProtections', area: 'apps', root: 'deviceAppManagement' },
};

/** Policies that `managedAppPolicies` combines. */
const MANAGED_APP_POLICIES: readonly SetName[] = [
  'targetedManagedAppConfigurations',
  'iosManagedAppProtections',
  'androidManagedAppProtections',
];

/** Tunnel objects exist only in the beta version. */
const BETA_ONLY = /^microsoftTunnel/;

type Json = Readonly<Record<string, unknown>>;

/** @throws GraphError */
export function managementAnswer(context: GraphContext, call: Call): GraphAnswer {
  const [root = '', name = '', ...rest] = plainSteps(call.segments);
  if (name === '') throw badRequest('The address is not one of a collection.');
  if (name.toLowerCase() === 'managedapppolicies' && root.toLowerCase() === 'deviceappmanagement') {
    return policiesAnswer(context, call, rest);
  }
  const found = Object.hasOwn(COLLECTIONS, name.toLowerCase()) ? COLLECTIONS[name.toLowerCase()] : undefined;
  if (
    !found ||
    found.root.toLowerCase() !== root.toLowerCase() ||
    (call.version !== 'beta' && BETA_ONLY.test(found.set))
  ) {
    throw noSegment(name.slice(0, 200));
  }
  const write = call.method !== 'GET';
  authorize(call.token, found.area, write);
  if (call.tenant !== context.directory.defaultTenant) {
    throw new GraphError(
      403,
      'Forbidden',
      `The tenant '${call.tenant.id}' has no device management here: only the first tenant has.`,
    );
  }
  assertPrecondition(call);
  if (found.set === 'microsoftTunnelSites' && rest.length > 1) return siteAnswer(context, call, rest);
  return collectionAnswer(context, call, found.set, rest);
}

function collectionAnswer(
  context: GraphContext,
  call: Call,
  set: SetName,
  [id, action, ...more]: readonly string[],
): GraphAnswer {
  const { objects } = context;
  if (action === undefined) assertKnown(call, set);
  if (id === undefined) {
    if (call.method === 'GET') return list(context, call, objects.store.list(set), set);
    if (call.method === 'POST')
      return { status: 201, body: single(context, call, created(context, set, call.body), set) };
    throw notAllowed();
  }
  if (more.length > 0) throw noSegment(more[0]!.slice(0, 200));
  if (action !== undefined) return actionAnswer(context, call, set, id, action);
  switch (call.method) {
    case 'GET':
      return { status: 200, body: single(context, call, objects.get(set, id), set) };
    case 'PATCH':
      objects.update(set, id, call.body ?? {});
      return { status: 200, body: single(context, call, objects.get(set, id), set) };
    case 'DELETE':
      objects.remove(set, id);
      return { status: 204 };
    default:
      throw notAllowed();
  }
}

function created({ objects }: GraphContext, set: SetName, body: unknown): Entry {
  return objects.get(set, objects.create(set, body).id);
}

/** Actions of policies and profiles, and their relationships. */
function actionAnswer({ objects }: GraphContext, call: Call, set: SetName, id: string, action: string): GraphAnswer {
  const { object } = objects.get(set, id);
  const name = action.replace(/^microsoft\.graph\./i, '').toLowerCase();
  if (call.method === 'GET' && (name === 'assignments' || name === 'apps') && name in object) {
    return { status: 200, body: pageOf(object[name] as readonly Json[], call.query, call.address, (each) => each) };
  }
  const assignable = 'assignments' in object;
  if (call.method === 'POST' && name === 'assign' && assignable) {
    const value = objects.assign(set, id, call.body);
    // One returns its result, the other returns nothing.
    return set === 'deviceConfigurations' ? { status: 200, body: { value } } : { status: 204 };
  }
  if (call.method === 'POST' && name === 'targetapps' && 'apps' in object) {
    objects.targetApps(set, id, call.body);
    return { status: 204 };
  }
  const known = ['assignments', 'apps', 'assign', 'targetapps'].includes(name) && assignable;
  throw known ? notAllowed() : noSegment(action.slice(0, 200));
}

/** Paths below a site: its configuration, its servers and their actions. */
function siteAnswer(context: GraphContext, call: Call, [id = '', part = '', ...rest]: readonly string[]): GraphAnswer {
  const { objects } = context;
  const { object: site, links } = objects.get('microsoftTunnelSites', id);
  switch (part.toLowerCase()) {
    case 'microsofttunnelconfiguration': {
      if (rest[0] === '$ref' && call.method === 'PUT') {
        const address = isObject(call.body) ? memberOf(call.body, '@odata.id') : undefined;
        objects.update('microsoftTunnelSites', id, { 'microsoftTunnelConfiguration@odata.bind': address ?? null });
        return { status: 204 };
      }
      if (call.method !== 'GET') throw notAllowed();
      assertKnown(call, 'microsoftTunnelConfigurations');
      if (links.configuration === undefined)
        throw new GraphError(404, 'ResourceNotFound', 'The site has no configuration.');
      const entry = objects.get('microsoftTunnelConfigurations', links.configuration);
      return { status: 200, body: single(context, call, entry, 'microsoftTunnelConfigurations') };
    }
    case 'requestupgrade':
      if (call.method !== 'POST') throw notAllowed();
      return { status: 204 };
    case 'microsofttunnelservers':
      return serversAnswer(context, call, site.id, rest);
    default:
      throw noSegment(part.slice(0, 200));
  }
}

function serversAnswer(context: GraphContext, call: Call, site: string, [id, action]: readonly string[]): GraphAnswer {
  const { objects } = context;
  const set = 'microsoftTunnelServers';
  if (action === undefined) assertKnown(call, set);
  const ofSite = objects.store.list(set).filter(({ links }) => links.site === site);
  if (id === undefined) {
    if (call.method === 'GET') return list(context, call, ofSite, set);
    if (call.method !== 'POST') throw notAllowed();
    const { id: made } = objects.create(set, call.body, { site });
    return { status: 201, body: single(context, call, objects.get(set, made), set) };
  }
  if (!ofSite.some(({ object }) => object.id.toLowerCase() === id.toLowerCase())) {
    throw new GraphError(404, 'ResourceNotFound', `Resource '${id.slice(0, 200)}' was not found.`);
  }
  if (action === undefined) return collectionAnswer(context, call, set, [id]);
  if (action.replace(/^microsoft\.graph\./i, '').toLowerCase() !== 'gethealthmetrics')
    throw noSegment(action.slice(0, 200));
  if (call.method !== 'POST') throw notAllowed();
  const names = isObject(call.body) ? memberOf(call.body, 'metricNames') : undefined;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw badRequest("The action 'getHealthMetrics' needs a list of 'metricNames'.", ['metricNames']);
  }
  const metrics = context.metrics();
  const known = [...new Set(names as string[])].filter((name) => Object.hasOwn(metrics, name));
  const value = known.map((name) => ({
    '@odata.type': '#microsoft.graph.keyLongValuePair',
    name,
    value: metrics[name],
  }));
  return { status: 200, body: { value } };
}

/** App configuration and app protection policies of all platforms, read-only. */
function policiesAnswer(context: GraphContext, call: Call, [id, ...more]: readonly string[]): GraphAnswer {
  authorize(call.token, 'apps', call.method !== 'GET');
  if (call.method !== 'GET') throw notAllowed();
  assertKnown(call, 'managedAppPolicies');
  const entries = MANAGED_APP_POLICIES.flatMap((set) => context.objects.store.list(set));
  if (id === undefined) return list(context, call, entries, 'managedAppPolicies');
  const entry = entries.find(({ object }) => object.id.toLowerCase() === id.toLowerCase());
  if (!entry || more.length > 0)
    throw new GraphError(404, 'ResourceNotFound', `Resource '${id.slice(0, 200)}' was not found.`);
  return { status: 200, body: single(context, call, entry, 'managedAppPolicies') };
}

/** Members that a query can name for the objects of a set. @throws GraphError 400 */
function assertKnown({ query }: Call, set: string): void {
  const types = set === 'managedAppPolicies' ? MANAGED_APP_POLICIES.flatMap((each) => SET_TYPES[each]) : typesOf(set);
  const names = types.flatMap(({ members }) => Object.keys(members));
  const known = new Set([...names, 'id', ...RELATIONSHIPS].map((name) => name.toLowerCase()));
  assertNames(query, known, types.length === 1 ? types[0]!.name.slice(1) : `microsoft.graph.${TYPE_OF_SEVERAL[set]}`);
}

const typesOf = (set: string) => (Object.hasOwn(SET_TYPES, set) ? SET_TYPES[set as SetName] : []);

/** The common members of several types. */
const TYPE_OF_SEVERAL: Readonly<Record<string, string>> = {
  deviceConfigurations: 'deviceConfiguration',
  managedAppPolicies: 'managedAppPolicy',
};

/** Relationships and members of Graph's types that are not stored here: queries can name them, and they are absent. */
const RELATIONSHIPS = [
  'microsoftTunnelConfiguration',
  'microsoftTunnelServers',
  'deploymentSummary',
  'customBrowserProtocol',
  'deviceStatuses',
  'userStatuses',
  'deviceStatusOverview',
  'userStatusOverview',
  'deviceSettingStateSummaries',
  'groupAssignments',
  'deviceManagementApplicabilityRuleOsEdition',
  'deviceManagementApplicabilityRuleOsVersion',
  'deviceManagementApplicabilityRuleDeviceMode',
];

function list(context: GraphContext, call: Call, entries: readonly Entry[], set: string): GraphAnswer {
  const byId = new Map<unknown, Entry>(entries.map((entry) => [entry.object.id, entry]));
  const shown = (object: Json): Json => expanded(context, call, byId.get(object.id)!);
  const live = entries.map((entry) => ({ ...entry.object, ...context.liveServer(entry.object.id) }));
  const page = pageOf(live, call.query, call.address, shown);
  return { status: 200, body: { '@odata.context': contextUrl(call, set), ...page } };
}

function single(context: GraphContext, call: Call, entry: Entry, set: string): object {
  return {
    '@odata.context': `${contextUrl(call, set)}/$entity`,
    ...selected(expanded(context, call, entry), call.query),
  };
}

const contextUrl = (call: Call, set: string): string => `${call.metadata}#${call.segments[0]!.name}/${set}`;

/** An object with the requested relationships only. */
function expanded({ objects, liveServer }: GraphContext, { query }: Call, { object, links }: Entry): Json {
  const wants = (name: string): boolean => query.expand.includes(name) || query.expand.includes('*');
  const shown: Record<string, unknown> = { ...object, ...liveServer(object.id) };
  for (const name of ['apps', 'assignments']) if (name in shown && !wants(name)) delete shown[name];
  if (object['@odata.type'] === '#microsoft.graph.microsoftTunnelSite') {
    if (wants('microsofttunnelconfiguration')) {
      const configuration =
        links.configuration && objects.store.find('microsoftTunnelConfigurations', links.configuration);
      shown.microsoftTunnelConfiguration = configuration ? configuration.object : null;
    }
    if (wants('microsofttunnelservers')) {
      shown.microsoftTunnelServers = objects.store
        .list('microsoftTunnelServers')
        .filter((server) => server.links.site === object.id)
        .map((server): GraphObject => ({ ...server.object, ...liveServer(server.object.id) }));
    }
  }
  return shown;
}

function notAllowed(): GraphError {
  return new GraphError(405, 'MethodNotAllowed', 'The HTTP method is not supported for this resource.');
}
