import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A hook that lets only the holder of the instance's secret through: `Authorization: Bearer <secret>`. */
export function requireSecret(secret: string) {
  const expected = digest(`Bearer ${secret}`);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    // Digests have one length, so that the comparison takes the same time whatever came.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return undefined;
    return reply
      .code(401)
      .header('www-authenticate', 'Bearer')
      .send({ error: { message: 'The secret of this instance is missing or wrong.' } });
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
