import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { patchSchema, type TSchema, Type } from '../../lib/schema/index.ts';
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
import { directoryControlRoutes, failureRoutes, outageRoutes } from './control-routes.ts';
import type { IdentityControls } from './identity-controls.ts';
import { readStrictJson, sendProblem } from './problem.ts';
import { route } from './route.ts';

/** Path of each collection under a tenant, and the schema of its items. */
const COLLECTIONS: readonly { path: string; name: TenantCollection; noun: string; schema: TSchema }[] = [
  { path: 'users', name: 'users', noun: 'user', schema: UserSchema },
  { path: 'devices', name: 'devices', noun: 'device', schema: DeviceSchema },
  { path: 'applications', name: 'applications', noun: 'app registration', schema: ApplicationSchema },
  { path: 'service-principals', name: 'servicePrincipals', noun: 'service principal', schema: ServicePrincipalSchema },
  { path: 'consents', name: 'consents', noun: 'consent', schema: ConsentSchema },
  { path: 'policies', name: 'policies', noun: 'Conditional Access policy', schema: PolicySchema },
];

/**
 * The runtime API of the mock Entra ID as REST: `/directory`, `/failures`, `/outages`, under a prefix
 * of your choice. It has no authentication of its own.
 *
 * @example
 * ```ts
 * await admin.register(directoryAdmin(sim.identity), { prefix: '/api' });
 * // POST /api/failures {"user":"alice@contoso.com","code":50076}
 * ```
 */
export function directoryAdmin(idp: IdentityControls): FastifyPluginAsync {
  return async (app) => {
    readStrictJson(app);
    app.setErrorHandler((error, _, reply) => sendProblem(error, reply));
    await app.register(
      async (inner) => {
        tenantRoutes(idp, inner);
        for (const collection of COLLECTIONS) collectionRoutes(idp, inner, collection);
        directoryControlRoutes(idp, inner);
      },
      { prefix: '/directory' },
    );
    await app.register(async (inner) => failureRoutes(idp, inner), { prefix: '/failures' });
    await app.register(async (inner) => outageRoutes(idp, inner), { prefix: '/outages' });
  };
}

const INVALID = 'ERR_IDENTITY_DIRECTORY_INVALID';

const closed = { additionalProperties: false } as const;
const tenantName = Type.String({ description: 'GUID of the tenant, or one of its domains.' });
const TenantPath = Type.Object({ tenant: tenantName }, closed);
const Members = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });
const TenantAnswer = Members(
  'Id and settings of the tenant; `counts`: the number of items in each of its collections.',
);

/** The visible members of an object: everything except secrets. */
function withoutSecrets<T extends object>(item: T): object {
  const { password: _, secrets, ...rest } = item as { password?: string; secrets?: { expires?: string }[] };
  return { ...rest, ...(secrets && { secrets: secrets.map(({ expires }) => ({ expires })) }) };
}

function describeTenant(tenant: Tenant): object {
  const counts = Object.fromEntries(COLLECTIONS.map(({ name }) => [name, tenant[name].size]));
  return { id: tenant.id, ...tenant.settings, counts };
}

/** The editable members of a tenant. Collections are included only to refuse them with a specific message. */
const TenantChanges = patchSchema(TenantSchema, { removable: false });

/** A whole directory can be large: 16 MB hold tens of thousands of users. */
const MAX_DIRECTORY = 16 * 1024 * 1024;

