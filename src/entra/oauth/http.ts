import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isGuid } from '../../bearer/authority.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { forgetMatch, ownString } from '../../lib/own-string.ts';
import { findAuthority } from '../context/authority.ts';
import {
  forCaller,
  type IdentityContext,
  newGuid,
  type RequestContext,
  type SharedContext,
} from '../context/context.ts';
import type { Endpoint } from '../context/outages.ts';
import { claimsFor } from '../context/overrides.ts';
import { Parameters } from '../context/parameters.ts';
import type { AadstsCode } from '../errors/aadsts.ts';
import { AadstsError, errorBody, type Trace } from '../errors/aadsts-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The outage switch that applies. */
    readonly endpoint?: Endpoint;
    /** Version of the OAuth endpoint. Default 2. */
    readonly version?: 1 | 2;
  }
}

/** The settings for responses to this request. */
export function contextOf(shared: SharedContext, request: FastifyRequest): IdentityContext {
  return forCaller(shared, request.headers.host);
}

const traces = new WeakMap<FastifyRequest, Trace>();

/** IDs of a request; stable across calls. */
export function traceOf(context: IdentityContext, request: FastifyRequest): Trace {
  let trace = traces.get(request);
  if (!trace) {
    const wanted = request.headers['client-request-id'];
    const correlationId = typeof wanted === 'string' && isGuid(wanted) ? wanted : newGuid(context.random);
    trace = { traceId: newGuid(context.random), correlationId, time: context.clock.now() };
    traces.set(request, trace);
  }
  return trace;
}

/** Headers that Entra ID sends with every response. */
function setCommonHeaders(context: IdentityContext, request: FastifyRequest, reply: FastifyReply): void {
  const trace = traceOf(context, request);
  reply.headers({
    'cache-control': 'no-store, no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    p3p: 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    'x-ms-request-id': trace.traceId,
    'x-ms-ests-server': '2.1.0 - TUNNELITE',
    'referrer-policy': 'strict-origin-when-cross-origin',
  });
  if (request.headers['return-client-request-id'] === 'true') {
    reply.header('client-request-id', trace.correlationId);
  }
}

/**
 * Lets browser apps call this instance's routes from their own origin, and answers CORS
 * preflights. No cookies are involved. Call it before adding routes.
 */
export function openToBrowsers(app: FastifyInstance, methods = 'GET, POST, OPTIONS'): void {
  app.addHook('onRequest', async (_, reply) => {
    reply.headers({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': methods,
      // The wildcard does not cover this header (Fetch, "CORS non-wildcard request-header name").
      'access-control-allow-headers': '*, authorization',
      'access-control-expose-headers': 'client-request-id, x-ms-request-id, retry-after, www-authenticate',
      'access-control-max-age': '86400',
    });
  });
  const opened = new Set<string>();
  app.addHook('onRoute', ({ routePath }) => {
    if (opened.has(routePath)) return;
    opened.add(routePath);
    app.options(routePath, async (_, reply) => reply.code(200).send());
  });
}

const DEVICE_HEADER = 'x-tunnelite-device';
const DEVICE_PARAMETER = 'tunnelite_device';

/** Source of a request. */
interface ClientEnd {
  readonly address: string;
  /** `address:port`. */
  readonly remote: string;
}

const clients = new WeakMap<FastifyRequest, ClientEnd>();

/** Source address of a request, recorded on arrival: a socket loses it after its client disconnects. */
export function clientOf(request: FastifyRequest): ClientEnd {
  let client = clients.get(request);
  if (!client) {
    const { ip, socket } = request;
    // TLS over a stream other than a socket, as in an in-memory network, has no address.
    const known = (ip as string | undefined) !== undefined;
    client = { address: ip, remote: known ? endpointText(ip, socket.remotePort ?? 0) : 'an unknown address' };
    clients.set(request, client);
  }
  return client;
}

