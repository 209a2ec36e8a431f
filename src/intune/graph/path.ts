import { badRequest } from './graph-error.ts';

/** One path segment: a name, and the key if it is part of the segment. */
export interface Segment {
  readonly name: string;
  /** Key of `sites('id')`, or of `servicePrincipals(appId='id')`. */
  readonly key?: { readonly property: string; readonly value: string };
}

/** Longest path, in characters, and its maximum number of segments. */
const MAX_LENGTH = 2000;
const MAX_SEGMENTS = 12;

/**
 * Splits the path below the version (OData 4.01 part 2 §4). A key can be a separate segment or in parentheses.
 * @throws GraphError 400
 */
export function parsePath(path: string): readonly Segment[] {
  const parts = path.length > MAX_LENGTH ? [] : path.split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts.length > MAX_SEGMENTS) throw badRequest('The address is not one of a resource.');
  return parts.map((part) => {
    let text: string;
    try {
      text = decodeURIComponent(part);
    } catch {
      throw badRequest(`The segment '${part.slice(0, 100)}' is not valid.`);
    }
    const [, name, property = 'id', quoted, bare] =
      /^([\w.$]+)\((?:(\w+)=)?(?:'((?:[^']|'')*)'|([\w-]+))\)$/.exec(text) ?? [];
    if (name === undefined) return { name: text };
    return { name, key: { property, value: quoted?.replaceAll("''", "'") ?? bare! } };
  });
}

/** The same path with every key as a separate segment. Only for keys that are IDs. */
export function plainSteps(segments: readonly Segment[]): readonly string[] {
  return segments.flatMap(({ name, key }) => (key?.property === 'id' ? [name, key.value] : [name]));
}
