import { badRequest } from './graph-error.ts';
import { isObject, readValue, unknownType } from './read-value.ts';
import type { EntityType, GraphObject } from './types.ts';

type Json = Readonly<Record<string, unknown>>;

/** Members that the caller handles, because it knows the relationships. */
export interface ReadObject {
  readonly members: Json;
  /** Relationship members as sent, by lower-case name. */
  readonly links: ReadonlyMap<string, unknown>;
}

/** The type named in a body, among the types of a list. @throws GraphError 400 */
export function typeIn(types: readonly EntityType[], body: unknown): EntityType {
  if (!isObject(body))
    throw badRequest(
      'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
    );
  const written = body['@odata.type'];
  if (written === undefined && types.length === 1) return types[0]!;
  const lower = typeof written === 'string' ? written.toLowerCase().replace(/^#?/, '#') : undefined;
  const found = types.find(({ name }) => name.toLowerCase() === lower);
  if (found === undefined) throw unknownType(written);
  return found;
}

/**
 * Parses the members of a body. Ignores the case of names, as the service does, and skips OData annotations
 * (`@odata.…`).
 * @param before the object to change; undefined for a new one
 * @param links names of relationships allowed in the body
 * @throws GraphError 400, with the path of the member
 */
export function readObject(
  type: EntityType,
  body: unknown,
  before: GraphObject | undefined,
  links: readonly string[] = [],
): ReadObject {
  if (!isObject(body)) throw badRequest('The body must be an object.');
  const names = new Map(Object.keys(type.members).map((name) => [name.toLowerCase(), name]));
  const members: Record<string, unknown> = {};
  const related = new Map<string, unknown>();
  for (const [written, value] of Object.entries(body)) {
    const lower = written.toLowerCase();
    if (links.some((link) => link.toLowerCase() === lower)) {
      related.set(lower, value);
      continue;
    }
    if (written.includes('@')) continue;
    if (lower === 'id') {
      if (before !== undefined && value !== before.id) throw readOnly('id');
      continue;
    }
    const name = names.get(lower);
    if (name === undefined) {
      throw badRequest(
        `The property '${written.slice(0, 200)}' does not exist on type '${type.name.slice(1)}'. Make sure to only use property names that are defined by the type.`,
        [written],
      );
    }
    if (Object.hasOwn(members, name)) throw badRequest(`The property '${name}' is repeated.`, [written]);
    const member = type.members[name]!;
    if (member.readOnly) {
      // Sending an object back unchanged has no effect.
      if (before !== undefined && !same(value, before[name])) throw readOnly(name);
      continue;
    }
    members[name] = readValue(name, member, value);
  }
  if (before === undefined) {
    const missing = Object.entries(type.members).find(([name, { required }]) => required && isEmpty(members[name]));
    if (missing) throw badRequest(`The property '${missing[0]}' is required and has no value.`, []);
  } else {
    const emptied = Object.keys(members).find((name) => type.members[name]!.required && isEmpty(members[name]));
    if (emptied !== undefined) throw badRequest(`The property '${emptied}' is required and has no value.`, [emptied]);
  }
  return { members, links: related };
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '';
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const readOnly = (name: string) => badRequest(`Property '${name}' is read-only and cannot be set.`, [name]);

/** Default values of members. */
export function initialMembers(type: EntityType): Json {
  return Object.fromEntries(
    Object.entries(type.members).flatMap(([name, { initial }]) => (initial === undefined ? [] : [[name, initial]])),
  );
}