/** Parses the parts that all OAuth endpoints share. @throws AadstsError */
export function readRequest(context: IdentityContext, request: FastifyRequest, parameters: Parameters): RequestContext {
  const { tenant } = request.params as { tenant: string };
  const header = request.headers[DEVICE_HEADER];
  const { address, remote } = clientOf(request);
  return {
    authority: findAuthority(context.directory, tenant),
    version: versionOf(request),
    parameters,
    remoteAddress: address,
    remote,
    deviceId: parameters.get(DEVICE_PARAMETER) ?? (typeof header === 'string' ? header : undefined),
    origin: request.headers.origin,
    authorization: request.headers.authorization,
  };
}

/** Parameters of a form body. @throws AadstsError */
export function formOf(request: FastifyRequest): Parameters {
  if (typeof request.body !== 'string') throw new AadstsError(900144, { field: 'grant_type' });
  return Parameters.parse(request.body);
}

/** Whether the request is for a v1 or a v2 endpoint. */
export function versionOf(request: FastifyRequest): 1 | 2 {
  return request.routeOptions.config.version ?? 2;
}

/** Sends an error as JSON in Entra's format. */
export function sendError(
  context: IdentityContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: AadstsError,
): FastifyReply {
  const body = errorBody(error, traceOf(context, request), { origin: context.origin(), version: versionOf(request) });
  reply.code(error.entry.status ?? 400);
  // Only for a client that used this header (RFC 6749 §5.2). Others, such as openid-client, look for a challenge first and
  // would miss the error; Entra sends them none.
  if (error.entry.error === 'invalid_client' && request.headers.authorization !== undefined) {
    reply.header('www-authenticate', 'Basic realm="tunnelite"');
  }
  return reply.type('application/json; charset=utf-8').send(body);
}

/**
 * Applies outages before the endpoint runs. Returns the reply if it was sent.
 */
async function meetOutage(context: IdentityContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { endpoint } = request.routeOptions.config;
  const outage = endpoint && (await context.outages.meet(endpoint));
  if (!outage) return;
  if (outage.drop) {
    reply.hijack();
    request.raw.socket.destroy();
    return;
  }
  if (outage.aadsts !== undefined) {
    throw new AadstsError(outage.aadsts as AadstsCode, {}, { ordered: true, claims: claimsFor(outage.aadsts) });
  }
  if (outage.status === undefined && outage.body === undefined) return;
  const status = outage.status ?? 200;
  reply.code(status);
  if (outage.retryAfter !== undefined) reply.header('retry-after', String(outage.retryAfter));
  if (outage.body !== undefined) {
    reply.type('application/json; charset=utf-8').send(outage.body);
    return;
  }
  const error = new AadstsError(status === 429 ? 90025 : 90033);
  const style = { origin: context.origin(), version: versionOf(request) };
  reply.type('application/json; charset=utf-8').send(errorBody(error, traceOf(context, request), style));
}

/** Hooks, body parser and error handler for every identity route. Applies only to this encapsulated instance. */
export function prepareInstance(shared: SharedContext, app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) => {
    done(null, body);
  });
  app.addHook('onRequest', async (request, reply) => {
    const context = contextOf(shared, request);
    clientOf(request);
    setCommonHeaders(context, request, reply);
    await meetOutage(context, request, reply);
  });
  app.addHook('onResponse', async () => forgetMatch());
  app.setErrorHandler((error: unknown, request, reply) => {
    const context = contextOf(shared, request);
    if (error instanceof AadstsError) return sendError(context, request, reply, error);
    const status = statusOf(error);
    if (status >= 500)
      context.emit('identity.request.failed', {
        path: ownString(request.url.split('?', 1)[0]!),
        explanation: String(error),
      });
    const known = new AadstsError(status >= 500 ? 70012 : 9002313);
    const style = { origin: context.origin(), version: versionOf(request) };
    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .send(errorBody(known, traceOf(context, request), style));
  });
}

function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}
