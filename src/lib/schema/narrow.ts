import { branchFor, isObject } from './branches.ts';
import type { Node } from './type.ts';

/*
 * Turning a schema into a validator costs in proportion to the schema: 50 ms for that of the configuration, of which most
 * documents set a handful of members. A member that a document does not have cannot be wrong in it, so only the schema of what
 * is there is compiled. Nothing is lost: what is not there is judged by `required`, which stays, and by the defaults, which are
 * our own.
 */

/** The schema that a narrowed one was made from. A symbol, so that Ajv does not take it for a keyword. */
const whole = Symbol('whole');

interface Narrowed extends Node {
  readonly [whole]?: Node;
}

/** What a schema says before it was narrowed: all members of an object, all that it needs. */
export function wholeOf(node: Node): Node {
  return (node as Narrowed)[whole] ?? node;
}

/**
 * The part of a schema that can say something about this value, before defaults are filled in: of an object only the members that
 * it has, and as needed only what has no default. Lists are left as they are: defaults of their entries are filled in already.
 *
 * @param shape is given a text for each choice made on the way: same schema and same texts, same result
 * @param all true: all members, whatever the value is
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
