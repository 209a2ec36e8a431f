import type { FastifyPluginAsync, FastifyReply } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { type EventListener, eventJson, type Journal } from '../../telemetry/index.ts';
import { JOURNAL_QUERY, journalQuery } from './journal-query.ts';
import { JournalStreams } from './journal-streams.ts';

/** The parts of a simulator that the routes use. */
export interface JournalPort {
  readonly journal: Journal;
  subscribe(listener: EventListener): () => void;
}

const TAG = 'journal';
const closed = { additionalProperties: false } as const;

/** Longest wait per request, in seconds. */
const MAX_WAIT = 600;

/** Longest pace of a stream, in seconds. */
const MAX_PACE = 60;

const EventAnswer = Type.Object({
  seq: Type.Integer({ description: 'Number of the event; each is one higher than the one before.' }),
  time: Type.Integer({ description: 'Milliseconds since the Unix epoch, by the clock of the simulator.' }),
  name: Type.String({ description: 'Such as `session.connect`; docs/reference/events.md lists all.' }),
  level: Type.Enum(['trace', 'debug', 'info', 'warn', 'error']),
  text: Type.String({ description: 'What happened, in a sentence.' }),
  fields: Type.Record(Type.String(), Type.Unknown(), {
    description: 'By the name of the event; docs/reference/events.md lists all.',
  }),
});

const ListQuery = Type.Object(
  {
    ...JOURNAL_QUERY,
    limit: Type.Optional(
      Type.String({ format: 'whole', description: 'Largest number of events; the newest are returned. Default 1000.' }),
    ),
    format: Type.Optional(
      Type.Enum(['json', 'ndjson'], {
        noun: 'format',
        description: '`ndjson`: a line for each event, and all events unless there is a limit.',
      }),
    ),
  },
  closed,
);
const WaitQuery = Type.Object(
  {
    ...JOURNAL_QUERY,
    timeout: Type.Optional(
      Type.String({
        format: 'seconds',
        description: `Seconds of real time; default 10, at most ${MAX_WAIT}.`,
      }),
    ),
  },
  closed,
);
const StreamQuery = Type.Object(
  {
    ...JOURNAL_QUERY,
    pace: Type.Optional(
      Type.String({
        format: 'seconds',
        description: `Least time between two deliveries, in seconds: the first event after a pause comes at once, those that follow it together. Default 0, at most ${MAX_PACE}.`,
      }),
    ),
  },
  closed,
);
const ExpectQuery = Type.Object(
  {
    ...JOURNAL_QUERY,
    times: Type.Optional(
      Type.String({ format: 'whole', description: 'The exact number of events. Default: one or more.' }),
    ),
  },
  closed,
);
const ProblemsQuery = Type.Object({ since: JOURNAL_QUERY.since, except: JOURNAL_QUERY.name }, closed);

