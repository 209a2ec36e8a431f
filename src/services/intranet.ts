import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Emit } from '../telemetry/events.ts';
import { MAX_DOWNLOAD_BYTES, MAX_UPLOAD_BYTES, SERVICE_HEADERS_TIMEOUT_MS } from './constants.ts';
import { intranetPage } from './intranet-page.ts';
import { patternChunk } from './pattern.ts';
import type { StreamService, Visitor } from './types.ts';

export interface IntranetOptions {
  readonly emit: Emit;
  /** PEM chain and key for HTTPS. */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Text of the start page's heading. */
  readonly title?: string;
}

/** The intranet site: one web application, reached as plain HTTP and as HTTPS with a certificate of the private CA. */
export interface Intranet {
  readonly http: StreamService;
  readonly https: StreamService;
}

/**
 * Builds the intranet site. It listens nowhere: connections are handed to `open`, as the tunnel delivers them.
 *
 * Routes: `/` (page), `/whoami` (JSON), `/bytes/:count` (download of a known pattern), `/upload` (counts and hashes what is sent),
 * `/status/:code`, `/headers`.
 */
export async function createIntranet(options: IntranetOptions): Promise<Intranet> {
  const visitors = new WeakMap<object, Visitor>();
  let server!: Server;
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_UPLOAD_BYTES,
    serverFactory: (handler) => {
      server = createServer(
        { headersTimeout: SERVICE_HEADERS_TIMEOUT_MS },
        handler as (q: IncomingMessage, s: ServerResponse) => void,
      );
      return server;
    },
  });
  const title = options.title ?? 'Contoso Intranet';
  const visitorOf = (request: FastifyRequest): Visitor | undefined => visitors.get(request.raw.socket);
  addRoutes(app, title, visitorOf);
  app.addHook('onResponse', async (request, reply) => {
    const visitor = visitorOf(request);
    options.emit('service.request', {
      service: isTls(request) ? 'intranet-https' : 'intranet-http',
      method: request.method,
      host: request.headers.host ?? '',
      path: request.url,
      status: reply.statusCode,
      source: visitor ? `${visitor.sourceAddress}:${visitor.sourcePort}` : '',
    });
  });
  await app.ready();

  const open = (stream: Duplex, visitor: Visitor): void => {
    visitors.set(stream, visitor);
    stream.on('error', () => stream.destroy());
    server.emit('connection', stream);
  };
  const secureContext = createSecureContext({ cert: options.tls.cert, key: options.tls.key, minVersion: 'TLSv1.2' });
  const streams = new Set<Duplex>();
  const track = (stream: Duplex): void => {
    streams.add(stream);
    stream.once('close', () => streams.delete(stream));
  };
  const close = async (): Promise<void> => {
    for (const stream of streams) stream.destroy();
    await app.close();
  };
  return {
    http: {
      name: 'intranet-http',
      open: (stream, visitor) => {
        track(stream);
        open(stream, visitor);
      },
      close,
    },
    https: {
      name: 'intranet-https',
      open: (stream, visitor) => {
        track(stream);
        stream.on('error', () => stream.destroy());
        const secure = new TLSSocket(stream, { isServer: true, secureContext });
        secure.on('error', () => secure.destroy());
        secure.once('close', () => stream.destroy());
        secure.once('secure', () => open(secure, visitor));
      },
      close,
    },
  };
}

function isTls(request: FastifyRequest): boolean {
  return request.raw.socket instanceof TLSSocket;
}

function describe(request: FastifyRequest, visitor: Visitor | undefined): Record<string, unknown> {
  const socket = request.raw.socket;
  return {
    user: visitor?.user ?? null,
    signInName: visitor?.signInName ?? null,
    session: visitor?.session ?? null,
    tenant: visitor?.tenantId ?? null,
    source: visitor ? { address: visitor.sourceAddress, port: visitor.sourcePort } : null,
    destination: visitor ? { address: visitor.destinationAddress, port: visitor.destinationPort } : null,
    host: request.headers.host ?? null,
    scheme: isTls(request) ? 'https' : 'http',
    tls: socket instanceof TLSSocket ? { protocol: socket.getProtocol(), cipher: socket.getCipher()?.name } : null,
    userAgent: request.headers['user-agent'] ?? null,
  };
}

function addRoutes(
  app: FastifyInstance,
  title: string,
  visitorOf: (request: FastifyRequest) => Visitor | undefined,
): void {
  app.get('/', async (request, reply) => {
    const facts = describe(request, visitorOf(request));
    if (request.headers.accept?.includes('application/json')) return facts;
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store');
    return intranetPage(title, facts);
  });
  app.get('/whoami', async (request) => describe(request, visitorOf(request)));
  app.get('/headers', async (request) => request.headers);
  app.get<{ Params: { code: string } }>('/status/:code', async (request, reply) => {
    const code = Number(request.params.code);
    if (!Number.isInteger(code) || code < 200 || code > 599) {
      return reply.code(400).send({ error: 'The status has to be a number from 200 to 599.' });
    }
    return reply.code(code).send(code === 204 || code === 304 ? undefined : { status: code });
  });
  app.get<{ Params: { count: string } }>('/bytes/:count', async (request, reply) => {
    const count = Number(request.params.count);
    if (!Number.isInteger(count) || count < 0 || count > MAX_DOWNLOAD_BYTES) {
      return reply.code(400).send({ error: `The count has to be a whole number from 0 to ${MAX_DOWNLOAD_BYTES}.` });
    }
    reply.type('application/octet-stream').header('content-length', count);
    return reply.send(Readable.from(pattern(count), { objectMode: false, highWaterMark: 1 << 18 }));
  });
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.route({
    method: ['POST', 'PUT'],
    url: '/upload',
    bodyLimit: MAX_UPLOAD_BYTES,
    handler: async (request, reply) => {
      const hash = createHash('sha256');
      let bytes = 0;
      const body: unknown = request.body;
      if (body instanceof Readable) {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          if (bytes > MAX_UPLOAD_BYTES)
            return reply.code(413).send({ error: `At most ${MAX_UPLOAD_BYTES} bytes are taken.` });
          hash.update(chunk);
        }
      } else if (body !== undefined && body !== null) {
        const text = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
        bytes = text.length;
        hash.update(text);
      }
      return { bytes, sha256: hash.digest('hex') };
    },
  });
}

function* pattern(count: number): Generator<Buffer> {
  for (let sent = 0; sent < count; ) {
    const chunk = patternChunk(sent, count - sent);
    sent += chunk.length;
    yield chunk;
  }
}
