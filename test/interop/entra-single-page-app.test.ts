import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import type { BrowserContext, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { DEFAULT_PASSWORD, DEFAULT_TENANT_ID, defaultDirectory } from '../../src/entra/directory/index.ts';
import { type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { CHROMIUM_NEEDS, Chromium } from '../support/chromium.ts';
import { skipUnless } from '../support/interop.ts';

// Single page apps with the MSAL that Microsoft ships, each a page of its own origin in a Chromium that trusts the simulator's CA.

t.setTimeout(110_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });
const APP = 'dddddddd-0000-4000-8000-000000000001';
const GRAPH = '00000003-0000-0000-c000-000000000000';
const ALICE = 'alice@contoso.com';

const require = createRequire(import.meta.url);
const MSAL = {
  2: require.resolve('msal-browser-2/package.json'),
  3: require.resolve('msal-browser-3/package.json'),
  4: require.resolve('@azure/msal-browser/package.json'),
};
type Version = keyof typeof MSAL;
const VERSIONS = [2, 3, 4] as const;

/** What a person does at the app: its button starts the call of MSAL that `todo` names, and `outcome` is what comes of it. */
const PAGE = `<!doctype html><title>App</title><h1>App</h1><button>Go</button><script src="msal.js"></script><script>
const readable = (error) => ({ name: error.name, errorCode: error.errorCode, message: error.errorMessage, claims: error.claims });
const told = (promise) => promise.then((result) => ({ result }), (error) => ({ failure: readable(error) }));
const app = new msal.PublicClientApplication(CONFIGURATION);
const ready = app.initialize();
const landed = told(ready.then(() => app.handleRedirectPromise()));
var todo, outcome;
document.querySelector('button').onclick = () => { outcome = told(ready.then(() => app[todo.call](todo.request))); };
</script>`;

interface Outcome {
  readonly result?: { readonly accessToken: string; readonly account: object; readonly fromCache: boolean } | null;
  readonly failure?: {
    readonly name: string;
    readonly errorCode: string;
    readonly message: string;
    readonly claims?: string;
  };
}

/** A web server with the app, and the simulator that knows it. */
interface World extends AsyncDisposable {
  readonly sim: Simulator;
  readonly chromium: Chromium;
  readonly origin: string;
  readonly authority: string;
  /** Opens the app, with the given version of MSAL. */
  open(context: BrowserContext, version: Version): Promise<Page>;
}

async function world(): Promise<World> {
  let sim: Simulator | undefined;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    const [, version, file] = pathname.split('/');
    const send = (type: string, text: string) => response.setHeader('content-type', type).end(text);
    if (file === 'msal.js') {
      return send(
        'text/javascript',
        readFileSync(join(MSAL[Number(version) as Version], '../lib/msal-browser.min.js'), 'utf8'),
      );
    }
    if (file !== '') return send('text/html', '<!doctype html><title>Blank</title>');
    const configuration = {
      auth: {
        clientId: APP,
        authority: `${sim!.identity.origin}/${DEFAULT_TENANT_ID}`,
        knownAuthorities: [new URL(sim!.identity.origin).host],
        redirectUri: `${origin}/${version}/`,
        postLogoutRedirectUri: `${origin}/${version}/signed-out`,
      },
      cache: { cacheLocation: searchParams.get('cache') ?? 'sessionStorage' },
    };
    return send('text/html; charset=utf-8', PAGE.replace('CONFIGURATION', JSON.stringify(configuration)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const directory = defaultDirectory();
  const tenant = directory.tenants[0]!;
  tenant.applications!.push({
    appId: APP,
    spaRedirectUris: VERSIONS.flatMap((version) => [`${origin}/${version}/`, `${origin}/${version}/blank`]),
    logoutUris: VERSIONS.map((version) => `${origin}/${version}/signed-out`),
  });
  tenant.consents!.push({ client: APP, resource: GRAPH, scopes: ['User.Read'] });
  tenant.consents!.push({ client: APP, resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] });
  sim = await startSimulator({ identity: { directory } });
  const chromium = await Chromium.start({ ca: sim.ca });
  return {
    sim,
    chromium,
    origin,
    authority: `${sim.identity.origin}/contoso.com`,
    async open(context, version) {
      const page = await context.newPage();
      await page.goto(`${origin}/${version}/`);
      return page;
    },
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]();
      await sim[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Presses the app's button for a call of MSAL. */
async function begin(page: Page, call: string, request: object): Promise<void> {
  await page.evaluate((todo) => void Object.assign(globalThis, { todo }), { call, request });
  await page.click('button');
}

const outcome = (page: Page): Promise<Outcome> => page.evaluate('outcome');

async function call(page: Page, name: string, request: object): Promise<Outcome> {
  await begin(page, name, request);
  return outcome(page);
}

/** Signs alice in at whatever window the pages of Entra ID are in. */
async function signIn(page: Page): Promise<void> {
  await page.fill('input[name=login]', ALICE);
  await page.click('button:text-is("Next")');
  await page.fill('input[name=passwd]', DEFAULT_PASSWORD);
  await page.click('button:text-is("Sign in")');
  await page.click('button:text-is("No")');
}

const account = (page: Page): Promise<object> => page.evaluate('app.getAllAccounts()[0]');

async function connects(t: Test, { sim }: World, { result, failure }: Outcome): Promise<void> {
  t.equal(failure, undefined);
  const token = result!.accessToken;
  t.match(decodeJwt(token), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow', azp: APP });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
  t.ok(client.connected);
}

const GRAPH_SCOPES = { scopes: ['User.Read'] };
const TUNNEL_SCOPES = { scopes: [TUNNEL_DEFAULT_SCOPE] };

const shared = skip ? undefined : await world();
t.teardown(() => shared?.[Symbol.asyncDispose]());

for (const version of VERSIONS) {
  t.test(
    `msal-browser ${version} signs in by popup, refreshes silently into the tunnel, and out by popup`,
    { skip },
    async (t) => {
      const one = shared!;
      await using browser = await one.chromium.visit();
      const page = await one.open(browser.context, version);
      const redirectUri = `${one.origin}/${version}/blank`;
      const popup = async (name: string, request: object, person: (popup: Page) => Promise<void>): Promise<Outcome> => {
        const opened = page.waitForEvent('popup');
        await begin(page, name, request);
        await person(await opened);
        return outcome(page);
      };
      const signedIn = await popup('loginPopup', { ...GRAPH_SCOPES, redirectUri }, signIn);
      t.match(signedIn, { result: { account: { username: ALICE, tenantId: DEFAULT_TENANT_ID }, fromCache: false } });

      const request = { ...TUNNEL_SCOPES, account: await account(page) };
      await connects(t, one, await call(page, 'acquireTokenSilent', request));
      one.sim.identity.disturb('token', { status: 503 });
      const cached = await call(page, 'acquireTokenSilent', request);
      t.match(cached, { result: { fromCache: true } }, 'no request was made');
      one.sim.identity.outages.clear();
      await connects(t, one, await call(page, 'acquireTokenSilent', { ...request, forceRefresh: true }));

      one.sim.identity.failNext({ user: ALICE, code: 50076 });
      const { failure } = await call(page, 'acquireTokenSilent', { ...request, forceRefresh: true });
      t.match(failure, { name: 'InteractionRequiredAuthError', errorCode: 'invalid_grant', message: /AADSTS50076/ });
      const claims = failure!.claims!;
      const more = await popup('acquireTokenPopup', { ...request, claims, redirectUri }, async (window) => {
        await window.waitForSelector('h1:text-is("Enter code")');
        await window.keyboard.type('123456');
        await window.keyboard.press('Enter');
        await window.click('button:text-is("No")');
      });
      await connects(t, one, more);

      const out = await call(page, 'logoutPopup', { account: request.account });
      t.equal(out.failure, undefined);
      t.equal(await account(page), undefined);
    },
  );

  t.test(
    `msal-browser ${version} signs in by redirect, silently from the session, and out by redirect`,
    { skip },
    async (t) => {
      const one = shared!;
      await using browser = await one.chromium.visit({ thirdPartyCookies: true });
      const page = await one.open(browser.context, version);
      await begin(page, 'loginRedirect', TUNNEL_SCOPES);
      await signIn(page);
      await page.waitForURL(`${one.origin}/${version}/`);
      await connects(t, one, await page.evaluate('landed'));

      // Another tab knows no token, but the browser has a session at Entra ID.
      const other = await one.open(browser.context, version);
      const redirectUri = `${one.origin}/${version}/blank`;
      await connects(t, one, await call(other, 'ssoSilent', { ...TUNNEL_SCOPES, loginHint: ALICE, redirectUri }));

      await begin(page, 'logoutRedirect', { account: await account(page) });
      await page.waitForURL(`${one.origin}/${version}/signed-out`);
      const third = await one.open(browser.context, version);
      const { failure } = await call(third, 'ssoSilent', { ...TUNNEL_SCOPES, loginHint: ALICE, redirectUri });
      t.match(failure, { name: 'InteractionRequiredAuthError', errorCode: 'login_required', message: /AADSTS50058/ });
    },
  );
}

t.test('a single page app calls each endpoint that is no page from its own origin', { skip }, async (t) => {
  const one = shared!;
  await using browser = await one.chromium.visit();
  const page = await one.open(browser.context, 4);
  await begin(page, 'loginRedirect', GRAPH_SCOPES);
  await signIn(page);
  await page.waitForURL(`${one.origin}/4/`);
  const { result } = await page.evaluate<Outcome>('landed');
  // Each call has a header that makes the browser ask first.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer, looked into below
  const ask = (url: string, form?: Record<string, string>, authorization?: string): Promise<any> =>
    page.evaluate(
      async ([url, form, authorization]) => {
        const response = await fetch(url, {
          method: form ? 'POST' : 'GET',
          ...(form ? { body: new URLSearchParams(form) } : {}),
          headers: { 'x-client-sku': 'test', ...(authorization ? { authorization } : {}) },
        });
        return response.json();
      },
      [url, form, authorization] as const,
    );
  const metadata = await ask(`${one.authority}/v2.0/.well-known/openid-configuration`);
  t.ok((await ask(metadata.jwks_uri)).keys.length > 0);
  const device = { client_id: APP, scope: 'openid User.Read' };
  t.match(await ask(metadata.device_authorization_endpoint, device), { user_code: String });
  t.match(await ask(metadata.token_endpoint, { ...device, grant_type: 'password' }), { error_codes: [900144] });
  t.match(await ask(metadata.userinfo_endpoint, undefined, `Bearer ${result!.accessToken}`), { name: 'Alice Ahrens' });
});
