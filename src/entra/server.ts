import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import { HTTP_TIMEOUTS, MAX_BODY } from './oauth/constants.ts';

export interface ServerOptions {
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Milliseconds. */
  readonly timeouts?: Partial<Record<keyof typeof HTTP_TIMEOUTS, number>> | undefined;
}

/** The HTTPS server: bounded in time and size, closed for good when it is closed. */
export async function createServer(options: ServerOptions, plugin: FastifyPluginAsync): Promise<FastifyInstance> {
  const timeouts = { ...HTTP_TIMEOUTS, ...options.timeouts };
  const server = fastify({
    https: {
      ...options.tls,
      minVersion: 'TLSv1.2',
      headersTimeout: timeouts.headers,
      connectionsCheckingInterval: 1000,
    },
    bodyLimit: MAX_BODY,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionTimeout: timeouts.idle,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300, caseSensitive: false },
    exposeHeadRoutes: true,
    logger: false,
  });
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: 'not_found',
      error_description: `There is no endpoint at ${request.url.split('?')[0]}. Those of a tenant are listed at /{tenant}/v2.0/.well-known/openid-configuration.`,
    }),
  );
  await server.register(plugin);
  return server as unknown as FastifyInstance;
}
