import type { Node } from './type.ts';

/** The branch of a union for this value: the only one of its type; undefined if there are several, or none. */
export function branchFor(branches: readonly Node[], value: unknown): number | undefined {
  const fitting = branches.flatMap((branch, i) => (takes(branch, value) ? [i] : []));
  return fitting.length === 1 ? fitting[0] : undefined;
}

function takes(branch: Node, value: unknown): boolean {
  if (branch.enum) return branch.enum.some((one) => typeof one === typeof value);
  const { type } = branch;
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer' || type === 'number') return typeof value === 'number';
  return type === typeof value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
