import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SignJWT } from 'jose/jwt/sign';
import { jwtVerify } from 'jose/jwt/verify';
import { nowSeconds, type SharedContext } from '../context/context.ts';
import { Parameters } from '../context/parameters.ts';
import type { Tenant } from '../directory/tenant.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { contextOf, formOf } from '../oauth/http.ts';
import { checkPassword, findAccount } from '../oauth/users.ts';
import { relayPage } from '../pages/message-pages.ts';
import { stsPage } from '../pages/sign-in-pages.ts';
import { BRAND, sendErrorPage, sendPage } from './answer.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';
import { loginLocation } from './sign-in-routes.ts';

const RETURN_PATH = '/login.srf';
const RESULT_SECONDS = 300;
const ALGORITHM = 'HS256';

/**
 * The organization's own sign-in service (STS) of a federated tenant: a page under another
 * path that checks the password and sends the browser back with a signed result. A real one answers with WS-Federation
 * XML; a client sees the same hops.
 *
 * ```
 *  authorize ─302─▶ /{tenant}/sts/ls ─form─▶ itself ─self-posting form─▶ /login.srf ─303─▶ /common/login ─▶ …
 * ```
 */
export function federationRoutes(shared: SharedContext, signIns: SignIns, app: FastifyInstance): void {
  // Shared secret of the STS and the provider.
  const trust = shared.random.bytes(32);
  app.setErrorHandler((error: unknown, request, reply) => {
    if (error instanceof AadstsError) return sendErrorPage(contextOf(shared, request), request, reply, error);
    throw error;
  });

  app.get<{ Params: { tenant: string } }>(
    '/:tenant/sts/ls',
    { config: { endpoint: 'authorize' } },
    (request, reply) => {
      const query = Parameters.ofUrl(request.url);
      const browser = new Browser(shared, request, reply);
      return showSts(request, reply, browser, query.get('wctx') ?? '', query.get('username') ?? '', undefined);
    },
  );

  app.post<{ Params: { tenant: string } }>(
    '/:tenant/sts/ls',
    { config: { endpoint: 'authorize' } },
    async (request, reply) => {
      const form = formOf(request);
      const browser = new Browser(shared, request, reply);
      const flow = form.get('flow') ?? '';
      browser.checkForm(request, `sts:${flow}`, form.get('canary'));
      const tenant = federatedTenant(request.params.tenant);
      const username = (form.get('username') ?? '').trim();
      try {
        const authority = { name: tenant.id, tenant, alias: undefined };
        const account = findAccount(shared, authority, username, '');
        checkPassword(shared, account, form.get('passwd') ?? '');
      } catch (error) {
        if (!(error instanceof AadstsError)) throw error;
        const text = `Incorrect user ID or password, or the account cannot sign in: ${error.text}`;
        return showSts(request, reply, browser, flow, username, text);
      }
      const result = await new SignJWT({ upn: username, wctx: flow })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuer(tenant.id)
        .setIssuedAt(nowSeconds(shared))
        .setExpirationTime(nowSeconds(shared) + RESULT_SECONDS)
        .sign(trust);
      const parameters = [
        ['wa', 'wsignin1.0'],
        ['wresult', result],
        ['wctx', flow],
      ] as const;
      const brand = `${tenant.settings.displayName} Federation Service`;
      return sendPage(shared, reply, (nonce) => relayPage(brand, RETURN_PATH, parameters, nonce), { script: true });
    },
  );

  app.post(RETURN_PATH, { config: { endpoint: 'authorize' } }, async (request, reply) => {
    const form = formOf(request);
    const browser = new Browser(shared, request, reply);
    const flow = signIns.find(form.get('wctx'), browser);
    let payload: Record<string, unknown>;
    try {
      ({ payload } = await jwtVerify(form.require('wresult'), trust, {
        algorithms: [ALGORITHM],
        currentDate: new Date(shared.clock.now()),
      }));
    } catch {
      throw new AadstsError(50013);
    }
    const username = String(payload.upn);
    const expected = flow.username?.toLowerCase();
    if (payload.wctx !== flow.id || (expected !== undefined && expected !== username.toLowerCase())) {
      throw new AadstsError(50013);
    }
    flow.username = username;
    flow.federatedDomain = undefined;
    signIns.authenticate(flow, ['pwd', 'fed']);
    return reply.redirect(loginLocation(flow), 303);
  });

  function federatedTenant(name: string): Tenant {
    const tenant = shared.directory.findTenant(name);
    if (!tenant || tenant.settings.federatedDomains.length === 0) throw new AadstsError(90002, { tenant: name });
    return tenant;
  }

  function showSts(
    request: FastifyRequest,
    reply: FastifyReply,
    browser: Browser,
    flow: string,
    username: string,
    notice: string | undefined,
  ): FastifyReply {
    const tenant = federatedTenant((request.params as { tenant: string }).tenant);
    browser.begin();
    const action = `/${tenant.id}/sts/ls`;
    const form = { action, flow, canary: browser.canary(`sts:${flow}`), brand: BRAND, notice };
    return sendPage(shared, reply, stsPage(form, tenant.settings.displayName, username));
  }
}
