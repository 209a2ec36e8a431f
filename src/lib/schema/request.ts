import { type ErrorCode, isTunneliteError, TunneliteError } from '../errors.ts';
import { check } from './check.ts';
import { checkKeywords } from './keywords.ts';
import { type Node, type TSchema, Type } from './type.ts';

/** Accepts no members: the query of a route without one. */
export const NOTHING = Type.Object({}, { additionalProperties: false });

const PARTS: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path' };

function none(): never {
  throw new TunneliteError('ERR_INTERNAL', 'A route has a schema but no compiler for it.', {
    hint: 'Describe the route with route().',
  });
}

/**
 * Value of the option `schemaController` for fastify servers whose routes provide their own validation and serialization, or have no
 * schema. Without it, fastify loads its own compilers for both at each start, and does not use them.
 */
export const OWN_COMPILERS = { compilersFactory: { buildValidator: none, buildSerializer: none } };

type Verdict = { readonly value: unknown } | { readonly error: TunneliteError };

/**
 * A validator compiler for fastify: bodies, queries and paths are validated against their schemas, and rejected with our wording and the
 * given code. An omitted body counts as an empty one. Schemas are checked when the route is created, and compiled for the first request.
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
