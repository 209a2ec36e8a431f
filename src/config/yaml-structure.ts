import type { Alias, Document, Node, Pair } from 'yaml';

/** Maximum number of values in a file if each alias is expanded to what its anchor names. Our choice. */
const MAX_VALUES = 1_000_000;
/** Maximum number of aliases in a file. Resolving one scans all anchors before it. */
const MAX_ALIASES = 1000;

/** A problem that makes a file unusable, and where it begins. */
export interface SyntaxFault {
  readonly offset: number;
  readonly message: string;
}

type Yaml = Pick<typeof import('yaml'), 'isAlias' | 'isMap' | 'isSeq' | 'isScalar'>;

/**
 * Problems that the parser does not report: duplicate keys, aliases without an anchor or inside their own, and a small file that
 * aliases expand to a huge one. Visits each node once.
 */
export function structureFault(document: Document, { isAlias, isMap, isSeq, isScalar }: Yaml): SyntaxFault | undefined {
  /** Number of values that an anchor stands for; undefined while it is being read. */
  const anchors = new Map<string, number | undefined>();
  let aliases = 0;
  let fault: SyntaxFault | undefined;

  const fail = (node: Node | null | undefined, message: string): number => {
    fault ??= { offset: node?.range?.[0] ?? 0, message };
    return 0;
  };
  const aliasSize = (node: Alias): number => {
    const { source } = node;
    if (++aliases > MAX_ALIASES)
      return fail(node, `there are more than ${MAX_ALIASES} aliases; write out their values`);
    if (!anchors.has(source))
      return fail(node, `there is no anchor &${source} before this alias; put a string that begins with * in quotes`);
    return anchors.get(source) ?? fail(node, `the alias *${source} refers to itself`);
  };
  const mapSize = (items: readonly Pair[]): number => {
    const keys = new Set<string>();
    let size = 0;
    for (const { key, value } of items as readonly Pair<Node | null, Node | null>[]) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name !== undefined && keys.has(name)) fail(key, `the key ${JSON.stringify(name)} is repeated`);
      if (name !== undefined) keys.add(name);
      size += sizeOf(key) + sizeOf(value);
    }
    return size;
  };
  const sizeOf = (node: Node | null | undefined): number => {
    if (!node || fault) return 0;
    if (isAlias(node)) return aliasSize(node);
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, undefined);
    let size = 1;
    if (isMap(node)) size += mapSize(node.items);
    else if (isSeq(node)) for (const item of node.items as (Node | null)[]) size += sizeOf(item);
    if (size > MAX_VALUES) fail(node, `with all aliases expanded, there are more than ${MAX_VALUES} values`);
    if (anchor !== undefined) anchors.set(anchor, size);
    return size;
  };

  sizeOf(document.contents);
  return fault;
}
