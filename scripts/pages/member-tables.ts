import { describe, type Node } from '../../src/lib/schema/index.ts';
import { cell, codeCell, linked } from './cell.ts';

/** A member of an object somewhere in a value: `to.port`, `rules[].name`. */
export interface Member {
  readonly path: string;
  readonly node: Node;
  readonly required: boolean;
}

/**
 * The members that a value can have, those of members included.
 * @param depth how many levels of objects are opened
 */
export function membersOf(node: Node, depth = 6, prefix = ''): Member[] {
  const found = new Map<string, Member>();
  for (const branch of objectsIn(node)) {
    for (const [name, member] of Object.entries(branch.node.properties ?? {})) {
      const path = `${prefix}${branch.list ? '[].' : prefix === '' ? '' : '.'}${name}`.replace(/^\./, '');
      if (found.has(path)) continue;
      found.set(path, { path, node: member, required: branch.node.required?.includes(name) === true });
      if (depth > 1) for (const inner of membersOf(member, depth - 1, path)) found.set(inner.path, inner);
    }
  }
  return [...found.values()];
}

/** The objects that a value can be, or a list can hold. */
function objectsIn(node: Node, list = false): { node: Node; list: boolean }[] {
  const branches = node.anyOf ?? (node as { oneOf?: readonly Node[] }).oneOf ?? [];
  return [
    ...(node.properties ? [{ node, list }] : []),
    ...branches.flatMap((branch) => objectsIn(branch, list)),
    ...(node.items ? objectsIn(node.items, true) : []),
  ];
}

/** A table of members. */
export function memberTable(members: readonly Member[]): string {
  const rows = members.map(({ path, node, required }) => {
    const value = node.default === undefined ? '' : `\`${JSON.stringify(node.default)}\``;
    const must = value === '' && required ? 'required' : value;
    return `| ${codeCell(path)} | ${cell(must)} | ${cell(describe(node))} | ${linked(cell(node.description ?? ''))} |`;
  });
  return `| Member | Default | Value | Meaning |\n|---|---|---|---|\n${rows.join('\n')}`;
}
