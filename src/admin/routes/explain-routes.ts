import type { FastifyPluginAsync } from 'fastify';
import { AREAS, type Explanation, parseAddress, parseSubject, type Subject } from '../../explain/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** Explains a client; throws `ERR_EXPLAIN_UNKNOWN`. */
export type ExplainPort = (subject: Subject) => Explanation;

const Text = (description?: string) => Type.Optional(Type.String(description === undefined ? {} : { description }));
const Seq = (description: string) => Type.Integer({ description });

const ExplainQuery = Type.Object(
  {
    session: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Short id of a session.' })),
    address: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        description: 'Address of a client, with a port for one connection: `192.0.2.1`, `[2001:db8::1]:50123`.',
      }),
    ),
  },
  { additionalProperties: false },
);

const FindingAnswer = Type.Object({
  cause: Type.String({ description: 'Stable id, such as `token-expired`; docs/reference/explain.md lists all.' }),
  area: Type.Enum(Object.keys(AREAS)),
  weight: Type.Enum(['fatal', 'trouble', 'note'], {
    description: '`fatal`: there is no tunnel, or it ended; `trouble`: something did not work; `note`: worth knowing.',
  }),
  title: Type.String(),
  what: Type.String({ description: 'What happened.' }),
  why: Type.String(),
  next: Type.Array(Type.String(), { description: 'What to do next, the most likely first.' }),
  docs: Type.Array(Type.String(), { description: 'Pages with more about it.' }),
  rule: Text('The fault rule that caused it.'),
  overcome: Type.Boolean({ description: 'The client got a tunnel after it.' }),
  times: Type.Integer({ description: 'How often.' }),
  seq: Seq('Number of the first event that shows it.'),
  last: Seq('Number of the last one.'),
});

const ExplainAnswer = Type.Object({
  session: Text('Short id; absent when the client got no session.'),
  address: Text('Of the client.'),
  client: Type.Object({
    kind: Type.String({
      description: 'Such as `openconnect`, `anyconnect`, `tunnel-ios`, `curl`, `browser`, `tunnelite`.',
    }),
    name: Type.String({ description: 'In words, with version and TLS library.' }),
    version: Text(),
    agent: Text('The User-Agent.'),
    library: Text('The TLS library, recognized by its ClientHello.'),
  }),
  outcome: Type.Enum(['connected', 'ended', 'failed', 'unfinished']),
  summary: Type.String(),
  steps: Type.Array(
    Type.Object({
      seq: Seq('Number of the event.'),
      time: Type.Integer({ description: 'Milliseconds since the Unix epoch.' }),
      text: Type.String(),
    }),
  ),
  stepsLeft: Type.Integer({ description: 'Number of steps in the middle that were left out.' }),
  findings: Type.Array(FindingAnswer, { description: 'The most important first.' }),
  findingsLeft: Type.Integer({ description: 'Number of findings that were left out.' }),
  lost: Seq('Number of the newest event that fell out of the journal.'),
});

/** `/api/explain`: what a client did, what the gateway decided and why, and what to do next. */
export function explainRoutes(explain: ExplainPort): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/',
      route('explain', 'Explain a client', {
        query: ExplainQuery,
        answer: ExplainAnswer,
        refuses: [404],
        description:
          'With `session` that session, with `address` the clients from there, without either the last client: what the client did, what was decided and why, and what to do next. 404 if the journal has nothing about it.',
      }),
      async ({ query }) => explain(subjectOf(query as Static<typeof ExplainQuery>)),
    );
  };
}

/** @throws TunneliteError `ERR_EXPLAIN_SUBJECT` */
function subjectOf({ session, address }: Static<typeof ExplainQuery>): Subject {
  if (session !== undefined && address !== undefined) {
    throw new TunneliteError('ERR_EXPLAIN_SUBJECT', 'Both a session and an address were asked for.');
  }
  if (address !== undefined) return parseAddress(address);
  const subject = parseSubject(session);
  if (session !== undefined && subject.kind !== 'session') {
    throw new TunneliteError('ERR_EXPLAIN_SUBJECT', 'A session has a short id, such as k3xy2z.');
  }
  return subject;
}
