import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DEVICE_POLL_INTERVAL } from '../context/constants.ts';
import { newSecret, type SharedContext } from '../context/context.ts';
import { Parameters } from '../context/parameters.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { findClient } from '../oauth/clients.ts';
import { contextOf, formOf, readRequest, versionOf } from '../oauth/http.ts';
import { parseScopes } from '../oauth/scopes.ts';
import { requestedScope } from '../oauth/token-grants.ts';
import { deviceCodePage } from '../pages/sign-in-pages.ts';
import { BRAND, sendErrorPage, sendPage } from './answer.ts';
import { Browser } from './browser.ts';
import type { SignIns } from './flows.ts';
import { loginLocation } from './sign-in-routes.ts';

const PAGE = '/devicelogin';
const CODE_LENGTH = 9;
/** No vowels and no look-alikes: avoids words and typing mistakes. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXYZ23456789';

/** Issues device codes (Microsoft: "OAuth 2.0 device authorization grant flow"). */
export function deviceCodeRoutes(shared: SharedContext, app: FastifyInstance): void {
  for (const [path, version] of [
    ['oauth2', 1],
    ['oauth2/v2.0', 2],
  ] as const) {
    app.post(`/:tenant/${path}/devicecode`, { config: { endpoint: 'devicecode', version } }, async (request) => {
      const context = contextOf(shared, request);
      const oauth = readRequest(context, request, formOf(request));
      const clientId = oauth.parameters.require('client_id');
      const client = findClient(context, oauth.authority, clientId);
      const { text: scope } = requestedScope(oauth);
      parseScopes(scope);
      context.overrides.strike('devicecode', { client: client.app.appId }, { client: client.app.appId });
      const deviceCode = newSecret(context, 'D');
      const userCode = newUserCode(context);
      const seconds = context.behaviour.lifetimes.deviceCode;
      context.grants.addDevice(deviceCode, {
        clientId: client.app.appId,
        scope,
        authority: oauth.authority.name,
        userCode,
        expires: context.clock.now() + seconds * 1000,
        state: 'pending',
        signIn: undefined,
        polled: Number.NEGATIVE_INFINITY,
      });
      const where = `${context.origin()}${PAGE}`;
      const v1 = versionOf(request) === 1;
      return {
        user_code: userCode,
        device_code: deviceCode,
        // v1 responses write numbers as strings and name the URL differently; no version has verification_uri_complete.
        [v1 ? 'verification_url' : 'verification_uri']: where,
        expires_in: v1 ? String(seconds) : seconds,
        interval: v1 ? String(DEVICE_POLL_INTERVAL) : DEVICE_POLL_INTERVAL,
        message: `To sign in, use a web browser to open the page ${where} and enter the code ${userCode} to authenticate.`,
      };
    });
  }
}

function newUserCode(context: SharedContext): string {
  let code = '';
  while (code.length < CODE_LENGTH) {
    // Rejection sampling keeps each character equally likely.
    const value = context.random.bytes(1)[0]!;
    if (value < 256 - (256 % ALPHABET.length)) code += ALPHABET[value % ALPHABET.length];
  }
  return code;
}

/** The page where a user enters the code of a device. */
export function devicePageRoutes(shared: SharedContext, signIns: SignIns, app: FastifyInstance): void {
  app.setErrorHandler((error: unknown, request, reply) => {
    if (error instanceof AadstsError) return sendErrorPage(contextOf(shared, request), request, reply, error);
    throw error;
  });
  for (const path of [PAGE, '/common/oauth2/deviceauth']) {
    app.get(path, { config: { endpoint: 'authorize' } }, (request, reply) => {
      const code = Parameters.ofUrl(request.url).get('otc') ?? '';
      return showPage(request, reply, code, undefined);
    });
    app.post(path, { config: { endpoint: 'authorize' } }, (request, reply) => {
      const form = formOf(request);
      const browser = new Browser(shared, request, reply);
      browser.checkForm(request, 'device', form.get('canary'));
      const code = form.get('otc') ?? '';
      const device = shared.grants.findDeviceByUserCode(code);
      if (device?.state !== 'pending' || device.expires <= shared.clock.now()) {
        return showPage(request, reply, code, 'That code did not work. Check the code and try again (AADSTS70018).');
      }
      const { authority, clientId, scope } = device;
      const purpose = { kind: 'device', device } as const;
      const flow = signIns.begin(browser, { authority, clientId, scope, deviceId: undefined, purpose });
      return reply.redirect(loginLocation(flow), 303);
    });
  }

  function showPage(
    request: FastifyRequest,
    reply: FastifyReply,
    code: string,
    notice: string | undefined,
  ): FastifyReply {
    const browser = new Browser(shared, request, reply);
    browser.begin();
    const form = { action: PAGE, flow: '', canary: browser.canary('device'), brand: BRAND, notice };
    return sendPage(shared, reply, deviceCodePage(form, code.slice(0, 12)));
  }
}
