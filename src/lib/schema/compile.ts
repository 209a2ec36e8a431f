import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { isObject } from './branches.ts';
import { FORMATS } from './formats.ts';
import { checkKeywords } from './keywords.ts';
import { narrowed } from './narrow.ts';
import type { Node } from './type.ts';

let ajv: Ajv | undefined;

/**
 * Loaded at the first use: many a start has nothing to validate. Schemas are our own code, so they are not held against the
 * metaschema; strict mode refuses what Ajv does not know.
 */
function theAjv(): Ajv {
  if (ajv) return ajv;
  const { Ajv } = createRequire(import.meta.url)('ajv') as typeof import('ajv');
  const made = new Ajv({
    strict: true,
    allErrors: true,
    verbose: true,
    messages: false,
    meta: false,
    validateSchema: false,
    // Making the code shorter takes as long as making it: many of these validators run once.
    code: { optimize: false },
  });
  made.addKeyword('noun');
  for (const [name, { test }] of Object.entries(FORMATS)) made.addFormat(name, { type: 'string', validate: test });
  return (ajv = made);
}

/** Turns a schema into a validator. @throws Error of Ajv for a schema that it does not take */
export function compile(schema: Node): ValidateFunction {
  const made = theAjv().compile(schema);
  // Ajv would keep it for good.
  theAjv().removeSchema(schema);
  return made;
}

/** Validators of one schema. */
interface Compiled {
  /** By the shape of the values that they are for. */
  readonly byShape: Map<string, ValidateFunction>;
  /** For values of any shape. */
  whole: ValidateFunction | undefined;
  /** Values that it was asked about. */
  uses: number;
}

/** More shapes than this of one schema, or more values: then it is compiled as a whole, once, and nobody looks at shapes any more. */
const MAX_SHAPES = 8;
const MAX_USES = 64;

const compiled = new WeakMap<Node, Compiled>();

/** Looks at a schema, once, before anything is judged by it. */
function known(schema: Node): Compiled {
  let found = compiled.get(schema);
  if (!found) {
    checkKeywords(schema);
    compiled.set(schema, (found = { byShape: new Map(), whole: undefined, uses: 0 }));
  }
  return found;
}

/** Whether a value without members is all that an object without needs can be held against, as is the query of most requests. */
function asksNothingOf(schema: Node, value: object): boolean {
  if (schema.type !== 'object' || schema.anyOf !== undefined || schema.required?.length) return false;
  for (const _ in value) return false;
  return true;
}

/**
 * What is wrong with a value whose defaults are not filled in, as Ajv tells it; nothing when it is as the schema wants it.
 *
 * @throws TunneliteError `ERR_INTERNAL` for a schema with a keyword that nobody would look at
 */
export function errorsOf(schema: Node, value: unknown): readonly ErrorObject[] {
  const found = known(schema);
  if (isObject(value) && asksNothingOf(schema, value)) return NO_ERRORS;
  const fits = found.whole ?? validatorFor(found, schema, value);
  return fits === undefined || fits(value) ? NO_ERRORS : (fits.errors ?? NO_ERRORS);
}

const NO_ERRORS: readonly ErrorObject[] = [];

/** A validator that will do for this value; undefined: nothing of the schema is about it. */
function validatorFor(found: Compiled, schema: Node, value: unknown): ValidateFunction | undefined {
  const { byShape } = found;
  const shape: string[] = [];
  const part = narrowed(schema, value, shape);
  if (isObject(value) && Object.keys(value).length === 0 && part.type === 'object' && !part.required?.length)
    return undefined;
  const key = shape.join('\n');
  let fits = byShape.get(key);
  if (++found.uses > MAX_USES || (!fits && byShape.size >= MAX_SHAPES)) {
    byShape.clear();
    return (found.whole = compile(narrowed(schema, value, [], true)));
  }
  if (!fits) byShape.set(key, (fits = compile(part)));
  return fits;
}
