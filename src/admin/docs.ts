import { type FastifyInstance, type FastifyPluginAsync, type FastifySchema, fastify } from 'fastify';
import { asWritten } from '../config/index.ts';
import { sendNotFound } from '../entra/rest/problem.ts';
import { refusal } from '../lib/schema/index.ts';
import type { AdminRoutes } from './types.ts';

/** The parts of the listener that the OpenAPI document describes. */
interface DocsOptions {
  readonly routes: readonly AdminRoutes[];
  readonly version: string;
}

const TAGS = [
  { name: 'status', description: 'The instance and its addresses.' },
  { name: 'sessions', description: 'Who is connected.' },
  { name: 'explain', description: 'What a client did, and why.' },
  { name: 'journal', description: 'What happened, as typed events.' },
  { name: 'clock', description: 'The time for tokens, sessions and certificates.' },
  { name: 'faults', description: 'Fault rules and network profiles.' },
  { name: 'reset', description: 'Restores the state of the start.' },
  { name: 'gateway', description: 'Restart and drain.' },
  { name: 'directory', description: 'The built-in Entra ID: tenants, users, apps, keys.' },
  { name: 'failures', description: 'Requests to Entra ID that are to fail.' },
  { name: 'outages', description: 'Endpoints of Entra ID that are disturbed.' },
  { name: 'tokens', description: 'Tokens without a sign-in, valid or deliberately wrong.' },
  { name: 'resources', description: 'What is behind the gateway.' },
  { name: 'access', description: 'Rules for who may reach what.' },
  { name: 'stubs', description: 'Custom responses in the mock network.' },
  { name: 'capture', description: 'Packets for Wireshark, with the keys to decrypt them.' },
  { name: 'config', description: 'The configuration.' },
  { name: 'intune', description: 'Policies, profiles, groups, sites and server configurations.' },
  { name: 'process', description: 'CPU time and memory of the process.' },
  { name: 'dashboard', description: 'Links that open the dashboard.' },
];

/**
 * `/api/openapi.json` and `/api/docs`: the OpenAPI document and Swagger UI. Created on the first request, so that
 * they do not slow down the start. They contain no secret and require none.
 */
export function docsPlugin(options: DocsOptions): FastifyPluginAsync {
  return async (app) => {
    let made: Promise<FastifyInstance> | undefined;
    const description = (): Promise<FastifyInstance> => (made ??= describe(options));
    app.addHook('onClose', async () => {
      if (made) await (await made).close();
    });
    const hidden = { schema: { hide: true } };
    for (const url of ['/api/openapi.json', '/api/docs', '/api/docs/*']) {
      app.get(url, hidden, async (request, reply) => {
        const answer = await (await description()).inject({ method: 'GET', url: request.url });
        if (answer.statusCode === 404) return sendNotFound(request, reply);
        reply.code(answer.statusCode);
        for (const name of ['content-type', 'location', 'cache-control', 'etag', 'content-security-policy'] as const) {
          const value = answer.headers[name];
          if (value !== undefined) reply.header(name, value);
        }
        return reply.send(answer.rawPayload);
      });
    }
  };
}

/** The same routes on a server without a listener, with the plugin that describes them. */
async function describe({ routes, version }: DocsOptions): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  const app = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tunnelite',
        version,
        description:
          'A running Tunnelite: sessions, journal, clock, directory and faults. Every request needs the secret of the instance, which ' +
          '`tunnelite status --secret` prints.',
      },
      tags: TAGS,
      components: { securitySchemes: { secret: { type: 'http', scheme: 'bearer' } } },
      security: [{ secret: [] }],
    },
    transform: ({ schema, url, route }) => ({
      schema: schema === undefined ? schema : described(schema, operationId(String(route.method), url)),
      url: url.length > 1 ? url.replace(/\/$/, '') : url,
    }),
  });
  for (const { prefix, plugin } of routes) await app.register(plugin, { prefix });
  await app.register(swaggerUi, { routePrefix: '/api/docs', uiConfig: { persistAuthorization: false } });
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => withOptionalBodies(app.swagger()));
  await app.ready();
  return app;
}

/** Adds what the listener does for all its routes. */
function described(schema: FastifySchema, operationId: string): FastifySchema {
  const response = { ...(schema.response as object), 401: refusal(401), 403: refusal(403) };
  const body = schema.body === undefined ? {} : { body: asWritten(schema.body) };
  return { operationId, ...schema, ...body, response };
}

interface Body {
  required?: boolean;
  readonly content: Readonly<Record<string, { readonly schema?: { readonly required?: readonly string[] } }>>;
}

/** A body can be left out where an empty one is valid: the listener reads none as an empty one. */
function withOptionalBodies(document: object): object {
  const { paths = {} } = document as { paths?: Record<string, Record<string, { requestBody?: Body }>> };
  for (const { requestBody } of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    const members = requestBody?.content['application/json']?.schema?.required ?? [];
    if (requestBody && members.length === 0) requestBody.required = false;
  }
  return document;
}

/** `getSessionsById` for `GET /api/sessions/:id`: an operation ID for generated clients. */
function operationId(method: string, url: string): string {
  const words = url
    .replace(/^\/api/, '')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `by-${part.slice(1)}` : part));
  return [method.toLowerCase(), ...words]
    .join('-')
    .replaceAll(/-+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
}
