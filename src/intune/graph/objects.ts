import { isGuid } from '../../bearer/authority.ts';
import type { Clock } from '../../lib/clock.ts';
import { guidOf } from '../../lib/guid.ts';
import type { RandomSource } from '../../lib/random.ts';
import { readCertificate } from './certificate.ts';
import { graphDate } from './dates.ts';
import { badRequest, GraphError, notFound } from './graph-error.ts';
import { assertNoCycle } from './group-members.ts';
import { initialMembers, readObject, typeIn } from './read-object.ts';
import { isObject, memberOf } from './read-value.ts';
import { type Entry, GraphStore, type Links, type SetName, StoreFull } from './store.ts';
import { type EntityType, type GraphObject, TRUSTED_ROOTS, TYPES } from './types.ts';
import type { AppEntry, Assignment } from './values.ts';

type Json = Readonly<Record<string, unknown>>;

/** Dependencies of the objects. */
export interface ObjectsOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Returns why a server configuration is invalid. */
  readonly checkConfiguration?: (object: GraphObject) => string | undefined;
  /** True if the ID belongs to a user of the directory. */
  readonly isUser?: (id: string) => boolean;
  /** Called after each change. */
  readonly onChange?: (change: Change) => void;
}

export interface Change {
  readonly set: SetName;
  readonly change: 'created' | 'changed' | 'removed';
  readonly object: GraphObject;
}

/** Types of each set. `@odata.type` distinguishes the types of one set. */
export const SET_TYPES: Readonly<Record<SetName, readonly EntityType[]>> = {
  microsoftTunnelConfigurations: [TYPES.configuration],
  microsoftTunnelSites: [TYPES.site],
  microsoftTunnelServers: [TYPES.server],
  microsoftTunnelHealthThresholds: [TYPES.threshold],
  targetedManagedAppConfigurations: [TYPES.appConfiguration],
  iosManagedAppProtections: [TYPES.iosProtection],
  androidManagedAppProtections: [TYPES.androidProtection],
  deviceConfigurations: TRUSTED_ROOTS,
  groups: [TYPES.group],
};

/** Relationships allowed in a body, by set. */
const LINKS: Partial<Readonly<Record<SetName, readonly string[]>>> = {
  microsoftTunnelSites: [
    'microsoftTunnelConfiguration',
    'microsoftTunnelConfiguration@odata.bind',
    'microsoftTunnelServers',
  ],
  groups: ['members@odata.bind', 'owners@odata.bind'],
};

/** Policies whose apps and assignments also have their own actions. */
const APP_POLICIES: ReadonlySet<SetName> = new Set([
  'targetedManagedAppConfigurations',
  'iosManagedAppProtections',
  'androidManagedAppProtections',
]);

/** The objects of a tenant's device and app management: creates, changes and removes them by the rules of their types. */
export class GraphObjects {
  readonly store = new GraphStore();
  readonly #options: ObjectsOptions;

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** @throws GraphError 404 */
  get(set: SetName, id: string): Entry {
    const entry = this.store.find(set, id);
    if (!entry) throw notFound(set === 'groups' ? 'directory' : 'intune', id.slice(0, 200));
    return entry;
  }

  /**
   * Creates an object.
   * @param kept an ID to keep, for objects from a file
   * @throws GraphError 400, 404
   */
  create(
    set: SetName,
    body: unknown,
    { id: kept, site }: { id?: string | undefined; site?: string | undefined } = {},
  ): GraphObject {
    const type = typeIn(SET_TYPES[set], body);
    const { members, links } = readObject(type, body, undefined, LINKS[set]);
    const now = this.#now();
    const id = this.#idOf(set, type, body, kept);
    if (this.store.find(set, id)) throw badRequest(`An object with the id '${id}' already exists.`, ['id']);
    const object: GraphObject = {
      '@odata.type': type.name,
      id,
      ...initialMembers(type),
      ...members,
      ...dated(type, now, now),
      ...this.#version(set, undefined),
    };
    return this.#keep(set, 'created', object, { ...(site ? { site } : {}), ...this.#links(set, links) });
  }

