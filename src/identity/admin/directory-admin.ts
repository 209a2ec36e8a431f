import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify';
import { isTunneliteError } from '../../lib/errors.ts';
import { type TSchema, Type } from '../../lib/schema/index.ts';
import type { Collection } from '../directory/collection.ts';
import {
  ApplicationSchema,
  ConsentSchema,
  DeviceSchema,
  type DirectoryInput,
  DirectorySchema,
  PolicySchema,
  ServicePrincipalSchema,
  TenantSchema,
  UserSchema,
} from '../directory/schema.ts';
import type { Tenant, TenantCollection } from '../directory/tenant.ts';
import { ENDPOINTS, type Endpoint, type Outage } from '../provider/outages.ts';
import { type FailNext, OVERRIDE_ENDPOINTS } from '../provider/overrides.ts';
import type { IdentityProvider } from '../provider/provider.ts';
import type { TestTokenRequest } from '../provider/test-token.ts';
import { inputSchema } from './input-schema.ts';

const TAGS = ['identity'];

/** Path of each collection under a tenant, and what its items look like. */
const COLLECTIONS: readonly { path: string; name: TenantCollection; noun: string; schema: TSchema }[] = [
  { path: 'users', name: 'users', noun: 'user', schema: UserSchema },
  { path: 'devices', name: 'devices', noun: 'device', schema: DeviceSchema },
  { path: 'applications', name: 'applications', noun: 'app registration', schema: ApplicationSchema },
  { path: 'service-principals', name: 'servicePrincipals', noun: 'service principal', schema: ServicePrincipalSchema },
  { path: 'consents', name: 'consents', noun: 'consent', schema: ConsentSchema },
  { path: 'policies', name: 'policies', noun: 'Conditional Access policy', schema: PolicySchema },
];

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

/**
 * Everything of the mock Entra ID that can be changed at run time, as REST. To be mounted under a prefix of the
 * administration API; it brings no authentication of its own.
 *
 * @example
 * ```ts
 * await admin.register(directoryAdmin(sim.identity), { prefix: '/api/identity' });
 * // POST /api/identity/failures {"user":"alice@contoso.com","code":50076}
 * ```
 */
export function directoryAdmin(idp: IdentityProvider): FastifyPluginAsync {
  return async (app) => {
    // The directory checks what it is given itself and explains each mistake; the schemas here are for the API's description.
    app.setValidatorCompiler(() => () => true);
    app.setErrorHandler((error, _, reply) => sendProblem(error, reply));
    tenantRoutes(idp, app);
    for (const collection of COLLECTIONS) collectionRoutes(idp, app, collection);
    controlRoutes(idp, app);
  };
}

const STATUS = new Map<string, number>([
  ['ERR_IDENTITY_NOT_FOUND', 404],
  ['ERR_IDENTITY_EXISTS', 409],
  ['ERR_IDENTITY_DIRECTORY_INVALID', 400],
  ['ERR_IDENTITY_OVERRIDE', 400],
]);

function sendProblem(error: unknown, reply: FastifyReply): FastifyReply {
  const status = isTunneliteError(error) ? STATUS.get(error.code) : undefined;
  if (!isTunneliteError(error) || status === undefined) throw error;
  const { code, message, hint, details } = error;
  return reply.code(status).send({ error: { code, message, hint, details } });
}

/** What is shown of an object: all but what is secret. */
function withoutSecrets<T extends object>(item: T): object {
  const { password: _, secrets, ...rest } = item as { password?: string; secrets?: { expires?: string }[] };
  return { ...rest, ...(secrets && { secrets: secrets.map(({ expires }) => ({ expires })) }) };
}

function describeTenant(tenant: Tenant): object {
  const counts = Object.fromEntries(COLLECTIONS.map(({ name }) => [name, tenant[name].size]));
  return { id: tenant.id, ...tenant.settings, counts };
}

function tenantRoutes({ directory }: IdentityProvider, app: FastifyInstance): void {
  type ByTenant = { Params: { tenant: string } };
  const schema = (summary: string, body?: TSchema) => ({ schema: { tags: TAGS, summary, ...(body && { body }) } });

  app.get('/tenants', schema('List tenants'), async () => directory.tenants.map(describeTenant));
  app.post(
    '/tenants',
    schema('Add a tenant, with everything in it', inputSchema(TenantSchema)),
    async (request, reply) => {
      reply.code(201);
      return describeTenant(directory.addTenant(request.body));
    },
  );
  app.get<ByTenant>('/tenants/:tenant', schema('Show a tenant, by GUID or domain'), async ({ params }) =>
    describeTenant(directory.tenant(params.tenant)),
  );
  app.patch<ByTenant>(
    '/tenants/:tenant',
    schema('Change settings of a tenant', inputSchema(TenantSchema, true)),
    async ({ params, body }) => describeTenant(directory.updateTenant(params.tenant, objectOf(body))),
  );
  app.delete<ByTenant>('/tenants/:tenant', schema('Remove a tenant'), async ({ params }, reply) => {
    directory.removeTenant(params.tenant);
    return reply.code(204).send();
  });
  app.get('/directory', schema('Export the whole directory, passwords and secrets included'), async () =>
    directory.export(),
  );
  app.put(
    '/directory',
    schema('Replace the whole directory', inputSchema(DirectorySchema)),
    async ({ body }, reply) => {
      directory.load(body as DirectoryInput);
      return reply.code(204).send();
    },
  );
}

function collectionRoutes(
  { directory }: IdentityProvider,
  app: FastifyInstance,
  { path, name, noun, schema }: (typeof COLLECTIONS)[number],
): void {
  type One = { Params: { tenant: string; key: string } };
  const list = `/tenants/:tenant/${path}`;
  const one = `${list}/:key`;
  const of = (params: { tenant: string }): Collection<object> =>
    directory.tenant(params.tenant)[name] as unknown as Collection<object>;
  const route = (summary: string, body?: TSchema) => ({ schema: { tags: TAGS, summary, ...(body && { body }) } });

  app.get<One>(list, route(`List each ${noun}`), async ({ params }) => [...of(params)].map(withoutSecrets));
  app.post<One>(list, route(`Add a ${noun}`, inputSchema(schema)), async ({ params, body }, reply) => {
    reply.code(201);
    return withoutSecrets(of(params).add(body));
  });
  app.get<One>(one, route(`Show a ${noun}`), async ({ params }) => withoutSecrets(of(params).get(params.key)));
  app.put<One>(one, route(`Replace a ${noun}`, inputSchema(schema)), async ({ params, body }) =>
    withoutSecrets(of(params).replace(params.key, objectOf(body))),
  );
  app.patch<One>(
    one,
    route(`Change members of a ${noun}; null removes one`, inputSchema(schema, true)),
    async ({ params, body }) => withoutSecrets(of(params).update(params.key, objectOf(body))),
  );
  app.delete<One>(one, route(`Remove a ${noun}`), async ({ params }, reply) => {
    of(params).remove(params.key);
    return reply.code(204).send();
  });
}

function controlRoutes(idp: IdentityProvider, app: FastifyInstance): void {
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

function objectOf(body: unknown): object {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {};
}
