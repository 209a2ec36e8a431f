import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify';
import { isTunneliteError } from '../../lib/errors.ts';
import type { TSchema } from '../../lib/schema/index.ts';
import type { Collection } from '../directory/collection.ts';
import type { DirectoryInput } from '../directory/input-types.ts';
import {
  ApplicationSchema,
  ConsentSchema,
  DeviceSchema,
  DirectorySchema,
  PolicySchema,
  ServicePrincipalSchema,
  TenantSchema,
  UserSchema,
} from '../directory/schema.ts';
import type { Tenant, TenantCollection } from '../directory/tenant.ts';
import type { IdentityProvider } from '../provider.ts';
import { controlRoutes } from './control-routes.ts';
import { inputSchema, objectOf, TAGS } from './input-schema.ts';

/** Path of each collection under a tenant, and what its items look like. */
const COLLECTIONS: readonly { path: string; name: TenantCollection; noun: string; schema: TSchema }[] = [
  { path: 'users', name: 'users', noun: 'user', schema: UserSchema },
  { path: 'devices', name: 'devices', noun: 'device', schema: DeviceSchema },
  { path: 'applications', name: 'applications', noun: 'app registration', schema: ApplicationSchema },
  { path: 'service-principals', name: 'servicePrincipals', noun: 'service principal', schema: ServicePrincipalSchema },
  { path: 'consents', name: 'consents', noun: 'consent', schema: ConsentSchema },
  { path: 'policies', name: 'policies', noun: 'Conditional Access policy', schema: PolicySchema },
];

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

/** A whole directory may be large: 16 MB hold tens of thousands of users. */
const MAX_DIRECTORY = 16 * 1024 * 1024;

function tenantRoutes({ directory }: IdentityProvider, app: FastifyInstance): void {
  type ByTenant = { Params: { tenant: string } };
  const schema = (summary: string, body?: TSchema) => ({ schema: { tags: TAGS, summary, ...(body && { body }) } });

  app.get('/tenants', schema('List tenants'), async () => directory.tenants.map(describeTenant));
  app.post(
    '/tenants',
    { ...schema('Add a tenant, with everything in it', inputSchema(TenantSchema)), bodyLimit: MAX_DIRECTORY },
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
    { ...schema('Replace the whole directory', inputSchema(DirectorySchema)), bodyLimit: MAX_DIRECTORY },
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
