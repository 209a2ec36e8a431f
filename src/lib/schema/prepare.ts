import { branchFor, isObject } from './branches.ts';
import { controlCharacters, type Problem, unknownKey } from './complaints.ts';
import type { Path } from './path.ts';
import type { Node } from './type.ts';

/** How a value is made ready for validation. */
interface Preparation {
  /** Fill defaults in. Entries of lists are always whole. */
  readonly complete: boolean;
  readonly problems: Problem[];
}

/**
 * A copy for validation: without members that are undefined, with defaults where they are wanted, and with complaints about
 * what JSON Schema has no keyword for: control characters, and a key that would change an object's prototype.
 */
export function prepare(node: Node, value: unknown, path: Path, how: Preparation): unknown {
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
    return value.map((item, i) => prepare(items, item, [...path, i], { ...how, complete: true }));
  }
  return isObject(value) && (node.properties || node.patternProperties) ? prepareObject(node, value, path, how) : value;
}

function prepareObject(node: Node, value: Record<string, unknown>, path: Path, how: Preparation): unknown {
  const result: Record<string, unknown> = {};
  const known = node.properties ?? {};
  const [anyMember] = Object.values(node.patternProperties ?? {});
  for (const key of Object.keys(value)) {
    if (value[key] === undefined) continue;
    if (key === '__proto__') {
      how.problems.push(unknownKey(node, path, key));
      continue;
    }
    const member = Object.hasOwn(known, key) ? known[key] : anyMember;
    result[key] = member ? prepare(member, value[key], [...path, key], how) : value[key];
  }
  if (!how.complete) return result;
  for (const [key, member] of Object.entries(known)) {
    if (member.default === undefined || Object.hasOwn(result, key)) continue;
    result[key] = prepare(member, structuredClone(member.default), [...path, key], how);
  }
  return result;
}
