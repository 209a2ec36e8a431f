import type { FastifyInstance } from 'fastify';
import { type TSchema, Type } from '../../lib/schema/index.ts';
import { ENDPOINTS, type Endpoint, type Outage } from '../oauth/outages.ts';
import { type FailNext, OVERRIDE_ENDPOINTS } from '../oauth/overrides.ts';
import type { TestTokenRequest } from '../oauth/test-token.ts';
import type { IdentityProvider } from '../provider.ts';
import { objectOf, TAGS } from './input-schema.ts';

const FailureSchema = Type.Object(
  {
    code: Type.Integer({ description: 'AADSTS number.' }),
    user: Type.Optional(Type.String({ description: 'User name or object id; anyone when left out.' })),
    client: Type.Optional(Type.String({ description: 'Client id; any when left out.' })),
    endpoint: Type.Optional(Type.String({ enum: [...OVERRIDE_ENDPOINTS], description: 'Default `token`.' })),
    times: Type.Optional(Type.Integer({ minimum: 1, description: 'How many requests fail. Default 1.' })),
    suberror: Type.Optional(Type.String()),
    claims: Type.Optional(Type.String({ description: 'JSON text.' })),
  },
  { additionalProperties: false },
);

const OutageSchema = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, description: 'Answer with this status.' })),
    retryAfter: Type.Optional(Type.Integer({ minimum: 0, description: '`Retry-After`, seconds.' })),
    delay: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 600_000, description: 'Milliseconds before the answer.' }),
    ),
    body: Type.Optional(Type.String({ maxLength: 100_000, description: 'Send this instead of the answer.' })),
    drop: Type.Optional(Type.Boolean({ description: 'Close the connection without an answer.' })),
    times: Type.Optional(Type.Integer({ minimum: 1, description: 'How many requests; until cleared when left out.' })),
  },
  { additionalProperties: false },
);

/** Ordered failures, outages, sessions, keys, test tokens. */
export function controlRoutes(idp: IdentityProvider, app: FastifyInstance): void {
  const route = (summary: string, body?: TSchema) => ({ schema: { tags: TAGS, summary, ...(body && { body }) } });

  app.post<{ Params: { tenant: string; user: string } }>(
    '/tenants/:tenant/users/:user/revoke-sessions',
    route('End every sign-in of a user: refresh fails with 50173'),
    async ({ params }, reply) => {
      idp.revokeSessions(params.user, params.tenant);
      return reply.code(204).send();
    },
  );
  app.get('/failures', route('List failures that wait for their request'), async () => idp.overrides.list());
  app.post('/failures', route('Let the next request fail', FailureSchema), async ({ body }, reply) => {
    reply.code(201);
    return { id: idp.failNext(objectOf(body) as unknown as FailNext) };
  });
  app.delete('/failures', route('Forget all ordered failures'), async (_, reply) => {
    idp.overrides.clear();
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>(
    '/failures/:id',
    route('Forget one ordered failure'),
    async ({ params }, reply) => reply.code(idp.overrides.remove(Number(params.id)) ? 204 : 404).send(),
  );
  app.get('/outages', route('List disturbed endpoints'), async () => ({
    endpoints: ENDPOINTS,
    active: idp.outages.list(),
  }));
  app.put<{ Params: { endpoint: string } }>(
    '/outages/:endpoint',
    route('Disturb an endpoint', OutageSchema),
    async ({ params, body }, reply) => {
      idp.disturb(params.endpoint as Endpoint, objectOf(body) as Outage);
      return reply.code(204).send();
    },
  );
  app.delete<{ Params: { endpoint: string } }>(
    '/outages/:endpoint',
    route('End a disturbance'),
    async ({ params }, reply) => {
      idp.outages.clear(params.endpoint as Endpoint);
      return reply.code(204).send();
    },
  );
  app.post('/keys/rotate', route('Sign with a new key; the old one stays published'), async () => {
    return { kid: (await idp.keys.rotate()).kid };
  });
  app.post('/keys/emergency-rotate', route('Sign with a new key; all others are gone at once'), async () => {
    return { kid: (await idp.keys.emergencyRotate()).kid };
  });
  app.post('/tokens', route('Make a test token without sign-in'), async ({ body }) => {
    return { access_token: await idp.accessToken((body ?? {}) as TestTokenRequest) };
  });
  app.post('/reset', route('Forget codes, tokens, sessions, ordered failures and outages'), async (_, reply) => {
    idp.reset();
    return reply.code(204).send();
  });
}
