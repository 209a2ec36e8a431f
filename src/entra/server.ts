import type { Server } from 'node:net';
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import { OWN_COMPILERS } from '../lib/schema/index.ts';
import type { Network } from '../network/index.ts';
import type { Emit } from '../telemetry/events.ts';
import {
  CONNECTION_DESCRIPTOR_SHARE,
  FULL_REPORT_MS,
  HTTP_TIMEOUTS,
  MAX_BODY,
  MAX_CONNECTIONS,
} from './context/constants.ts';

export interface ServerOptions {
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Milliseconds. */
  readonly timeouts?: Partial<Record<keyof typeof HTTP_TIMEOUTS, number>> | undefined;
  readonly clock: Clock;
  readonly network: Network;
  readonly emit: Emit;
}

/** A server whose certificate can be replaced. */
export type HttpsServer = FastifyInstance & {
  /** Serves another certificate from now on; open connections keep theirs. */
  useCertificate(tls: { readonly cert: string; readonly key: string }): void;
};

const MIN_VERSION = 'TLSv1.2';

/** The HTTPS server, with limits on time and size. Closing it also closes its connections. */
export async function createServer(options: ServerOptions, plugin: FastifyPluginAsync): Promise<HttpsServer> {
  const timeouts = { ...HTTP_TIMEOUTS, ...options.timeouts };
  const server = fastify({
    https: {
      ...options.tls,
      minVersion: MIN_VERSION,
      headersTimeout: timeouts.headers,
      connectionsCheckingInterval: 1000,
    },
    bodyLimit: MAX_BODY,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    connectionTimeout: timeouts.idle,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 300, caseSensitive: false },
    rewriteUrl: ({ url = '/' }) => decodable(url),
    exposeHeadRoutes: true,
    logger: false,
    schemaController: OWN_COMPILERS,
  });
  capConnections(options.network.listener(server.server), options);
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: 'not_found',
      error_description: `There is no endpoint at ${request.url.split('?')[0]}. The endpoints of a tenant are listed at /{tenant}/v2.0/.well-known/openid-configuration.`,
    }),
  );
  await server.register(plugin);
  const useCertificate: HttpsServer['useCertificate'] = ({ cert, key }) =>
    server.server.setSecureContext({ cert, key, minVersion: MIN_VERSION });
  return Object.assign(server as unknown as FastifyInstance, { useCertificate });
}

/**
 * Makes a URL decodable: if any percent sign of the path is not an escape, treats them all literally, so that the handler below
 * that path can reject it in the format of its API.
 */
function decodable(url: string): string {
  const [path = ''] = url.split('?', 1);
  if (!path.includes('%')) return url;
  try {
    decodeURIComponent(path);
    return url;
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length);
  }
}

/** Closes connections over the limit and reports them: the first at once, then at most every ten seconds. */
function capConnections(server: Server, { clock, emit }: ServerOptions): void {
  const limit = withinDescriptors(MAX_CONNECTIONS, CONNECTION_DESCRIPTOR_SHARE);
  let count = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  server.maxConnections = limit;
  server.on('drop', () => {
    count++;
    const now = clock.monotonic();
    if (now - toldAt < FULL_REPORT_MS) return;
    emit('identity.connections.refused', { limit, count });
    toldAt = now;
    count = 0;
  });
}
