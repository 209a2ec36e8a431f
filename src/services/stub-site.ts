import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bareHost } from '../lib/endpoint.ts';
import type { Emit } from '../telemetry/events.ts';
import { pause, refuse } from './content.ts';
import type { SiteTools } from './site.ts';
import type { StubTable } from './stub-table.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Responds to any request from the stubs. */
export function addStubSite(app: FastifyInstance, { visitorOf, clock }: SiteTools, stubs: StubTable, emit: Emit): void {
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { method, url } = request;
    const host = bareHost(request.hostname).toLowerCase().replace(/\.$/, '');
    const path = url.split('?', 1)[0]!;
    const found = stubs.take(host, method, path);
    if (found === undefined) {
      return refuse(
        reply,
        `No stub answers ${method} ${path} of ${host}. Add one under services.stubs, or with tunnelite stubs add.`,
        404,
      );
    }
    const { stub, answer } = found;
    const { status } = answer;
    emit('stub.request', {
      stub: stub.id,
      session: visitorOf(request)?.session,
      method,
      host,
      path,
      status,
      hit: stub.hits,
    });
    if (answer.delay > 0 && !(await pause(reply, answer.delay, clock))) return reply.hijack();
    reply.code(status);
    if (answer.json !== null) reply.type('application/json; charset=utf-8');
    else if (answer.body !== null) reply.type('text/plain; charset=utf-8');
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value);
    if (status === 204 || status === 304) return reply.send();
    return reply.send(answer.json === null ? (answer.body ?? '') : JSON.stringify(answer.json));
  };
  app.route({ method: [...METHODS], url: '/', exposeHeadRoute: false, handler });
  app.route({ method: [...METHODS], url: '/*', exposeHeadRoute: false, handler });
  app.setNotFoundHandler((request, reply) => handler(request, reply));
}
