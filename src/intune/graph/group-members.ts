import { GraphError } from './graph-error.ts';
import type { GraphStore } from './store.ts';

/**
 * Refuses members that would make a group contain itself, directly or indirectly. Visits each group once.
 * @throws GraphError 400
 */
export function assertNoCycle(store: GraphStore, group: string, members: readonly string[]): void {
  const seen = new Set<string>();
  const waiting = [...members];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id === group) {
      throw new GraphError(
        400,
        'Request_BadRequest',
        `The group '${group}' would be a member of itself: groups cannot contain each other circularly.`,
      );
    }
    if (seen.has(id)) continue;
    seen.add(id);
    for (const inner of store.find('groups', id)?.links.members ?? []) waiting.push(inner);
  }
}

/**
 * All groups of a member, direct and indirect.
 * @param groups IDs of groups that the directory itself lists for the user
 */
export function groupsOf(store: GraphStore, user: string, groups: readonly string[]): ReadonlySet<string> {
  const parents = new Map<string, string[]>();
  for (const { object, links } of store.list('groups')) {
    for (const member of links.members ?? []) {
      const above = parents.get(member);
      if (above) above.push(object.id.toLowerCase());
      else parents.set(member, [object.id.toLowerCase()]);
    }
  }
  const found = new Set<string>();
  const waiting = [...groups.map((id) => id.toLowerCase()), ...(parents.get(user.toLowerCase()) ?? [])];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    waiting.push(...(parents.get(id) ?? []));
  }
  return found;
}
