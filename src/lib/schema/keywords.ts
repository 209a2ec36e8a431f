import { TunneliteError } from '../errors.ts';
import { isComplained } from './complaints.ts';
import { FORMATS } from './formats.ts';
import type { Node } from './type.ts';

/** Keywords that contain other schemas. */
const PLACES = ['properties', 'patternProperties', 'items'] as const;

/** Keywords that do not restrict values. */
const ANNOTATIONS = ['title', 'description', 'default', 'noun'] as const;

/** Schemas that were checked, because many routes share parts. */
const approved = new WeakSet<Node>();

const known = new Set<string>([...PLACES, ...ANNOTATIONS]);

/**
 * Rejects a schema with a keyword or a format that is not supported, or with an object that accepts any key. It is fast enough to check
 * every schema when the program starts, including those that are compiled at their first use.
 * @throws TunneliteError `ERR_INTERNAL`
 */
export function checkKeywords(node: Node, where = 'schema'): void {
  if (approved.has(node)) return;
  for (const keyword of Object.keys(node)) {
    if (!known.has(keyword) && !isComplained(keyword)) wrong(`${where} has the unknown keyword "${keyword}"`);
  }
  if (node.format !== undefined && !Object.hasOwn(FORMATS, node.format)) {
    wrong(`${where} has the unknown format "${node.format}"`);
  }
  if (node.properties && node.additionalProperties !== false) wrong(`${where} accepts keys that it does not name`);
  for (const place of ['properties', 'patternProperties'] as const) {
    for (const [key, member] of Object.entries(node[place] ?? {})) checkKeywords(member, `${where}/${key}`);
  }
  node.anyOf?.forEach((branch, i) => {
    checkKeywords(branch, `${where}/${i}`);
  });
  if (node.items) checkKeywords(node.items, `${where}/items`);
  approved.add(node);
}

function wrong(text: string): never {
  throw new TunneliteError('ERR_INTERNAL', `The ${text}.`, { hint: 'Correct the schema.' });
}