/** `/api/journal`: past and future events, and assertions about them. */
export function journalRoutes({ journal, subscribe }: JournalPort): FastifyPluginAsync {
  return async (app) => {
    const streams = new JournalStreams(journal, subscribe);
    // Before connections close.
    app.addHook('preClose', async () => streams.close());
    const mark = () => ({ mark: journal.mark() });

    app.get(
      '/',
      route(TAG, 'Query events', {
        query: ListQuery,
        answer: Type.Object({
          events: Type.Array(EventAnswer, { description: 'Oldest first.' }),
          matched: Type.Integer({ description: 'Number of matches, including those beyond the limit.' }),
          mark: Type.Integer({ description: 'The newest event now: `since` of a later query.' }),
          dropped: Type.Integer({ description: 'Number of events that the full journal has dropped.' }),
          lost: Type.Integer({ description: 'Number of the newest dropped event; 0 if there is none.' }),
        }),
      }),
      async ({ query }, reply) => {
        const { limit, format, ...selection } = query as Static<typeof ListQuery>;
        const found = journal.query(journalQuery(selection));
        if (format === 'ndjson') {
          const events = limit === undefined ? found : newest(found, Number(limit));
          return reply
            .type('application/x-ndjson; charset=utf-8')
            .serializer((text: string) => text)
            .send(events.map(eventJson).join(''));
        }
        return {
          events: newest(found, Number(limit ?? 1000)),
          matched: found.length,
          ...mark(),
          dropped: journal.dropped,
          lost: journal.lost,
        };
      },
    );
    app.get(
      '/mark',
      route(TAG, 'The newest event now, as a mark for `since`', { answer: Type.Object({ mark: Type.Integer() }) }),
      async () => mark(),
    );
    app.get(
      '/wait',
      route(TAG, 'Wait for an event, past or future', {
        query: WaitQuery,
        answer: EventAnswer,
        refuses: [408],
        description:
          'Returns the first event that matches, as soon as there is one; 408 if none came in time, with the nearest events in the message.',
      }),
      async (request, reply) => {
        const { timeout = '10', ...selection } = request.query as Static<typeof WaitQuery>;
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const options = { timeout: Math.min(Number(timeout), MAX_WAIT) * 1000, signal: gone.signal };
        return journal.waitFor(journalQuery(selection), options);
      },
    );
    app.get(
      '/expect',
      route(TAG, 'Assert that events happened', {
        query: ExpectQuery,
        refuses: [409],
        answer: Type.Object({ events: Type.Array(EventAnswer) }),
        description:
          '409 if their number is not the expected one; the message lists the nearest events and why each does not match. Also 409 if the number is limited since a mark, and the journal no longer has all events since then.',
      }),
      async ({ query }) => {
        const { times, ...selection } = query as Static<typeof ExpectQuery>;
        return { events: journal.expect(journalQuery(selection), times === undefined ? undefined : Number(times)) };
      },
    );
    app.get(
      '/problems',
      route(TAG, 'List problems that no fault and no ordered failure caused', {
        query: ProblemsQuery,
        answer: Type.Object({
          problems: Type.Array(EventAnswer),
          lost: Type.Integer({
            description:
              'Number of the newest event that the journal has dropped. If it is above `since`, there may have been more problems.',
          }),
        }),
      }),
      async ({ query }) => {
        const { since, except } = query as Static<typeof ProblemsQuery>;
        const excepted = except === undefined ? [] : [journalQuery({ name: except })];
        return {
          problems: journal.problems({ ...(since !== undefined && { since: Number(since) }), except: excepted }),
          lost: journal.lost,
        };
      },
    );
    app.get(
      '/stream',
      {
        ...route(TAG, 'Follow events as they happen, as server-sent events', {
          query: StreamQuery,
          answer: Type.String({
            description: 'Each message has the number of an event as its id, and the event as JSON.',
          }),
          type: 'text/event-stream',
          refuses: [503],
          description:
            'Starts with the events after `since`, or after the event of `Last-Event-ID`; without either, with the next event. At most 100 readers can follow at once.',
        }),
      },
      (request, reply) =>
        follow(streams, journal, request.query as Static<typeof StreamQuery>, request.headers['last-event-id'], reply),
    );
  };
}

function newest<T>(events: readonly T[], count: number): readonly T[] {
  return count === 0 ? [] : events.slice(-count);
}

function follow(
  streams: JournalStreams,
  journal: Journal,
  { pace = '0', ...selection }: Static<typeof StreamQuery>,
  lastId: string | string[] | undefined,
  reply: FastifyReply,
): void {
  const query = journalQuery(selection);
  const resumed = typeof lastId === 'string' && /^\d{1,15}$/.test(lastId) ? Number(lastId) : undefined;
  const since = resumed ?? query.since ?? journal.mark();
  streams.assertRoom();
  reply.hijack();
  streams.add(reply.raw, query, since, Math.min(Number(pace), MAX_PACE) * 1000);
}
