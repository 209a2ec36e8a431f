import type { Node, TSchema } from './type.ts';

/**
 * The schema of changes to an object: any of its members, without defaults; with `removable`, null for a member that the
 * object may lack.
 */
export function patchSchema(schema: TSchema, { removable }: { readonly removable: boolean }): TSchema {
  const { properties = {}, required = [], ...rest } = schema as Node;
  const changes = Object.entries(properties).map(([name, { default: fallback, ...member }]): [string, Node] => {
    const needed = required.includes(name) && fallback === undefined;
    return [name, removable && !needed ? { anyOf: [member, { type: 'null' }] } : member];
  });
  return { ...rest, properties: Object.fromEntries(changes) } as TSchema;
}
