import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Visitor } from '../lib/person.ts';
import { addUpload, patternStream, refuse, sizeOf, wholeNumber } from './content.ts';
import { intranetPage } from './intranet-page.ts';
import { isTls, type SiteTools } from './site.ts';

/**
 * The intranet site. Routes: `/` (page), `/whoami` (JSON), `/bytes/:count` (download of a known pattern), `/upload` (counts and hashes
 * the body), `/status/:code`, `/headers`.
 */
export function addIntranet(app: FastifyInstance, { visitorOf }: SiteTools): void {
  app.get('/', async (request, reply) => {
    const facts = describe(request, visitorOf(request));
    if (request.headers.accept?.includes('application/json')) return facts;
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store');
    return intranetPage(facts);
  });
  app.get('/whoami', async (request) => describe(request, visitorOf(request)));
  app.get('/headers', async (request) => request.headers);
  app.get<{ Params: { code: string } }>('/status/:code', async (request, reply) => {
    const code = wholeNumber(request.params.code, 200, 599);
    if (code === undefined) return refuse(reply, 'The status must be a number from 200 to 599.');
    return reply.code(code).send(code === 204 || code === 304 ? undefined : { status: code });
  });
  app.get<{ Params: { count: string } }>('/bytes/:count', async (request, reply) => {
    const size = sizeOf(request.params.count, reply);
    if (size === undefined) return reply;
    return reply.type('application/octet-stream').header('content-length', size).send(patternStream(0, size));
  });
  addUpload(app, '/upload');
}

function describe(request: FastifyRequest, visitor: Visitor | undefined): Record<string, unknown> {
  const socket = request.raw.socket;
  return {
    user: visitor?.person?.username ?? null,
    signInName: visitor?.person?.signInName ?? null,
    session: visitor?.session ?? null,
    tenant: visitor?.person?.tenantId ?? null,
    source: visitor ? { address: visitor.sourceAddress, port: visitor.sourcePort } : null,
    destination: visitor ? { address: visitor.destinationAddress, port: visitor.destinationPort } : null,
    host: request.host,
    scheme: isTls(request) ? 'https' : 'http',
    tls: socket instanceof TLSSocket ? { protocol: socket.getProtocol(), cipher: socket.getCipher()?.name } : null,
    userAgent: request.headers['user-agent'] ?? null,
  };
}
