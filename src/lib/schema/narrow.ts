import { branchFor, isObject } from './branches.ts';
import type { Node } from './type.ts';

/*
 * The cost of compiling a validator is proportional to its schema: 50 ms for the schema of the configuration, of which most documents set a
 * few members. A member that a document does not have cannot be invalid, so only the part of the schema that applies is compiled. The
 * result is the same: `required`, which stays, covers missing members, and the defaults are our own.
 */

/** The original of a narrowed schema. A symbol, so that Ajv does not treat it as a keyword. */
const whole = Symbol('whole');

interface Narrowed extends Node {
  readonly [whole]?: Node;
}

/** The properties and required members of a schema before it was narrowed. */
export function wholeOf(node: Node): Node {
  return (node as Narrowed)[whole] ?? node;
}

/**
 * The part of a schema that applies to this value, before defaults are applied: of an object, only the members that it has, and as required
 * only those without a default. Lists are unchanged: the defaults of their entries are already applied.
 *
 * @param shape receives a string for each choice made: the same schema and strings give the same result
 * @param all true: keep all members, whatever the value
 */
export function narrowed(node: Node, value: unknown, shape: string[], all = false): Node {
  const { anyOf, properties, patternProperties } = node;
  if (anyOf) {
    const meant = all ? undefined : branchFor(anyOf, value);
    shape.push(`|${meant}`);
    return {
      ...node,
      anyOf: anyOf.map((branch, i) => narrowed(branch, value, shape, i !== meant)),
      [whole]: node,
    } as Narrowed;
  }
  if (patternProperties) {
    const members = Object.entries(patternProperties).map(([key, member]) => [
      key,
      narrowed(member, undefined, [], true),
    ]);
    return { ...node, patternProperties: Object.fromEntries(members), [whole]: node } as Narrowed;
  }
  if (!properties) return node;
  const required = node.required?.filter((key) => properties[key]?.default === undefined) ?? [];
  const chosen: Record<string, Node> = {};
  shape.push('{');
  for (const [key, member] of Object.entries(properties)) {
    const has = isObject(value) && Object.hasOwn(value, key);
    if (all || has) {
      shape.push(key);
      chosen[key] = narrowed(member, has ? value[key] : undefined, shape, all);
    } else if (required.includes(key)) {
      chosen[key] = {};
    }
  }
  shape.push('}');
  return { ...node, properties: chosen, required, [whole]: node } as Narrowed;
}
