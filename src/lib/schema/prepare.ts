import { branchFor, isObject } from './branches.ts';
import { controlCharacters, type Problem, unknownKey } from './complaints.ts';
import type { Node } from './type.ts';

/** How to prepare a value for validation. */
interface Preparation {
  /** Apply defaults. Entries of lists are always completed. */
  readonly complete: boolean;
  readonly problems: Problem[];
}

/**
 * A copy for validation: without undefined members, with defaults if requested, and with complaints about errors that JSON Schema has no
 * keyword for: control characters, and a key that would change an object's prototype.
 *
 * @param path location of the value; extended during the recursion and restored after it, so that a valid value costs no copies of paths
 */
export function prepare(node: Node, value: unknown, path: (string | number)[], how: Preparation): unknown {
  if (node.anyOf) {
    const branch = branchFor(node.anyOf, value);
    return branch === undefined ? value : prepare(node.anyOf[branch]!, value, path, how);
  }
  if (typeof value === 'string') {
    const problem = controlCharacters(node, path, value);
    if (problem) how.problems.push(problem);
    return value;
  }
  if (Array.isArray(value) && node.items) {
    const { items } = node;
    const whole = { ...how, complete: true };
    return value.map((item, i) => within(items, item, path, i, whole));
  }
  return isObject(value) && (node.properties || node.patternProperties) ? prepareObject(node, value, path, how) : value;
}

function within(node: Node, value: unknown, path: (string | number)[], at: string | number, how: Preparation): unknown {
  path.push(at);
  const result = prepare(node, value, path, how);
  path.pop();
  return result;
}

function prepareObject(
  node: Node,
  value: Record<string, unknown>,
  path: (string | number)[],
  how: Preparation,
): unknown {
  const result: Record<string, unknown> = {};
  const known = node.properties ?? NONE;
  const anyMember = node.patternProperties && Object.values(node.patternProperties)[0];
  for (const key of Object.keys(value)) {
    if (value[key] === undefined) continue;
    if (key === '__proto__') {
      how.problems.push(unknownKey(node, path, key));
      continue;
    }
    const member = Object.hasOwn(known, key) ? known[key] : anyMember;
    result[key] = member ? within(member, value[key], path, key, how) : value[key];
  }
  if (!how.complete) return result;
  for (const [key, member] of Object.entries(known)) {
    if (member.default === undefined || Object.hasOwn(result, key)) continue;
    result[key] = within(member, structuredClone(member.default), path, key, how);
  }
  return result;
}

const NONE: Readonly<Record<string, Node>> = {};

const withDefaults = new WeakMap<Node, boolean>();

/** Whether applying defaults could change anything. */
export function hasDefaults(node: Node): boolean {
  let has = withDefaults.get(node);
  if (has === undefined) {
    const inside = [
      ...Object.values(node.properties ?? NONE),
      ...Object.values(node.patternProperties ?? NONE),
      ...(node.anyOf ?? []),
      ...(node.items ? [node.items] : []),
    ];
    has = node.default !== undefined || inside.some(hasDefaults);
    withDefaults.set(node, has);
  }
  return has;
}
