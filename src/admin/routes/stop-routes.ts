import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** `POST /api/stop`: stops the instance after the response. */
export function stopRoutes(stop: () => void): FastifyPluginAsync {
  const parts = { body: Type.Object({}, { additionalProperties: false }), status: 202, answer: Type.Object({}) };
  return async (app) => {
    app.post('/', route('status', 'Stop the instance', parts), async (_, reply) => {
      reply.raw.once('close', stop);
      return reply.code(202).send({});
    });
  };
}
