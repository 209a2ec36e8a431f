import type { FastifyInstance } from 'fastify';
import { TunneliteError } from '../../lib/errors.ts';
import { NOTHING, type Static, Type } from '../../lib/schema/index.ts';
import { ENDPOINTS, type Endpoint, EndpointSchema, type Outage, OutageSchema } from '../context/outages.ts';
import { type FailNext, FailureSchema } from '../context/overrides.ts';
import type { IdentityControls } from './identity-controls.ts';
import { route } from './route.ts';
import { TestTokenSchema } from './token-schema.ts';

const OVERRIDE = 'ERR_IDENTITY_OVERRIDE';

/** Path of one outage. */
const OutagePath = Type.Object(
  { endpoint: { ...EndpointSchema, description: 'Endpoint of Entra ID.' } },
  { additionalProperties: false },
);

/** Path of one requested failure. */
const FailurePath = Type.Object(
  { id: Type.String({ format: 'failure-id', description: 'Id of the ordered failure.' }) },
  { additionalProperties: false },
);

const UserPath = Type.Object(
  {
    tenant: Type.String({ description: 'GUID of the tenant, or one of its domains.' }),
    user: Type.String({ description: 'Object id or user principal name.' }),
  },
  { additionalProperties: false },
);

const KeyAnswer = Type.Object({ kid: Type.String({ description: 'Id of the new key.' }) });

/** Sign-in sessions, keys, test tokens. */
export function directoryControlRoutes(idp: IdentityControls, app: FastifyInstance): void {
  app.post<{ Params: { tenant: string; user: string } }>(
    '/tenants/:tenant/users/:user/revoke-sessions',
    route('End every sign-in of a user: refresh fails with 50173', {
      params: UserPath,
      body: NOTHING,
      refuses: [404],
    }),
    async ({ params }, reply) => {
      idp.revokeSessions(params.user, params.tenant);
      return reply.code(204).send();
    },
  );
  app.post(
    '/keys/rotate',
    route('Sign with a new key; the old one stays published', { body: NOTHING, answer: KeyAnswer }),
    async () => ({ kid: (await idp.keys.rotate()).kid }),
  );
  app.post(
    '/keys/emergency-rotate',
    route('Sign with a new key, and remove all others at once', { body: NOTHING, answer: KeyAnswer }),
    async () => ({ kid: (await idp.keys.emergencyRotate()).kid }),
  );
  app.post(
    '/tokens',
    route('Issue a token without a sign-in', {
      body: TestTokenSchema,
      answer: Type.Object({ access_token: Type.String() }),
      refuses: [404],
    }),
    async ({ body }) => ({ access_token: await idp.accessToken(body as Static<typeof TestTokenSchema>) }),
  );
  app.post(
    '/reset',
    route('Remove codes, refresh tokens, sessions, ordered failures and outages', { body: NOTHING }),
    async (_, reply) => {
      idp.reset();
      return reply.code(204).send();
    },
  );
}

/** Requested failures. */
export function failureRoutes(idp: IdentityControls, app: FastifyInstance): void {
  app.get(
    '/',
    route(
      'List failures that wait for their request',
      { answer: Type.Array(Type.Record(Type.String(), Type.Unknown())) },
      'failures',
    ),
    async () => idp.overrides.list(),
  );
  app.post(
    '/',
    route(
      'Let the next request fail',
      {
        body: FailureSchema,
        status: 201,
        answer: Type.Object({ id: Type.Integer({ description: 'Id of the ordered failure.' }) }),
        code: OVERRIDE,
      },
      'failures',
    ),
    async ({ body }, reply) => {
      reply.code(201);
      return { id: idp.failNext(body as FailNext) };
    },
  );
  app.delete('/', route('Remove all ordered failures', {}, 'failures'), async (_, reply) => {
    idp.overrides.clear();
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>(
    '/:id',
    route('Remove an ordered failure', { params: FailurePath, refuses: [404] }, 'failures'),
    async ({ params: { id } }, reply) => {
      if (idp.overrides.remove(Number(id))) return reply.code(204).send();
      throw new TunneliteError('ERR_IDENTITY_NOT_FOUND', `There is no ordered failure ${id}.`, {
        hint: 'GET /api/failures lists those that still wait for their request.',
      });
    },
  );
}

/** Disturbed endpoints. */
export function outageRoutes(idp: IdentityControls, app: FastifyInstance): void {
  app.get(
    '/',
    route(
      'List disturbed endpoints',
      {
        answer: Type.Object({
          endpoints: Type.Array(Type.String(), { description: 'All endpoints that can be disturbed.' }),
          active: Type.Record(Type.String(), Type.Unknown(), { description: 'The current disturbances, by endpoint.' }),
        }),
      },
      'outages',
    ),
    async () => ({
      endpoints: ENDPOINTS,
      active: idp.outages.list(),
    }),
  );
  app.put<{ Params: { endpoint: string } }>(
    '/:endpoint',
    route('Disturb an endpoint', { params: OutagePath, body: OutageSchema, code: OVERRIDE }, 'outages'),
    async ({ params, body }, reply) => {
      idp.disturb(params.endpoint as Endpoint, body as Outage);
      return reply.code(204).send();
    },
  );
  app.delete<{ Params: { endpoint: string } }>(
    '/:endpoint',
    route('End a disturbance', { params: OutagePath, code: OVERRIDE }, 'outages'),
    async ({ params }, reply) => {
      idp.outages.clear(params.endpoint as Endpoint);
      return reply.code(204).send();
    },
  );
}
