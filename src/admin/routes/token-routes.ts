import type { FastifyPluginAsync } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { TokenRequestSchema } from './token-request.ts';
import type { TokenMinter } from './tokens.ts';

/** `POST /api/tokens`: issues any token of the built-in Entra ID, valid or deliberately wrong. */
export function tokenRoutes(mint: TokenMinter): FastifyPluginAsync {
  const parts = {
    body: TokenRequestSchema,
    answer: Type.Object({
      accessToken: Type.String(),
      user: Type.Optional(Type.String({ description: 'User name, when the token has a user.' })),
      expiresIn: Type.Integer({ description: 'Seconds from now; negative for an expired one.' }),
      claims: Type.Record(Type.String(), Type.Unknown()),
    }),
  };
  return async (server) => {
    server.post('/', route('tokens', 'Make a token, valid or deliberately wrong', parts), async ({ body }) =>
      mint(body as Static<typeof TokenRequestSchema>),
    );
  };
}