  /** Changes members of an object. @throws GraphError 400, 404; then nothing is changed */
  update(set: SetName, id: string, body: unknown): GraphObject {
    const before = this.get(set, id);
    const type = SET_TYPES[set].find(({ name }) => name === before.object['@odata.type'])!;
    const { members, links } = readObject(typeIn([type], body), body, before.object, LINKS[set]);
    const object = {
      ...before.object,
      ...members,
      ...dated(type, undefined, this.#now()),
      ...this.#version(set, before.object),
    };
    return this.#keep(set, 'changed', object, { ...before.links, ...this.#links(set, links, before.object.id) });
  }

  /** Replaces the assignments of a policy (action `assign`). @throws GraphError 400, 404 */
  assign(set: SetName, id: string, body: unknown): readonly Assignment[] {
    const list = isObject(body) ? memberOf(body, 'assignments') : undefined;
    if (!Array.isArray(list)) throw badRequest("The action 'assign' needs a list of 'assignments'.", ['assignments']);
    return this.update(set, id, { assignments: list }).assignments as readonly Assignment[];
  }

  /** Replaces the apps of a policy (action `targetApps`). @throws GraphError 400, 404 */
  targetApps(set: SetName, id: string, body: unknown): readonly AppEntry[] {
    const list = isObject(body) ? memberOf(body, 'apps') : undefined;
    const group = isObject(body) ? memberOf(body, 'appGroupType') : undefined;
    if (!Array.isArray(list)) throw badRequest("The action 'targetApps' needs a list of 'apps'.", ['apps']);
    const changes = { apps: list, ...(group === undefined ? {} : { appGroupType: group }) };
    return this.update(set, id, changes).apps as readonly AppEntry[];
  }

  /** Adds a member to a group. @throws GraphError 400, 404 */
  addMember(id: string, member: string): void {
    const { object, links } = this.get('groups', id);
    const members = links.members ?? [];
    if (members.includes(member)) {
      throw new GraphError(
        400,
        'Request_BadRequest',
        "One or more added object references already exist for the following modified properties: 'members'.",
      );
    }
    this.#keep('groups', 'changed', object, { members: this.#membersOf([...members, member], object.id, members) });
  }

  /** Removes a member from a group. @throws GraphError 404 */
  removeMember(id: string, member: string): void {
    const { object, links } = this.get('groups', id);
    const left = (links.members ?? []).filter((each) => each !== member.toLowerCase());
    if (left.length === (links.members ?? []).length) throw notFound('directory', member.slice(0, 200));
    this.#keep('groups', 'changed', object, { members: left });
  }

  /** Removes an object, unless another object needs it. @throws GraphError 400, 404 */
  remove(set: SetName, id: string): void {
    const { object } = this.get(set, id);
    const user = this.#userOf(set, object.id);
    if (user !== undefined) {
      throw badRequest(`'${String(object.displayName)}' cannot be deleted: ${user}.`);
    }
    this.store.remove(set, object.id);
    if (set === 'groups') this.#takeOutOfGroups(object.id.toLowerCase());
    this.#options.onChange?.({ set, change: 'removed', object });
  }

  /** Removes a deleted object from all groups. */
  #takeOutOfGroups(member: string): void {
    for (const { object, links } of this.store.list('groups')) {
      if (!links.members?.includes(member)) continue;
      this.store.put('groups', { object, links: { members: links.members.filter((each) => each !== member) } });
    }
  }

