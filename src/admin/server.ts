import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
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
  /** 0 = any free one. */
  readonly port: number;
  readonly random: RandomSource;
  /** What links to the dashboard go by; the machine's when left out. */
  readonly clock?: Clock;
  /** Where connections come from; the machine's sockets when left out. */
  readonly network?: Network;
  readonly check: HealthCheck;
  /** Shown in the description of the API. */
  readonly version: string;
  /** Names of this machine that its clients use, beside `localhost`. */
  readonly names?: readonly string[];
  /** Connections at once; default 2000, within what file descriptors allow. */
  readonly maxConnections?: number;
  /** Served at `/metrics`, without the secret; left out: nothing is there. */
  readonly metrics?: () => Promise<MetricsText>;
  /** When the report was made that is shown instead of a running instance, in milliseconds since the Unix epoch: the dashboard changes nothing. */
  readonly reportedAt?: number;
  /** The nouns of the API, each under a prefix of its own; all need the instance's secret. */
  readonly routes: readonly AdminRoutes[];
}

/** The listener for health probes, REST and the command line's own requests. */
export interface AdminServer extends Closable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Lets its holder do everything. New at each start; the command line finds it in the state directory. */
  readonly secret: string;
  /** A link that opens the dashboard: good once, and for two minutes. */
  dashboardLink(): string;
  /** Addresses that can be read as they are: `GET`, without a parameter, and answered at once. @internal */
  readonly answerable: readonly string[];
  /** What is answered there, if that is JSON. @internal */
  answer(address: string): Promise<unknown>;
}

/** Bytes of a request's body; routes that take whole documents allow more. */
const BODY_LIMIT = 64 * 1024;

/** Milliseconds for a request to arrive. */
const REQUEST_TIMEOUT_MS = 15_000;

/** Milliseconds for its head to arrive, from when the connection was made. */
const HEADERS_TIMEOUT_MS = 5_000;

/** Connections at once: far more than anyone uses, and a bound on what a flood of them can hold. */
const MAX_CONNECTIONS = 2_000;

/** They have one in so many of the process's file descriptors at most. */
const DESCRIPTOR_SHARE = 8;

/** Characters of a name in an address: a user name may have 318. */
const MAX_NAME_LENGTH = 1024;

/** Nouns that have no answer of their own to keep: streams, files, and what is kept otherwise. */
const NOT_KEPT = /^\/api\/(?:journal|capture|report|docs|openapi)/;

/** A body of this request may be longer than routes usually take. */
function mayBeLong({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > BODY_LIMIT;
}

/**
 * Starts the administration listener: plain HTTP, meant for loopback.
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
    // Addresses that cannot be read are refused before there is a route, and so a handler, for them.
    frameworkErrors: (error, _, reply) => void sendProblem(error, reply),
    schemaController: OWN_COMPILERS,
    clientErrorHandler: refuseClient,
  });
  (options.network ?? systemNetwork).listener(server.server);
  boundPlaces(server.server, options.maxConnections ?? withinDescriptors(MAX_CONNECTIONS, DESCRIPTOR_SHARE));
  // Only JSON: what a form of a web page could send without asking is not read.
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error, _, reply) => sendProblem(error, reply));
  readStrictJson(server);
  server.addHook('onSend', async ({ raw }, reply) => {
    // Node would read the rest of a body that nobody wants, however long it is.
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
