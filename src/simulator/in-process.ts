import { EventEmitter } from 'node:events';
import type { Server as HttpServer, RequestListener } from 'node:http';
import type { Server } from 'node:net';
import { TunneliteError } from '../lib/errors.ts';
import { createServer } from '../lib/node-http.ts';
import type { TcpStream } from '../network/index.ts';

/** A fastify instance, as far as it matters here. */
export interface FastifyLike {
  readonly server: HttpServer;
  ready(): PromiseLike<unknown>;
}

/**
 * What can answer for an upstream within this process, without listening anywhere: a function that takes Node's request and response (also an
 * Express or Koa callback), a server of `node:http`, `node:https`, `node:tls` or `node:net`, or a fastify instance.
 */
export type UpstreamHandler = RequestListener | Server | FastifyLike;

/**
 * Passes connections to a handler.
 * @throws TunneliteError `ERR_RESOURCE_RULE` if it cannot accept connections
 */
export function connectionsTo(handler: UpstreamHandler): (stream: TcpStream) => void {
  if (typeof handler === 'function') {
    const server = createServer(handler);
    return (stream) => void server.emit('connection', stream);
  }
  if (isFastify(handler)) {
    return (stream) => {
      Promise.resolve(handler.ready()).then(
        () => (stream.destroyed ? undefined : handler.server.emit('connection', stream)),
        () => void stream.resetAndDestroy(),
      );
    };
  }
  if (handler instanceof EventEmitter) return (stream) => void handler.emit('connection', stream);
  throw new TunneliteError('ERR_RESOURCE_RULE', 'The in-process handler cannot accept connections.', {
    hint: 'Use a function with a request and a response, a server of node:http, node:https or node:net, or a fastify instance.',
  });
}

function isFastify(handler: unknown): handler is FastifyLike {
  const { ready, server } = (handler ?? {}) as Partial<FastifyLike>;
  return typeof ready === 'function' && server instanceof EventEmitter;
}
