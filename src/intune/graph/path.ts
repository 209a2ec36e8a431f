import { badRequest } from './graph-error.ts';

/** One step of a path: a name, and the key where it is written with it. */
export interface Segment {
  readonly name: string;
  /** Of `sites('id')`, or of `servicePrincipals(appId='id')`. */
  readonly key?: { readonly property: string; readonly value: string };
}

/** Longest path, in characters, and most steps of it. */
const MAX_LENGTH = 2000;
const MAX_SEGMENTS = 12;

/**
 * The steps of a path below the version (OData 4.01 part 2 §4). A key may be a step of its own, or be in parentheses.
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

/** The same path with every key as a step of its own. Keys other than ids are not among them. */
export function plainSteps(segments: readonly Segment[]): readonly string[] {
  return segments.flatMap(({ name, key }) => (key?.property === 'id' ? [name, key.value] : [name]));
}
