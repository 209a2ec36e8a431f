import type { FastifyPluginAsync } from 'fastify';
import { type StubInput, StubSchema } from '../../config/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** A stub, as `GET /api/stubs` shows it. */
export type StubAnswer = Static<typeof StubAnswer>;

/** Operations of the routes: `sim.stubs`. */
export interface StubsPort {
  list(): readonly object[];
  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  get(id: string): object;
  /** @throws TunneliteError `ERR_STUB_INVALID` */
  add(stub: StubInput): object;
  /** @throws TunneliteError `ERR_STUB_UNKNOWN` */
  remove(id: string): { readonly hits: number };
}

const TAG = 'stubs';
const OrNull = () => Type.Union([Type.String(), Type.Null()]);

const StubAnswer = Type.Object({
  id: Type.String(),
  host: OrNull(),
  method: OrNull(),
  path: OrNull(),
  expression: OrNull(),
  status: Type.Integer(),
  sequence: Type.Integer({ description: 'Number of answers that it gives in turn; 0 = always the same one.' }),
  source: Type.Enum(['configuration', 'added']),
  hits: Type.Integer({ description: 'Requests that it answered since the start or the last reset.' }),
});
const StubPath = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the stub.' }) },
  { additionalProperties: false },
);
type ById = Static<typeof StubPath>;

/** `/api/stubs`: custom responses in the mock network. */
export function stubRoutes(stubs: StubsPort): FastifyPluginAsync {
  return async (app) => {
    const List = Type.Object({
      stubs: Type.Array(StubAnswer, { description: 'In the order in which they are tried.' }),
    });
    app.get('/', route(TAG, 'List stubs', { answer: List }), async () => ({ stubs: stubs.list() }));
    app.post(
      '/',
      route(TAG, 'Add a stub, until it is removed or the next reset', {
        body: StubSchema,
        status: 201,
        answer: StubAnswer,
        description: 'It is tried before all others. A host name gets the address of the stub host at once.',
      }),
      async ({ body }, reply) => reply.code(201).send(stubs.add(body as StubInput)),
    );
    app.get(
      '/:id',
      route(TAG, 'Show a stub', { params: StubPath, answer: StubAnswer, refuses: [404] }),
      async ({ params }) => stubs.get((params as ById).id),
    );
    app.delete(
      '/:id',
      route(TAG, 'Remove a stub', {
        params: StubPath,
        answer: Type.Object({ hits: Type.Integer({ description: 'Requests that it answered.' }) }),
        refuses: [404],
      }),
      async ({ params }) => stubs.remove((params as ById).id),
    );
  };
}
