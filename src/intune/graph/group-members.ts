import { GraphError } from './graph-error.ts';
import type { GraphStore } from './store.ts';

/**
 * Refuses members that would have a group contain itself, over however many others. Each group is looked at once.
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
        `The group '${group}' would be a member of itself: groups that contain each other in a circle cannot be assigned to.`,
      );
    }
    if (seen.has(id)) continue;
    seen.add(id);
    for (const inner of store.find('groups', id)?.links.members ?? []) waiting.push(inner);
  }
}

/**
 * The groups that somebody is in, directly or by way of other groups.
 * @param groups ids of groups that the directory itself has for the user
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
