import type * as typebox from 'typebox';

export type { Static, TSchema } from 'typebox';

/** The keywords that our schemas use. */
export interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly format?: string;
  readonly default?: unknown;
  readonly description?: string;
  /** Name of a member of the set, or of a key, in error messages: `there is no service "htp"`. Our own annotation. */
  readonly noun?: string;
}

/*
 * The builders of typebox that we use, with typebox's types and a few lines of our own as the implementation. Loading typebox itself means
 * three hundred files, about 100 ms of a start. At run time we need only plain JSON Schema objects, for Ajv; a test compares the results of
 * these builders with those of typebox.
 */

type Used =
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe';

/** Marks an optional member. A symbol, so that it is not part of the JSON. */
const optional = Symbol('optional');

type Schema = Record<string | symbol, unknown>;

const builders = {
  Array: (items: Schema, options?: Schema): Schema => ({ type: 'array', items, ...options }),
  Enum: (values: readonly unknown[], options?: Schema): Schema => ({ enum: [...values], ...options }),
  Boolean: (options?: Schema): Schema => ({ type: 'boolean', ...options }),
  Integer: (options?: Schema): Schema => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Schema): Schema => ({ type: typeof value, const: value, ...options }),
  Null: (options?: Schema): Schema => ({ type: 'null', ...options }),
  Number: (options?: Schema): Schema => ({ type: 'number', ...options }),
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

/** Builds JSON Schemas and derives their TypeScript types, like typebox's `Type`. */
export const Type = builders as unknown as Pick<typeof typebox.Type, Used>;
