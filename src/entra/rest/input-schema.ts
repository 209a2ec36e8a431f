import { type TSchema, Type } from '../../lib/schema/index.ts';

/** A JSON Schema as plain data. */
interface SchemaObject {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly required?: readonly string[];
  readonly items?: SchemaObject;
  readonly default?: unknown;
}

/**
 * The schema of what may be sent: like the schema of what is kept, but members with a default may be left out.
 * `partial` makes every member optional, for PATCH.
 */
export function inputSchema(schema: TSchema, partial = false): TSchema {
  return Type.Unsafe(loosen(schema as SchemaObject, partial) as TSchema);
}

function loosen(schema: SchemaObject, partial: boolean): SchemaObject {
  if (schema.items) return { ...schema, items: loosen(schema.items, false) };
  if (!schema.properties) return schema;
  const properties = Object.fromEntries(
    Object.entries(schema.properties).map(([name, member]) => [name, loosen(member, false)]),
  );
  const required = (schema.required ?? []).filter((name) => schema.properties![name]?.default === undefined);
  return { ...schema, properties, required: partial ? [] : required };
}

/** How the API's description groups these routes. */
export const TAGS = ['identity'];

/** A body as an object; anything else counts as an empty one, and is refused by what it lacks. */
export function objectOf(body: unknown): object {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
}
