import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { readStrictJson, refuseClient, sendNotFound, sendProblem } from '../entra/rest/problem.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { withinDescriptors } from '../lib/descriptor-limit.ts';
import type { Closable } from '../lib/dispose.ts';
import { connectAddress, endpointText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { listenHint } from '../lib/listen-hint.ts';
import type { RandomSource } from '../lib/random.ts';
import { OWN_COMPILERS } from '../lib/schema/index.ts';
import type { MetricsText } from '../metrics/index.ts';
import { type Network, systemNetwork } from '../network/index.ts';
import { dashboardPlugin, linkRoutes } from './dashboard.ts';
import { docsPlugin } from './docs.ts';
import { onlyOwnNames } from './guard.ts';
import { healthPlugin } from './health.ts';
import { LinkCodes } from './link-codes.ts';
import { metricsPlugin } from './metrics.ts';
import { boundPlaces } from './places.ts';
import { requireSecret } from './secret.ts';
import type { AdminRoutes, HealthCheck } from './types.ts';

export interface AdminOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly random: RandomSource;
  /** Clock for dashboard links. Default: the machine's. */
  readonly clock?: Clock;
  /** Source of connections. Default: sockets of this machine. */
  readonly network?: Network;
  readonly check: HealthCheck;
  /** Shown in the API description. */
  readonly version: string;
  /** Host names by which clients reach this machine, in addition to `localhost`. */
  readonly names?: readonly string[];
  /** Most concurrent connections. Default 2000, limited by file descriptors. */
  readonly maxConnections?: number;
  /** Served at `/metrics` without authentication. Default: not served. */
  readonly metrics?: () => Promise<MetricsText>;
  /** Creation time of the report shown instead of a running instance, in milliseconds since the Unix epoch: makes the dashboard read-only. */
  readonly reportedAt?: number;
  /** The resources of the API, each under its own prefix; all require the instance's secret. */
  readonly routes: readonly AdminRoutes[];
}

/** The listener for health probes, REST and the command line. */
export interface AdminServer extends Closable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Grants full access. New at each start; the command line finds it in the state directory. */
  readonly secret: string;
  /** A link that opens the dashboard: valid once, for two minutes. */
  dashboardLink(): string;
  /** Paths that can be read directly: `GET`, without parameters, with an immediate response. @internal */
  readonly answerable: readonly string[];
  /** The response to such a path, if it is JSON. @internal */
  answer(address: string): Promise<unknown>;
}

/** Largest request body, in bytes; routes for whole documents allow more. */
const BODY_LIMIT = 64 * 1024;

/** Timeout for receiving a request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 15_000;

/** Timeout for the head of a request, in milliseconds from the connection. */
const HEADERS_TIMEOUT_MS = 5_000;

/** Most concurrent connections: far more than anyone needs, and a limit on what a flood can occupy. */
const MAX_CONNECTIONS = 2_000;

/** Also limited to a share of the process's file descriptors. */
const DESCRIPTOR_SHARE = 8;

/** Longest name in a URL, in characters: a user name can have 318. */
const MAX_NAME_LENGTH = 1024;

/** Resources without a response to save: streams, files, and data that is saved elsewhere. */
const NOT_KEPT = /^\/api\/(?:journal|capture|report|docs|openapi)/;

/** Reports in `Server-Timing` how long the instance worked on a response, by which the dashboard limits how often it requests one. */
function tellCost(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('server-timing', `app;dur=${reply.elapsedTime.toFixed(2)}`);
  });
}

/** True if this request can have a longer body than usual. */
function mayBeLong({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > BODY_LIMIT;
}

/**
 * Starts the administration listener: plain HTTP, intended for loopback.
 * @throws TunneliteError `ERR_ADMIN_LISTEN`
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const secret = options.random.bytes(32).toString('base64url');
  const codes = new LinkCodes(options.clock ?? systemClock, options.random);
  const dashboardLink = (): string => `${url()}/#code=${codes.issue()}`;
  const routes = [...options.routes, { prefix: '/api/dashboard/links', plugin: linkRoutes(dashboardLink) }];
  const answerable = new Set<string>();
  const server = fastify({
    bodyLimit: BODY_LIMIT,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_NAME_LENGTH },
    // Refuses malformed URLs before routing, so before any handler.
    frameworkErrors: (error, _, reply) => void sendProblem(error, reply),
    schemaController: OWN_COMPILERS,
    clientErrorHandler: refuseClient,
  });
  (options.network ?? systemNetwork).listener(server.server);
  boundPlaces(server.server, options.maxConnections ?? withinDescriptors(MAX_CONNECTIONS, DESCRIPTOR_SHARE));
  // Accepts only JSON: web page forms, which can be sent without a preflight, are not parsed.
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error, _, reply) => sendProblem(error, reply));
  readStrictJson(server);
  server.addHook('onSend', async ({ raw }, reply) => {
    // Otherwise Node would read the rest of an unwanted body, whatever its length.
    if (!raw.complete && mayBeLong(raw)) reply.header('connection', 'close');
  });
  server.setNotFoundHandler(sendNotFound);
  await server.register(healthPlugin(options.check));
  await server.register(async (guarded) => {
    guarded.addHook('onRequest', onlyOwnNames(options.names ?? []));
    if (options.metrics) await guarded.register(metricsPlugin(options.metrics));
    await guarded.register(docsPlugin({ ...options, routes }));
    await guarded.register(dashboardPlugin({ codes, secret, reportedAt: options.reportedAt }));
    await guarded.register(async (secured) => {
      secured.addHook('onRequest', requireSecret(secret));
      tellCost(secured);
      secured.addHook('onRoute', ({ method, url }) => {
        const address = url.replace(/\/$/, '');
        if (method === 'GET' && !/[:*]/.test(url) && !NOT_KEPT.test(url)) answerable.add(address);
      });
      for (const { prefix, plugin } of routes) await secured.register(plugin, { prefix });
    });
  });
  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await server.close();
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new TunneliteError(
      'ERR_ADMIN_LISTEN',
      `The administration listener cannot use port ${options.port} of ${options.host}: ${errorText(cause)}`,
      { ...listenHint(cause), cause, details: { host: options.host, port: options.port } },
    );
  }
  const { port } = server.server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const url = (): string => `http://${endpointText(connectAddress(options.host), port)}`;
  const close = (): Promise<void> => (closing ??= Promise.resolve(server.close()));
  return {
    url: url(),
    host: options.host,
    port,
    secret,
    dashboardLink,
    answerable: [...answerable],
    async answer(address) {
      const host = `localhost:${port}`;
      const headers = { host, authorization: `Bearer ${secret}` };
      const answer = await server.inject({ method: 'GET', url: address, headers });
      const json = answer.statusCode === 200 && /^application\/json/.test(String(answer.headers['content-type']));
      return json ? (answer.json() as unknown) : undefined;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
