import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { isObject } from './branches.ts';
import { FORMATS } from './formats.ts';
import { checkKeywords } from './keywords.ts';
import { narrowed } from './narrow.ts';
import type { Node } from './type.ts';

let ajv: Ajv | undefined;

/**
 * Loaded at the first use, because many commands validate nothing. Schemas are our own code and therefore not validated against the
 * metaschema; strict mode rejects what Ajv does not support.
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
    // Optimizing the code takes as long as generating it, and many of these validators run once.
    code: { optimize: false },
  });
  made.addKeyword('noun');
  for (const [name, { test }] of Object.entries(FORMATS)) made.addFormat(name, { type: 'string', validate: test });
  return (ajv = made);
}

/** Compiles a schema to a validator. @throws Error of Ajv for an invalid schema */
export function compile(schema: Node): ValidateFunction {
  const made = theAjv().compile(schema);
  // Ajv would keep it forever.
  theAjv().removeSchema(schema);
  return made;
}

/** Validators of one schema. */
interface Compiled {
  /** By the shape of the values that they accept. */
  readonly byShape: Map<string, ValidateFunction>;
  /** For values of any shape. */
  whole: ValidateFunction | undefined;
  /** Number of values validated. */
  uses: number;
}

/** If a schema is used with more shapes or values than this, it is compiled as a whole, once, and shapes are no longer computed. */
const MAX_SHAPES = 8;
const MAX_USES = 64;

const compiled = new WeakMap<Node, Compiled>();

/** Checks a schema once, before its first use. */
function known(schema: Node): Compiled {
  let found = compiled.get(schema);
  if (!found) {
    checkKeywords(schema);
    compiled.set(schema, (found = { byShape: new Map(), whole: undefined, uses: 0 }));
  }
  return found;
}

/** Whether the schema has no required members and the value has none, as the query of most requests: it is then valid. */
function asksNothingOf(schema: Node, value: object): boolean {
  if (schema.type !== 'object' || schema.anyOf !== undefined || schema.required?.length) return false;
  for (const _ in value) return false;
  return true;
}

/**
 * Validates a value without applying defaults, and returns the errors of Ajv; none if it is valid.
 *
 * @throws TunneliteError `ERR_INTERNAL` for a schema with an unsupported keyword
 */
export function errorsOf(schema: Node, value: unknown): readonly ErrorObject[] {
  const found = known(schema);
  if (isObject(value) && asksNothingOf(schema, value)) return NO_ERRORS;
  const fits = found.whole ?? validatorFor(found, schema, value);
  return fits === undefined || fits(value) ? NO_ERRORS : (fits.errors ?? NO_ERRORS);
}

const NO_ERRORS: readonly ErrorObject[] = [];

/** A validator that is sufficient for this value; undefined: no part of the schema applies. */
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
