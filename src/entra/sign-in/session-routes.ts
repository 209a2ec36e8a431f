import type { FastifyInstance } from 'fastify';
import { decodeJwt } from 'jose/jwt/decode';
import type { SharedContext } from '../context/context.ts';
import { Parameters } from '../context/parameters.ts';
import { aadstsEntry, isAadstsCode } from '../errors/aadsts.ts';
import { messagePage } from '../pages/message-pages.ts';
import { BRAND, sendPage } from './answer.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';
import { withParameters } from './redirect-uri.ts';

/** Sign-out and informational pages. */
export function sessionRoutes(shared: SharedContext, signIns: SignIns, app: FastifyInstance): void {
  for (const path of ['oauth2/logout', 'oauth2/v2.0/logout']) {
    app.get(`/:tenant/${path}`, { config: { endpoint: 'logout' } }, (request, reply) => {
      const browser = new Browser(shared, request, reply);
      signIns.sessions.signOut(browser.session);
      browser.clearSession();
      const query = Parameters.ofUrl(request.url);
      const target = logoutTarget(shared, query);
      if (target === undefined) {
        const text = "It's a good idea to close all browser windows.";
        return sendPage(shared, reply, messagePage(BRAND, 'You signed out of your account', text));
      }
      const state = query.get('state');
      return reply.redirect(
        state === undefined ? target : withParameters(target, new URLSearchParams({ state }), 'query'),
        302,
      );
    });
  }

  app.get('/common/oauth2/nativeclient', (_, reply) =>
    sendPage(
      shared,
      reply,
      messagePage(BRAND, 'You are signed in', 'You may close this window and go back to the app.'),
    ),
  );

  app.get('/error', (request, reply) => {
    const code = Number(Parameters.ofUrl(request.url).get('code'));
    if (!isAadstsCode(code)) {
      return sendPage(
        shared,
        reply,
        messagePage(BRAND, 'Unknown error', 'There is no such AADSTS code in the table.'),
        {
          status: 404,
        },
      );
    }
    const { message, provoke } = aadstsEntry(code);
    return sendPage(
      shared,
      reply,
      messagePage(BRAND, `AADSTS${code}`, `${message} How to provoke it here: ${provoke}.`),
    );
  });
}

/** Allowed targets of a sign-out: only registered URIs, limited to the app in the token hint if there is one. */
function logoutTarget({ directory }: SharedContext, query: Parameters): string | undefined {
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
