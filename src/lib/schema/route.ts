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
  /** Media type of a successful answer. Default JSON. */
  readonly type?: string;
  /** Statuses of refusals, in addition to those that follow from the other parts. */
  readonly refuses?: readonly RefusalStatus[];
  /** Error code for invalid input. */
  readonly code?: ErrorCode;
  /** Details beyond the summary. */
  readonly description?: string;
}

/** Refusals by status, for the description of the API. */
const REFUSALS = {
  400: 'The path, the query or the body is not valid.',
  401: 'The secret of the instance is missing or wrong.',
  403: 'The host name is not one of this instance, or a page of another origin sent the request.',
  404: 'What the path, the query or the body names does not exist.',
  408: 'It did not happen in time.',
  409: 'The current state does not permit it.',
  413: 'The body is too long.',
  415: 'The body is not JSON.',
  503: 'As many readers as are allowed follow already.',
} as const;

/** Status of a refusal. */
export type RefusalStatus = keyof typeof REFUSALS;

const SUCCESS: Readonly<Record<number, string>> = {
  200: 'Done. The body has the result.',
  201: 'Created. The body describes what was created.',
  202: 'Accepted.',
  204: 'Done. There is no body.',
};

/** The schema of refusals with one status. */
export function refusal(status: RefusalStatus) {
  return Type.Object(
    {
      error: Type.Object({
        code: Type.String({ description: 'Stable: branch on it. docs/reference/errors.md lists all.' }),
        message: Type.String({ description: 'What happened.' }),
        hint: Type.String({ description: 'What to do next.' }),
        details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      }),
    },
    { description: REFUSALS[status] },
  );
}

function success(answer: TSchema | undefined, status: number, type: string | undefined) {
  const description = (answer as { description?: string } | undefined)?.description ?? SUCCESS[status];
  if (answer === undefined) return { type: 'null', description };
  if (type !== undefined) return { description, content: { [type]: { schema: answer } } };
  return { ...answer, description };
}

const asJson = (): ((value: unknown) => string) => JSON.stringify;

/** A route's options for fastify: the schemas that validate its requests, and its entry in the API description. */
export function route(tag: string, summary: string, parts: RouteParts = {}) {
  const { body, query = NOTHING, params, answer, code = 'ERR_REQUEST_INVALID', description, refuses = [] } = parts;
  const status = parts.status ?? (answer ? 200 : 204);
  const refused: RefusalStatus[] = [400, ...(body ? ([413, 415] as const) : []), ...refuses];
  return {
    schema: {
      tags: [tag],
      summary,
      querystring: query,
      response: {
        [status]: success(answer, status, parts.type),
        ...Object.fromEntries(refused.map((one) => [one, refusal(one)])),
      },
      ...(description === undefined ? {} : { description }),
      ...(body && { body }),
      ...(params && { params }),
    },
    validatorCompiler: requestValidator(code),
    serializerCompiler: asJson,
  };
}