  #userOf(set: SetName, id: string): string | undefined {
    if (set === 'microsoftTunnelConfigurations') {
      const site = this.store.list('microsoftTunnelSites').find(({ links }) => links.configuration === id);
      return site && `the site '${String(site.object.displayName)}' uses it`;
    }
    if (set === 'microsoftTunnelSites') {
      const server = this.store.list('microsoftTunnelServers').find(({ links }) => links.site === id);
      return server && `the server '${String(server.object.displayName)}' belongs to it`;
    }
    return undefined;
  }

  #keep(set: SetName, change: 'created' | 'changed', object: GraphObject, links: Links): GraphObject {
    const whole = this.#completed(set, object);
    if (set === 'deviceConfigurations') readCertificate(String(whole.trustedRootCertificate));
    if (set === 'microsoftTunnelConfigurations') {
      const why = this.#options.checkConfiguration?.(whole);
      if (why !== undefined) throw badRequest(why);
    }
    try {
      this.store.put(set, { object: whole, links });
    } catch (error) {
      if (error instanceof StoreFull) throw new GraphError(507, 'InsufficientStorage', error.message);
      throw error;
    }
    this.#options.onChange?.({ set, change, object: whole });
    return whole;
  }

  /** Adds derived members. */
  #completed(set: SetName, object: GraphObject): GraphObject {
    if (!('assignments' in object)) return object;
    const list = (object.assignments as readonly Assignment[]).map((each): Assignment => {
      const { '@odata.type': type, groupId } = each.target;
      return { ...each, id: `${object.id}_${groupId ?? type.replace(/^.*\./, '')}` };
    });
    const assigned = [...new Map(list.map((each) => [`${each.id} ${each.target['@odata.type']}`, each])).values()];
    return { ...object, assignments: assigned, ...(APP_POLICIES.has(set) ? { isAssigned: assigned.length > 0 } : {}) };
  }

  #links(set: SetName, links: ReadonlyMap<string, unknown>, group?: string): Links {
    if (set === 'groups') {
      const list = links.get('members@odata.bind');
      if (list === undefined) return group === undefined ? { members: [] } : {};
      if (!Array.isArray(list)) throw badRequest("'members@odata.bind' must be a list of addresses.");
      const before = group === undefined ? [] : this.store.find('groups', group)?.links.members;
      return { members: this.#membersOf(list.map(referredId), group, before) };
    }
    const inline = links.get('microsofttunnelconfiguration');
    const bound = links.get('microsofttunnelconfiguration@odata.bind');
    if (inline === undefined && bound === undefined) return {};
    const id = bound === undefined ? (isObject(inline) ? memberOf(inline, 'id') : undefined) : referredId(bound);
    if (typeof id !== 'string')
      throw badRequest("'microsoftTunnelConfiguration' must refer to an object by its id.", [
        'microsoftTunnelConfiguration',
      ]);
    return { configuration: this.get('microsoftTunnelConfigurations', id).object.id };
  }

  /** @param before members that can stay even if the directory no longer has the user */
  #membersOf(list: readonly string[], group: string | undefined, before: readonly string[] = []): readonly string[] {
    const members = [...new Set(list.map((each) => each.toLowerCase()))];
    const kept = new Set(before);
    for (const id of members) {
      if (!kept.has(id) && !this.store.find('groups', id) && !this.#options.isUser?.(id))
        throw notFound('directory', id.slice(0, 200));
    }
    if (group !== undefined) assertNoCycle(this.store, group.toLowerCase(), members);
    return members;
  }

  #idOf(set: SetName, { prefix = '' }: EntityType, body: unknown, kept: string | undefined): string {
    if (set === 'microsoftTunnelHealthThresholds') {
      const given = isObject(body) ? memberOf(body, 'id') : undefined;
      if (typeof given !== 'string' || !/^[\w.-]{1,100}$/.test(given)) {
        throw badRequest('The id of a threshold is the name of a metric.', ['id']);
      }
      return given;
    }
    if (kept !== undefined && isGuid(kept.replace(/^[AT]_/, ''))) return kept;
    return prefix + guidOf(this.#options.random.bytes(16), 4);
  }

  /** A growing number, or a GUID in quotes, as in public exports of tenants. */
  #version(set: SetName, before: GraphObject | undefined): Json {
    if (APP_POLICIES.has(set)) return { version: quoted(guidOf(this.#options.random.bytes(16), 4)) };
    return typeof before?.version === 'number' ? { version: before.version + 1 } : {};
  }

  #now(): string {
    return graphDate(this.#options.clock.now());
  }
}

/** The ID at the end of a URL in `@odata.id` or `@odata.bind`. @throws GraphError 400 */
export function referredId(address: unknown): string {
  const [, bare, quoted] =
    /(?:^|\/)(?:([A-Za-z0-9_-]{1,100})|[A-Za-z]+\('([A-Za-z0-9_-]{1,100})'\))$/.exec(
      typeof address === 'string' && address.length < 2000 ? address : '',
    ) ?? [];
  const id = bare ?? quoted;
  if (id === undefined)
    throw badRequest('The address of an object is expected, with its id at the end.', ['@odata.id']);
  return id;
}

/** Dates and versions that the service maintains. */
function dated({ members }: EntityType, created: string | undefined, changed: string): Json {
  return {
    ...('createdDateTime' in members && created !== undefined ? { createdDateTime: created } : {}),
    ...('lastModifiedDateTime' in members ? { lastModifiedDateTime: changed } : {}),
    ...('lastUpdateDateTime' in members ? { lastUpdateDateTime: changed } : {}),
  };
}

const quoted = (id: string): string => JSON.stringify(id);
