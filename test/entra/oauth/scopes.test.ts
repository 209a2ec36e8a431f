import { decodeJwt } from 'jose';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, defaultDirectory } from '../../../src/entra/directory/index.ts';
import { parseScopes } from '../../../src/entra/oauth/scopes.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import { FormBrowser, isPage, type SeenPage, type SentToApp } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const TOKEN = '/contoso.com/oauth2/v2.0/token';
const GRAPH = '00000003-0000-0000-c000-000000000000';
const REDIRECT = 'http://localhost';
const BOTH = `openid offline_access User.Read ${TUNNEL_RESOURCE_ID}/Tunnel_Allow`;

const ask = (provider: TestProvider, form: Record<string, string>) =>
  provider.post(TOKEN, { client_id: DEFAULT_CLIENT_ID, ...form });

const byPassword = (provider: TestProvider, form: Record<string, string>) =>
  ask(provider, { grant_type: 'password', username: 'alice@contoso.com', password: DEFAULT_PASSWORD, ...form });

function withoutConsent() {
  const directory = defaultDirectory();
  directory.tenants[0]!.consents = [];
  return startProvider({ directory });
}

/** A browser before the password, on its way to a code for both APIs. */
async function askForBoth(provider: TestProvider): Promise<FormBrowser> {
  const browser = new FormBrowser(provider);
  const query = new URLSearchParams({
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: BOTH,
  });
  await browser.get(`/contoso.com/oauth2/v2.0/authorize?${query}`);
  await browser.submit({ login: 'alice@contoso.com' });
  return browser;
}

t.test('scopes are split by API, and those of OpenID Connect are of none, however they are written', async (t) => {
  t.strictSame(parseScopes(`openid https://graph.microsoft.com/profile User.Read api://x//.default`), {
    oidc: ['openid', 'profile'],
    apis: [
      { identifier: GRAPH, names: ['User.Read'] },
      { identifier: 'api://x/', names: ['.default'] },
    ],
  });
  t.strictSame(parseScopes('openid'), { oidc: ['openid'], apis: [{ identifier: GRAPH, names: [] }] });
});

t.test('one sign-in may ask for consent to several APIs; each token is for one of them', async (t) => {
  await using provider = await withoutConsent();
  const browser = await askForBoth(provider);
  const consent = (await browser.submit({ passwd: DEFAULT_PASSWORD })) as SeenPage;
  t.equal(consent.heading, 'Permissions requested');
  t.match(consent.html, /Microsoft Graph: User\.Read.*Microsoft Tunnel Gateway: Tunnel_Allow/s);
  await browser.submit({ action: 'accept' });
  const answer = await browser.submit({ action: 'no' });
  const code = (answer as SentToApp).parameters.get('code')!;
  const redeem = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT };
  t.match((await ask(provider, { ...redeem, scope: BOTH })).body, { error_codes: [28000] });

  const { body } = await byPassword(provider, { scope: `offline_access ${TUNNEL_DEFAULT_SCOPE}` });
  t.match(decodeJwt(body.access_token), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow' });
  const graph = await ask(provider, {
    grant_type: 'refresh_token',
    refresh_token: body.refresh_token,
    scope: 'User.Read',
  });
  t.match(decodeJwt(graph.body.access_token), { aud: GRAPH, scp: 'User.Read' }, 'both were consented to');
});

t.test('a code for several APIs that is redeemed without a scope buys a token for the first', async (t) => {
  await using provider = await startProvider();
  const browser = await askForBoth(provider);
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  const answer = await browser.submit({ action: 'no' });
  const code = (answer as SentToApp).parameters.get('code')!;
  const { body } = await ask(provider, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT });
  t.match(decodeJwt(body.access_token), { aud: GRAPH });
});

t.test('a device may ask for several APIs at once as well', async (t) => {
  await using provider = await withoutConsent();
  const { status, body } = await provider.post('/contoso.com/oauth2/v2.0/devicecode', {
    client_id: DEFAULT_CLIENT_ID,
    scope: BOTH,
  });
  t.equal(status, 200);
  const browser = new FormBrowser(provider);
  await browser.get('/devicelogin');
  await browser.submit({ otc: body.user_code });
  await browser.submit({ login: 'alice@contoso.com' });
  const consent = await browser.submit({ passwd: DEFAULT_PASSWORD });
  t.match(isPage(consent) && consent.html, /Microsoft Graph: User\.Read.*Microsoft Tunnel Gateway: Tunnel_Allow/s);
});

t.test('an API that is named in two ways is one API', async (t) => {
  await using provider = await startProvider();
  for (const scope of [
    'User.Read https://graph.microsoft.com/User.Read',
    `https://graph.microsoft.com//User.Read ${GRAPH}/User.Read`,
    `${TUNNEL_RESOURCE_ID}/Tunnel_Allow ${TUNNEL_RESOURCE_ID.toUpperCase()}/Tunnel_Allow`,
  ]) {
    t.equal((await byPassword(provider, { scope })).status, 200, scope);
  }
  const mixed = await byPassword(provider, { scope: 'User.Read https://graph.microsoft.com/.default' });
  t.match(mixed.body, { error_codes: [70011] }, 'so that .default may not stand beside its other names');
});

t.test('offline_access buys a refresh token and is no permission of the access token', async (t) => {
  await using provider = await startProvider();
  for (const [scope, scp] of [
    ['openid profile offline_access', 'openid profile User.Read'],
    ['openid offline_access User.Read', 'User.Read openid'],
    ['offline_access https://graph.microsoft.com/.default', 'User.Read'],
  ] as const) {
    const { body } = await byPassword(provider, { scope });
    t.equal(decodeJwt(body.access_token).scp, scp, scope);
    t.notOk(body.scope.split(' ').includes('offline_access'), scope);
    t.ok(body.refresh_token, scope);
  }
});

t.test('a request that names no scope, and never did, is refused for that', async (t) => {
  await using provider = await startProvider();
  for (const form of [{}, { scope: '' }, { scope: ' ' }]) {
    const { body } = await byPassword(provider, form);
    t.match(body, { error: 'invalid_request', error_codes: [900144], error_description: /'scope'/ });
  }
  const v1 = await provider.post('/contoso.com/oauth2/token', {
    client_id: DEFAULT_CLIENT_ID,
    grant_type: 'password',
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
  });
  t.equal(v1.status, 200, 'v1 endpoints know no scope');
  const { body } = await byPassword(provider, { scope: `offline_access ${TUNNEL_DEFAULT_SCOPE}` });
  const again = await ask(provider, { grant_type: 'refresh_token', refresh_token: body.refresh_token });
  t.equal(decodeJwt(again.body.access_token).aud, TUNNEL_RESOURCE_ID, 'a refresh is for what was asked before');
});
