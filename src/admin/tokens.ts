import type { FastifyPluginAsync } from 'fastify';
import { AadstsError } from '../entra/aadsts-error.ts';
import { errorText, isTunneliteError } from '../lib/errors.ts';
import type { TokenMinter, TokenRequest } from './types.ts';

/** `POST /tokens`: any token of the built-in Entra ID, right or deliberately wrong. To be put behind the instance's secret. */
export function tokensPlugin(mint: TokenMinter): FastifyPluginAsync {
  return async (server) => {
    server.post('/tokens', async (request, reply) => {
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
