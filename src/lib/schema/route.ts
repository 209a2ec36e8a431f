import type { ErrorCode } from '../errors.ts';
import { NOTHING, requestValidator } from './request.ts';
import { type TSchema, Type } from './type.ts';

/** What a route takes and answers. */
export interface RouteParts {
  readonly body?: TSchema;
  /** Left out: the route takes no query. */
  readonly query?: TSchema;
  /** Names in the path that are more than any text. */
  readonly params?: TSchema;
  /** What a good answer looks like, for the description of the API. Nothing is left out of an answer because of it. */
  readonly answer?: TSchema;
  /** Status of a good answer. Default 200, or 204 when there is nothing to answer. */
  readonly status?: number;
  /** Code of a refusal. */
  readonly code?: ErrorCode;
  /** More than the summary says. */
  readonly description?: string;
}

const Problem = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable: branch on it. docs/reference/errors.md lists all.' }),
      message: Type.String({ description: 'What happened.' }),
      hint: Type.String({ description: 'What to do next.' }),
      details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
  },
  { description: 'Refused.' },
);

const asJson = (): ((value: unknown) => string) => JSON.stringify;

/** A route's description, for fastify: what its requests are held against, and what the API's document says of it. */
export function route(tag: string, summary: string, parts: RouteParts = {}) {
  const { body, query = NOTHING, params, answer, code = 'ERR_REQUEST_INVALID', description } = parts;
  const status = parts.status ?? (answer ? 200 : 204);
  return {
    schema: {
      tags: [tag],
      summary,
      querystring: query,
      response: { [status]: answer ?? { type: 'null', description: 'Done.' }, '4xx': Problem },
      ...(description === undefined ? {} : { description }),
      ...(body && { body }),
      ...(params && { params }),
    },
    validatorCompiler: requestValidator(code),
    serializerCompiler: asJson,
  };
}
