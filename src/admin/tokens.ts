import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import { AadstsError } from '../identity/aadsts-error.ts';
import { errorText, isTunneliteError } from '../lib/errors.ts';
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
        const { code, message, hint } = isTunneliteError(error)
          ? error
          : { code: undefined, message: wordsOf(error), hint: undefined };
        return reply.code(400).send({ error: { code, message, hint } });
      }
    });
  };
}

/** What Entra ID itself would say, such as AADSTS50034 for a user that it does not know. */
function wordsOf(error: unknown): string {
  return error instanceof AadstsError ? `AADSTS${error.code}: ${error.message}` : errorText(error);
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
