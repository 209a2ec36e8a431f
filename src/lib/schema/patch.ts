import type { Node, TSchema } from './type.ts';

/** The schema for changes to an object: any of its members, without defaults; with `removable`, null removes an optional member. */
export function patchSchema(schema: TSchema, { removable }: { readonly removable: boolean }): TSchema {
  const { properties = {}, required = [], ...rest } = schema as Node;
  const changes = Object.entries(properties).map(([name, { default: fallback, ...member }]): [string, Node] => {
    const needed = required.includes(name) && fallback === undefined;
    return [name, removable && !needed ? { anyOf: [member, { type: 'null' }] } : member];
  });
  return { ...rest, properties: Object.fromEntries(changes) } as TSchema;
}
