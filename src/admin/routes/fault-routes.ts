import type { FastifyPluginAsync } from 'fastify';
import { FaultRuleSchema } from '../../config/fault-schema.ts';
import type { FaultHandle, FaultRule, FaultStatus } from '../../faults/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** Operations of the routes: `sim.faults`. */
export interface FaultsPort {
  add(rule: FaultRule): FaultHandle;
  list(): readonly FaultStatus[];
  get(name: string): FaultHandle;
  clear(): number;
}

const TAG = 'faults';
const closed = { additionalProperties: false } as const;

const StatusAnswer = Type.Object({
  name: Type.String(),
  rule: Type.Record(Type.String(), Type.Unknown()),
  seen: Type.Integer({ description: 'How often it selected something, whatever happened then.' }),
  hits: Type.Integer({ description: 'How often it struck.' }),
  held: Type.Integer({ description: 'Packets and decisions that it holds now.' }),
  notes: Type.Array(Type.String(), { description: 'Reasons why it may never strike.' }),
});
const StrikeAnswer = Type.Object({
  time: Type.Integer({ description: 'Milliseconds since the Unix epoch.' }),
  kind: Type.String(),
  direction: Type.Optional(Type.String()),
  session: Type.Optional(Type.String()),
  remote: Type.Optional(Type.String()),
  length: Type.Optional(Type.Integer({ description: 'Bytes.' })),
});
const NamePath = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 64, description: 'Name of the rule.' }) },
  closed,
);
const ReleaseBody = Type.Object(
  { count: Type.Optional(Type.Integer({ minimum: 1, description: 'How many, the oldest first. Default: all.' })) },
  closed,
);
const StruckQuery = Type.Object(
  {
    times: Type.Optional(Type.String({ format: 'whole', description: 'Number of strikes to wait for. Default 1.' })),
    timeout: Type.Optional(Type.String({ format: 'seconds', description: 'Seconds to wait, up to 600. Default 10.' })),
  },
  closed,
);
const MAX_WAIT = 600;

/** `/api/faults`: fault rules. */
export function faultRoutes(faults: FaultsPort): FastifyPluginAsync {
  type One = { Params: { name: string } };
  return async (app) => {
    app.get(
      '/',
      route(TAG, 'List fault rules', { answer: Type.Object({ rules: Type.Array(StatusAnswer) }) }),
      async () => ({ rules: faults.list() }),
    );
    app.post(
      '/',
      route(TAG, 'Put a fault rule in force', {
        body: FaultRuleSchema,
        answer: StatusAnswer,
        status: 201,
        refuses: [409],
        code: 'ERR_FAULT_RULE',
        description:
          'docs/reference/faults.md lists seams, kinds and actions. `notes` in the answer has reasons why it may never strike. 409 if the name is taken, or if there are too many rules.',
      }),
      async ({ body }, reply) => reply.code(201).send(faults.add(body as FaultRule).status),
    );
    app.delete(
      '/',
      route(TAG, 'Remove all fault rules', {
        answer: Type.Object({ removed: Type.Integer() }),
        description:
          'Those of the configuration too, until a reset. Packets and decisions that they hold are released.',
      }),
      async () => ({ removed: faults.clear() }),
    );
    app.get<One>(
      '/:name',
      route(TAG, 'Show a fault rule', { params: NamePath, answer: StatusAnswer, refuses: [404] }),
      async ({ params }) => faults.get(params.name).status,
    );
    app.delete<One>(
      '/:name',
      route(TAG, 'Remove a fault rule', {
        params: NamePath,
        answer: StatusAnswer,
        refuses: [404],
        description: 'Returns its last status. Packets and decisions that it holds are released.',
      }),
      async ({ params }) => {
        const rule = faults.get(params.name);
        const { status } = rule;
        rule.remove();
        return status;
      },
    );
    app.get<One>(
      '/:name/events',
      route(TAG, 'The last thousand times that a rule struck, oldest first', {
        params: NamePath,
        refuses: [404],
        answer: Type.Object({ events: Type.Array(StrikeAnswer) }),
      }),
      async ({ params }) => ({ events: faults.get(params.name).events() }),
    );
    app.get<One>(
      '/:name/struck',
      route(TAG, 'Wait until a rule has struck', {
        params: NamePath,
        query: StruckQuery,
        answer: StatusAnswer,
        refuses: [404, 408],
        description: 'Returns its status as soon as it has; 408 if it did not in time.',
      }),
      async ({ params, query }, reply) => {
        const { times = '1', timeout = '10' } = query as Static<typeof StruckQuery>;
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const rule = faults.get(params.name);
        await rule.struck(Number(times), {
          timeout: Math.min(Number(timeout), MAX_WAIT) * 1000,
          signal: gone.signal,
        });
        return rule.status;
      },
    );
    app.post<One>(
      '/:name/release',
      route(TAG, 'Release what a rule holds', {
        params: NamePath,
        body: ReleaseBody,
        refuses: [404],
        answer: Type.Object({ released: Type.Integer() }),
      }),
      async ({ params, body }) => ({
        released: faults.get(params.name).release((body as Static<typeof ReleaseBody>).count),
      }),
    );
  };
}
