import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { isTunneliteError } from '../lib/errors.ts';
import type { TokenMinter, TokenRequest } from './types.ts';

/** `POST /tokens` with the instance's secret: any token of the built-in Entra ID, right or deliberately wrong. */
export function tokensPlugin(secret: string, mint: TokenMinter): FastifyPluginAsync {
  return async (server) => {
    server.post('/tokens', async (request, reply) => {
      if (!sameText(request.headers.authorization ?? '', `Bearer ${secret}`)) {
        return reply.code(401).send({ error: { message: 'The secret of this instance is missing or wrong.' } });
      }
      try {
        return await mint((request.body ?? {}) as TokenRequest);
      } catch (error) {
        if (!isTunneliteError(error)) throw error;
        const { code, message, hint } = error;
        return reply.code(400).send({ error: { code, message, hint } });
      }
    });
  };
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
