import type * as typebox from 'typebox';

export type { Static, TSchema } from 'typebox';

/*
 * The builders of typebox that we use, with typebox's types and a few lines of our own behind them. Loading typebox itself
 * means nearly four hundred files, and its validator three hundred more: together a third of the time from start to ready. At run time we need
 * plain JSON Schema objects only, and validate.ts to read them.
 */

type Used =
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe';

/** Marks a member that an object may lack. A symbol, so that it stays out of the JSON. */
const optional = Symbol('optional');

type Schema = Record<string | symbol, unknown>;

const builders = {
  Array: (items: Schema, options?: Schema): Schema => ({ type: 'array', items, ...options }),
  Boolean: (options?: Schema): Schema => ({ type: 'boolean', ...options }),
  Integer: (options?: Schema): Schema => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Schema): Schema => ({ type: typeof value, const: value, ...options }),
  Null: (options?: Schema): Schema => ({ type: 'null', ...options }),
  Object: (properties: Record<string, Schema>, options?: Schema): Schema => {
    const required = Object.keys(properties).filter((key) => !properties[key]![optional]);
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
  },
  Optional: (schema: Schema): Schema => ({ ...schema, [optional]: true }),
  Record: (key: Schema, value: Schema, options?: Schema): Schema => ({
    type: 'object',
    patternProperties: { [(key.pattern as string | undefined) ?? '^.*$']: value },
    ...options,
  }),
  String: (options?: Schema): Schema => ({ type: 'string', ...options }),
  Union: (anyOf: readonly Schema[], options?: Schema): Schema => ({ anyOf, ...options }),
  Unknown: (options?: Schema): Schema => ({ ...options }),
  Unsafe: (schema: Schema): Schema => schema,
} satisfies Record<Used, (...args: never[]) => Schema>;

/** Builds JSON Schemas whose TypeScript types follow, as typebox's `Type` does. */
export const Type = builders as unknown as Pick<typeof typebox.Type, Used>;