function tenantRoutes({ directory }: IdentityControls, app: FastifyInstance): void {
  type ByTenant = { Params: { tenant: string } };

  app.get('/tenants', route('List tenants', { answer: Type.Array(TenantAnswer) }), async () =>
    directory.tenants.map(describeTenant),
  );
  app.post(
    '/tenants',
    {
      ...route('Add a tenant, with everything in it', {
        body: TenantSchema,
        status: 201,
        answer: TenantAnswer,
        refuses: [409],
        code: INVALID,
      }),
      bodyLimit: MAX_DIRECTORY,
    },
    async (request, reply) => {
      reply.code(201);
      return describeTenant(directory.addTenant(request.body));
    },
  );
  app.get<ByTenant>(
    '/tenants/:tenant',
    route('Show a tenant', { params: TenantPath, answer: TenantAnswer, refuses: [404] }),
    async ({ params }) => describeTenant(directory.tenant(params.tenant)),
  );
  app.patch<ByTenant>(
    '/tenants/:tenant',
    route('Change settings of a tenant', {
      params: TenantPath,
      body: TenantChanges,
      answer: TenantAnswer,
      refuses: [404, 409],
      code: INVALID,
    }),
    async ({ params, body }) => describeTenant(directory.updateTenant(params.tenant, body as object)),
  );
  app.delete<ByTenant>(
    '/tenants/:tenant',
    route('Remove a tenant, unless it is the last', { params: TenantPath, refuses: [404] }),
    async ({ params }, reply) => {
      directory.removeTenant(params.tenant);
      return reply.code(204).send();
    },
  );
  app.get(
    '/',
    route('Export the whole directory, including passwords and secrets', {
      answer: Members('As in the configuration: `identity.directory`.'),
    }),
    async () => directory.export(),
  );
  app.put(
    '/',
    {
      ...route('Replace the whole directory', { body: DirectorySchema, refuses: [409], code: INVALID }),
      bodyLimit: MAX_DIRECTORY,
    },
    async ({ body }, reply) => {
      directory.load(body as DirectoryInput);
      return reply.code(204).send();
    },
  );
}

const article = (noun: string): string => `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;

function collectionRoutes(
  { directory }: IdentityControls,
  app: FastifyInstance,
  { path, name, noun, schema }: (typeof COLLECTIONS)[number],
): void {
  type One = { Params: { tenant: string; key: string } };
  const list = `/tenants/:tenant/${path}`;
  const one = `${list}/:key`;
  const of = (params: { tenant: string }): Collection<object> =>
    directory.tenant(params.tenant)[name] as unknown as Collection<object>;
  const changes = patchSchema(schema, { removable: true });
  const key = Type.String({ description: `Id or name of the ${noun}.` });
  const OnePath = Type.Object({ tenant: tenantName, key }, closed);
  const answer = Members(`Members of the ${noun}, without passwords and secrets.`);

  app.get<One>(
    list,
    route(`List each ${noun}`, { params: TenantPath, answer: Type.Array(answer), refuses: [404] }),
    async ({ params }) => [...of(params)].map(withoutSecrets),
  );
  app.post<One>(
    list,
    route(`Add ${article(noun)}`, {
      params: TenantPath,
      body: schema,
      status: 201,
      answer,
      refuses: [404, 409],
      code: INVALID,
    }),
    async ({ params, body }, reply) => {
      reply.code(201);
      return withoutSecrets(of(params).add(body));
    },
  );
  app.get<One>(one, route(`Show ${article(noun)}`, { params: OnePath, answer, refuses: [404] }), async ({ params }) =>
    withoutSecrets(of(params).get(params.key)),
  );
  app.put<One>(
    one,
    route(`Replace ${article(noun)}`, {
      params: OnePath,
      body: schema,
      answer,
      refuses: [404, 409],
      code: INVALID,
    }),
    async ({ params, body }) => withoutSecrets(of(params).replace(params.key, body as object)),
  );
  app.patch<One>(
    one,
    route(`Change members of ${article(noun)}; null removes one`, {
      params: OnePath,
      body: changes,
      answer,
      refuses: [404, 409],
      code: INVALID,
    }),
    async ({ params, body }) => withoutSecrets(of(params).update(params.key, body as object)),
  );
  app.delete<One>(
    one,
    route(`Remove ${article(noun)}`, { params: OnePath, refuses: [404] }),
    async ({ params }, reply) => {
      of(params).remove(params.key);
      return reply.code(204).send();
    },
  );
}
