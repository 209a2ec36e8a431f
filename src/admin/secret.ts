import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from '../entra/rest/problem.ts';
import { TunneliteError } from '../lib/errors.ts';

/** A hook that requires the instance's secret: `Authorization: Bearer <secret>`. */
export function requireSecret(secret: string) {
  const expected = digest(`Bearer ${secret}`);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    // Digests have equal length, so the comparison takes constant time.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return undefined;
    reply.header('www-authenticate', 'Bearer');
    return sendProblem(new TunneliteError('ERR_ADMIN_SECRET'), reply);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
