import type { FastifyPluginAsync } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { TokenRequestSchema } from './token-request.ts';
import type { TokenMinter } from './tokens.ts';

/** `POST /api/tokens`: issues any token of the built-in Entra ID, valid or deliberately wrong. */
export function tokenRoutes(mint: TokenMinter): FastifyPluginAsync {
  const parts = {
    body: TokenRequestSchema,
    refuses: [404] as const,
    description: '404 if the tenant does not exist, 400 with an AADSTS code if the user or the app does not.',
    answer: Type.Object({
      accessToken: Type.String(),
      user: Type.Optional(Type.String({ description: 'User name, if the token has a user.' })),
      expiresIn: Type.Integer({ description: 'Seconds from now; negative for an expired one.' }),
      claims: Type.Record(Type.String(), Type.Unknown()),
    }),
  };
  return async (server) => {
    server.post('/', route('tokens', 'Issue a token, valid or deliberately wrong', parts), async ({ body }) =>
      mint(body as Static<typeof TokenRequestSchema>),
    );
  };
}
