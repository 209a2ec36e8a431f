import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SharedContext } from '../context/context.ts';
import { GRAPH_AUDIENCES } from '../directory/well-known.ts';
import { readApiToken } from '../tokens/api-token.ts';
import { pairwiseSubject } from '../tokens/token-claims.ts';

/** The UserInfo endpoint (OpenID Connect Core §5.3), served by Graph. */
export function userInfoRoutes(shared: SharedContext, app: FastifyInstance): void {
  for (const method of ['GET', 'POST'] as const) {
    app.route({
      method,
      url: '/oidc/userinfo',
      config: { endpoint: 'userinfo' },
      handler: (request, reply) => userInfo(shared, request.headers.authorization, reply),
    });
  }
}

/** Claims about the user of a Graph token, in Graph's format. */
async function userInfo(
  context: SharedContext,
  authorization: string | undefined,
  reply: FastifyReply,
): Promise<object> {
  const token = await readApiToken(authorization, GRAPH_AUDIENCES, {
    keys: context.issuer.keys,
    clock: context.clock,
  });
  const user =
    typeof token === 'string' ? undefined : context.directory.findTenant(token.tenantId)?.users.find(token.objectId);
  if (typeof token === 'string' || !user || !token.scopes.includes('openid')) {
    return reply
      .code(401)
      .header('www-authenticate', 'Bearer realm="", error="invalid_token"')
      .send({
        error: {
          code: 'InvalidAuthenticationToken',
          message: 'Access token is empty, malformed, expired or not for Microsoft Graph.',
        },
      });
  }
  // The subject from the client's ID token (OpenID Connect Core §5.3.2), not from the access token.
  const sub = user.claims?.['sub'] ?? pairwiseSubject(user.id, token.clientId);
  return {
    sub,
    name: user.displayName,
    given_name: user.givenName,
    family_name: user.surname,
    email: user.mail,
    picture: 'https://graph.microsoft.com/v1.0/me/photo/$value',
  };
}
