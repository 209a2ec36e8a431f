import type { ErrorCode } from '../errors.ts';
import { NOTHING, requestValidator } from './request.ts';
import { type TSchema, Type } from './type.ts';

/** Input and output of a route. */
export interface RouteParts {
  readonly body?: TSchema;
  /** Omitted: the route accepts no query. */
  readonly query?: TSchema;
  /** Path parameters that are more specific than a string. */
  readonly params?: TSchema;
  /** Shape of a successful answer, for the API description. It does not filter the answer. */
  readonly answer?: TSchema;
  /** Status of a successful answer. Default 200, or 204 without a body. */
  readonly status?: number;
  /** Error code for invalid input. */
  readonly code?: ErrorCode;
  /** Details beyond the summary. */
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

/** A route's options for fastify: the schemas that validate its requests, and its entry in the API description. */
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
