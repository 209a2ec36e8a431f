import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { createServer, STATUS_CODES } from '../lib/node-http.ts';
import type { AnswerOnPurpose, Visitor } from '../lib/person.ts';
import type { RandomSource } from '../lib/random.ts';
import { OWN_COMPILERS } from '../lib/schema/index.ts';
import type { Emit } from '../telemetry/events.ts';
import { MAX_BODY_BYTES, MAX_HTTP2_STREAMS, SERVICE_HEADERS_TIMEOUT_MS } from './constants.ts';
import { HandshakeStream } from './last-words.ts';
import { requestAnswered, requestCame } from './pipelining.ts';
import { recordSite } from './record-site.ts';
import type { RequestRecorder } from './recorder.ts';
import type { StreamService } from './types.ts';
import { type Visit, visitBy } from './visit.ts';

/** TLS settings of a site. PEM. */
export interface SiteTls {
  readonly cert: string;
  readonly key: string;
  /** The CA that must have issued client certificates. */
  readonly ca?: string;
}

/** Dependencies of sites. */
export interface SitePorts {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Records requests for a HAR. */
  readonly recorder?: RequestRecorder | undefined;
}

/** Context of a site's routes. */
export interface SiteTools extends SitePorts {
  /** The visitor that sent a request. */
  visitorOf(request: FastifyRequest): Visitor | undefined;
  /** Handles connections that upgrade to another protocol (RFC 9110 §7.8). */
  onUpgrade(handler: (request: IncomingMessage, stream: Duplex, head: Buffer) => void): void;
}

interface SiteOptions {
  /** Its services are named `<name>-http` and `<name>-https`. */
  readonly name: string;
  readonly emit: Emit;
  readonly ports: SitePorts;
  /** Called at the first connection and after `renew`. */
  readonly tls: () => SiteTls | Promise<SiteTls>;
  /** HTTP/2 by ALPN (RFC 9113 §3.2). Default true. */
  readonly http2?: boolean;
  /** Whether the site requests a client certificate, and refuses clients without one. */
  readonly clientCertificate?: 'required' | 'optional';
  readonly addRoutes: (app: FastifyInstance, tools: SiteTools) => void | Promise<void>;
}

/** A web site of the mock network, over plain HTTP and HTTPS. */
export interface Site {
  readonly http: StreamService;
  readonly https: StreamService;
  /** Requests a new certificate; open connections keep the old one. */
  renew(): void;
  /** Clears visitors' data; closes their connections. */
  reset(): Promise<void>;
}

/** The parts of a built site. */
interface Built {
  readonly app: FastifyInstance;
  readonly open: (stream: Duplex) => void;
}

/**
 * Connection data is stored on the connection: HTTP/2 exposes a proxy of its socket, which forwards members. For requests it is a
 * member of fastify's own object, because a separate table would add work to each garbage collection.
 */
const VISIT = Symbol('visit');
type Visited = { [VISIT]?: Visit | null };
const visitOf = (one: object): Visit | undefined => (one as Visited)[VISIT] ?? undefined;

/** The visitor that sent a request. */
export const visitorOf = (request: FastifyRequest): Visitor | undefined => visitOf(request)?.visitor;

/** A site without a listener: the tunnel hands over connections. It is built for its first visitor, because many runs have none. */
export function createSite(options: SiteOptions): Site {
  let built: Promise<Built> | undefined;
  let secureContext: Promise<SecureContext> | undefined;
  const streams = new Set<Duplex>();
  const visit = (stream: Duplex, visitor: Visitor, enter: (site: Built) => void | Promise<void>): void => {
    (stream as Visited)[VISIT] = visitBy(options.name, 'http', visitor);
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
    stream.on('error', () => stream.destroy());
    built ??= build(options);
    built.then((site) => (stream.destroyed ? undefined : enter(site))).catch((error: Error) => stream.destroy(error));
  };
  const openSecure = async (stream: Duplex, visitor: Visitor, { open }: Built): Promise<void> => {
    secureContext ??= secureContextOf(options);
    const context = await secureContext;
    if (stream.destroyed) return;
    const below = new HandshakeStream(stream, options.ports.clock);
    const secure = new TLSSocket(below, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: options.http2 === false ? ['http/1.1'] : ['h2', 'http/1.1'],
      requestCert: options.clientCertificate !== undefined,
      rejectUnauthorized: options.clientCertificate === 'required',
    });
    (secure as Visited)[VISIT] = visitBy(options.name, 'https', visitor);
    secure.on('error', () => secure.destroy());
    secure.once('close', () => below.destroy());
    secure.once('secure', () => {
      below.secured();
      // As Node's own TLS server does before it emits a socket; HTTP/2 would wait for it indefinitely
      // (https://github.com/nodejs/node/blob/main/lib/internal/tls/wrap.js, `onServerSocketSecure`).
      Object.assign(secure, { secureConnecting: false });
      open(secure);
    });
  };
  const reset = async (): Promise<void> => {
    for (const stream of streams) stream.destroy();
    const old = built;
    built = undefined;
    await (await old?.catch(() => undefined))?.app.close();
  };
  return {
    http: {
      name: `${options.name}-http`,
      open: (stream, visitor) => visit(stream, visitor, ({ open }) => open(stream)),
      close: reset,
    },
    https: {
      name: `${options.name}-https`,
      open: (stream, visitor) => visit(stream, visitor, (site) => openSecure(stream, visitor, site)),
      close: reset,
    },
    renew: () => {
      secureContext = undefined;
    },
    reset,
  };
}

