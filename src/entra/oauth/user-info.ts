import type { FastifyInstance, FastifyReply } from 'fastify';
import { jwtVerify } from 'jose/jwt/verify';
import type { SharedContext } from '../context/context.ts';
import { GRAPH_RESOURCE_ID } from '../directory/well-known.ts';
import { pairwiseSubject } from '../tokens/token-claims.ts';

/** The UserInfo endpoint (OpenID Connect Core §5.3), which is one of Graph's. */
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

/** Claims about the bearer of a Graph token, in Graph's shape. */
async function userInfo(
  context: SharedContext,
  authorization: string | undefined,
  reply: FastifyReply,
): Promise<object> {
  const token = /^Bearer ([\w.-]{1,16000})$/i.exec(authorization ?? '')?.[1];
  try {
    const { payload } = await jwtVerify(
      token ?? '',
      ({ kid }) => {
        const key = context.issuer.keys.find(kid ?? '');
        if (!key) throw new Error('unknown key');
        return key.publicKey;
      },
      {
        algorithms: ['RS256'],
        audience: [GRAPH_RESOURCE_ID, 'https://graph.microsoft.com', 'https://graph.microsoft.com/'],
        currentDate: new Date(context.clock.now()),
      },
    );
    const user = context.directory.findTenant(String(payload.tid))?.users.find(String(payload.oid));
    if (
      !user ||
      !String(payload.scp ?? '')
        .split(' ')
        .includes('openid')
    )
      throw new Error('not for a user');
    // The subject that the client knows from its id token (OpenID Connect Core §5.3.2), not that of the access token.
    const sub = user.claims?.['sub'] ?? pairwiseSubject(user.id, String(payload['azp'] ?? payload['appid']));
    return {
      sub,
      name: user.displayName,
      given_name: user.givenName,
      family_name: user.surname,
      email: user.mail,
      picture: 'https://graph.microsoft.com/v1.0/me/photo/$value',
    };
  } catch {
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
}
