import { type Static, Type } from '../lib/schema/index.ts';
import { closed, Int, Nullable } from './schema-members.ts';

/* The shape of a stub: a user-defined answer to a request. */

/** Longest body, in bytes of its text. */
export const MAX_STUB_BODY = 1024 * 1024;

const headers = () =>
  Type.Record(Type.String(), Type.String({ maxLength: 8192 }), {
    default: {},
    description: 'Headers of the response.',
  });

const ANSWER = {
  status: Int(200, 200, 599, 'Status of the response.'),
  headers: headers(),
  body: Nullable(
    Type.String({ format: 'text', maxLength: MAX_STUB_BODY }),
    null,
    'Body of the response, as a string; null = none.',
  ),
  json: Type.Unknown({
    default: null,
    description: 'Body of the response as JSON, instead of a string; null = none.',
  }),
  delay: Int(0, 0, 60_000, 'Delay of the response, in milliseconds.'),
};

const AnswerSchema = Type.Object(ANSWER, closed);

export const StubSchema = Type.Object(
  {
    host: Nullable(
      Type.String({ format: 'domain' }),
      null,
      'Host name of the request, which gets the address of the host of stubs; null = any name of that host.',
    ),
    method: Nullable(
      Type.Enum<('GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS')[]>([
        ...(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const),
      ]),
      null,
      'null = any.',
    ),
    path: Nullable(
      Type.String({ maxLength: 1024, minLength: 1 }),
      null,
      'Path that it matches, without the query: /orders/7; /orders/:id for any segment there; /files/* for all paths below. null = any.',
    ),
    expression: Nullable(
      Type.String({ maxLength: 1024, minLength: 1 }),
      null,
      'Instead of path: a regular expression (RE2 syntax) that must match the whole path.',
    ),
    ...ANSWER,
    sequence: Type.Array(AnswerSchema, {
      default: [],
      maxItems: 100,
      description:
        'Responses to the first request, to the second, and so on; the last one repeats. Empty = always the one above.',
    }),
  },
  closed,
);

/** A stub with all its members. */
export type Stub = Static<typeof StubSchema>;