async function secureContextOf({ tls }: SiteOptions): Promise<SecureContext> {
  return createSecureContext({ ...(await tls()), minVersion: 'TLSv1.2' });
}

async function build(options: SiteOptions): Promise<Built> {
  let server!: Server;
  let handle!: (request: IncomingMessage, response: ServerResponse) => void;
  const app = Fastify({
    logger: false,
    schemaController: OWN_COMPILERS,
    bodyLimit: MAX_BODY_BYTES,
    serverFactory: (handler) => {
      handle = handler as typeof handle;
      // Avoids body events for requests without a body; Node before 24.12 ignores the option.
      server = createServer({ headersTimeout: SERVICE_HEADERS_TIMEOUT_MS, optimizeEmptyRequests: true }, handle);
      // A client that half-closes after the request still expects a response (RFC 9112 §9.6). An undocumented option of
      // Node: https://github.com/nodejs/node/blob/main/lib/_http_server.js, `socketOnEnd`.
      Object.assign(server, { httpAllowHalfOpen: true });
      return server;
    },
  });
  // Read when the request arrives: after the response, HTTP/2 no longer has the connection.
  app.decorateRequest(VISIT, null);
  // Routes read request bodies themselves, and keep no more in memory than they need.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', (request, reply, done) => {
    const visit = visitOf(request.raw.socket);
    (request as Visited)[VISIT] = visit ?? null;
    if (visit) requestCame(visit, sourceOf(request.raw));
    const answer = visit?.visitor.answer;
    if (answer === undefined) done();
    else answerOnPurpose(reply, answer, options.ports.clock).catch(done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const visit = visitOf(request);
    if (visit) requestAnswered(visit, sourceOf(request.raw));
    const { service = `${options.name}-http`, source = '' } = visit ?? {};
    const { method, host, url: path } = request;
    options.emit('service.request', { service, method, host, path, status: reply.statusCode, source });
    done();
  });
  const { recorder } = options.ports;
  if (recorder?.enabled) recordSite(app, options.name, recorder, visitOf);
  await options.addRoutes(app, {
    ...options.ports,
    visitorOf,
    onUpgrade: (handler) => void server.on('upgrade', handler),
  });
  await app.ready();
  const http2 = options.http2 === false ? undefined : http2Server(handle);
  return {
    app,
    open: (stream) => {
      stream.on('error', () => stream.destroy());
      const target = http2 && stream instanceof TLSSocket && stream.alpnProtocol === 'h2' ? http2 : server;
      target.emit('connection', stream);
    },
  };
}

/** The stream of a request whose client may send others ahead without a limit: HTTP/2 has one of its own. */
function sourceOf({ httpVersionMajor, socket }: IncomingMessage): IncomingMessage['socket'] | undefined {
  return httpVersionMajor < 2 ? socket : undefined;
}

/** Responds as a fault rule specifies. */
async function answerOnPurpose(reply: FastifyReply, answer: AnswerOnPurpose, clock: Clock): Promise<void> {
  const { status, retryAfter, delay = 0 } = answer;
  if (delay > 0) {
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(delay, resolve);
      reply.raw.once('close', () => {
        timer.cancel();
        resolve();
      });
    });
  }
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  const text = `${status} ${STATUS_CODES[status] ?? 'Unknown'}\n`;
  await reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .send(status === 204 || status === 304 ? undefined : text);
}

/** A server for connections that negotiated HTTP/2. Loads Node's module with the first site. */
function http2Server(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = process.getBuiltinModule('node:http2').createServer({
    settings: { maxConcurrentStreams: MAX_HTTP2_STREAMS },
  });
  server.on('request', handle as never);
  server.on('session', (session) => session.on('error', () => session.destroy()));
  return server;
}

/** Whether a request used TLS. */
export function isTls(request: FastifyRequest): boolean {
  return request.raw.socket instanceof TLSSocket;
}
