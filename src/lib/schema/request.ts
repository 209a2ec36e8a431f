import { type ErrorCode, isTunneliteError, TunneliteError } from '../errors.ts';
import { check } from './check.ts';
import { checkKeywords } from './keywords.ts';
import { type Node, type TSchema, Type } from './type.ts';

/** What takes no members at all: the query of a route that has none. */
export const NOTHING = Type.Object({}, { additionalProperties: false });

const PARTS: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path' };

function none(): never {
  throw new TunneliteError('ERR_INTERNAL', 'A route has a schema and no compiler for it.', {
    hint: 'Describe the route with route().',
  });
}

/**
 * The option `schemaController` of fastify servers whose routes bring along what checks requests and writes answers, or have no
 * schema. Without it, fastify loads its own compilers for both at each start, and has no use for them.
 */
export const OWN_COMPILERS = { compilersFactory: { buildValidator: none, buildSerializer: none } };

type Verdict = { readonly value: unknown } | { readonly error: TunneliteError };

/**
 * What fastify calls a validator compiler: bodies, queries and paths are held against the schema that describes them, and
 * refused with our words under the given code. A body that is left out counts as an empty one. Schemas are looked at when
 * the route is made, and compiled when the first request comes.
 */
export function requestValidator(code: ErrorCode) {
  return ({ schema, httpPart = 'body' }: { schema: unknown; httpPart?: string | undefined }) => {
    checkKeywords(schema as Node, `schema of the ${PARTS[httpPart]}`);
    return (value: unknown): Verdict => {
      try {
        return { value: check(schema as TSchema, value ?? {}, { what: PARTS[httpPart] ?? httpPart, code }) };
      } catch (error) {
        if (isTunneliteError(error, code)) return { error };
        throw error;
      }
    };
  };
}
