import { type Static, Type } from '../lib/schema/index.ts';
import { closed, Int, Nullable } from './schema-members.ts';

/* The shape of a stub: a user-defined answer to a request. */

/** Longest body, in bytes of its text. */
export const MAX_STUB_BODY = 1024 * 1024;

const headers = () =>
  Type.Record(Type.String(), Type.String({ maxLength: 8192 }), {
    default: {},
    description: 'Headers of the answer.',
  });

const ANSWER = {
  status: Int(200, 200, 599, 'Status of the answer.'),
  headers: headers(),
  body: Nullable(
    Type.String({ format: 'text', maxLength: MAX_STUB_BODY }),
    null,
    'Body of the answer, as text; null = none.',
  ),
  json: Type.Unknown({
    default: null,
    description: 'Body of the answer as JSON, in place of a string; null = none.',
  }),
  delay: Int(0, 0, 60_000, 'How long the answer takes, in milliseconds.'),
};

const AnswerSchema = Type.Object(ANSWER, closed);

export const StubSchema = Type.Object(
  {
    host: Nullable(
      Type.String({ format: 'domain' }),
      null,
      'The name that it is asked by, which gets the address of the host of stubs; null = any name of that host.',
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
      'Path that it answers, without the query: /orders/7; /orders/:id for any segment there; /files/* for all below. null = any.',
    ),
    expression: Nullable(
      Type.String({ maxLength: 1024, minLength: 1 }),
      null,
      'In the place of path: a regular expression (syntax of RE2) that the whole path has to fit.',
    ),
    ...ANSWER,
    sequence: Type.Array(AnswerSchema, {
      default: [],
      maxItems: 100,
      description:
        'Answers to the first request, to the second, and so on; the last stays. Empty = always the one above.',
    }),
  },
  closed,
);

/** A stub with all its members. */
export type Stub = Static<typeof StubSchema>;
