import type { FastifyInstance, FastifyReply } from 'fastify';
import { decodeJwt, jwtVerify } from 'jose';
import { aadstsEntry, isAadstsCode } from '../aadsts.ts';
import type { IdentityContext } from '../context.ts';
import { GRAPH_RESOURCE_ID } from '../directory/well-known.ts';
import { Parameters } from '../oauth/parameters.ts';
import { messagePage } from '../pages/message-pages.ts';
import { BRAND, sendPage } from './answer.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';
import { withParameters } from './redirect-uri.ts';

/** Sign-out, user info, and the pages that only tell something. */
export function sessionRoutes(context: IdentityContext, signIns: SignIns, app: FastifyInstance): void {
  for (const path of ['oauth2/logout', 'oauth2/v2.0/logout']) {
    app.get(`/:tenant/${path}`, { config: { endpoint: 'logout' } }, (request, reply) => {
      const browser = new Browser(context, request, reply);
      signIns.sessions.signOut(browser.session);
      browser.clearSession();
      const query = Parameters.ofUrl(request.url);
      const target = logoutTarget(context, query);
      if (target === undefined) {
        const text = "It's a good idea to close all browser windows.";
        return sendPage(context, reply, messagePage(BRAND, 'You signed out of your account', text));
      }
      const state = query.get('state');
      return reply.redirect(
        state === undefined ? target : withParameters(target, new URLSearchParams({ state }), 'query'),
        302,
      );
    });
  }

  for (const method of ['GET', 'POST'] as const) {
    app.route({
      method,
      url: '/oidc/userinfo',
      config: { endpoint: 'userinfo' },
      handler: (request, reply) => userInfo(context, request.headers.authorization, reply),
    });
  }

  app.get('/common/oauth2/nativeclient', (_, reply) =>
    sendPage(
      context,
      reply,
      messagePage(BRAND, 'You are signed in', 'You may close this window and go back to the app.'),
    ),
  );

  app.get('/error', (request, reply) => {
    const code = Number(Parameters.ofUrl(request.url).get('code'));
    if (!isAadstsCode(code)) {
      return sendPage(
        context,
        reply,
        messagePage(BRAND, 'Unknown error', 'There is no such AADSTS code in the table.'),
        {
          status: 404,
        },
      );
    }
    const { message, provoke } = aadstsEntry(code);
    return sendPage(
      context,
      reply,
      messagePage(BRAND, `AADSTS${code}`, `${message} How to provoke it here: ${provoke}.`),
    );
  });
}

/** Where a sign-out may lead: only to what an app has registered, of the app that the token hint names if it does. */
function logoutTarget({ directory }: IdentityContext, query: Parameters): string | undefined {
  const target = query.get('post_logout_redirect_uri');
  if (target === undefined || !URL.canParse(target) || /^(?:javascript|data|vbscript|blob|file|about):/i.test(target)) {
    return undefined;
  }
  const hint = query.get('id_token_hint');
  let clientId = query.get('client_id');
  if (hint !== undefined) {
    try {
      clientId = [decodeJwt(hint).aud ?? []].flat()[0];
    } catch {
      return undefined;
    }
  }
  for (const tenant of directory.tenants) {
    for (const app of tenant.applications) {
      if (clientId !== undefined && app.appId.toLowerCase() !== clientId.toLowerCase()) continue;
      if ([...app.logoutUris, ...app.redirectUris, ...app.spaRedirectUris].includes(target)) return target;
    }
  }
  return undefined;
}

/** Claims about the bearer of a Graph token, in Graph's shape. */
async function userInfo(
  context: IdentityContext,
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
    return {
      sub: payload.sub,
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
