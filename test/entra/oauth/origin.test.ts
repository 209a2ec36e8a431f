import t from 'tap';
import { DEFAULT_PASSWORD, defaultDirectory } from '../../../src/entra/directory/index.ts';
import { FormBrowser, type SentToApp } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const APP = 'dddddddd-0000-4000-8000-000000000002';
const PAGE = 'https://app.example';
const SPA = `${PAGE}/spa`;
const WEB = `${PAGE}/web`;
const SCOPE = 'openid offline_access User.Read';
const VERIFIER = 'v'.repeat(43);

function start(spaRedirectUris = [SPA]) {
  const directory = defaultDirectory();
  const tenant = directory.tenants[0]!;
  tenant.applications!.push({ appId: APP, redirectUris: [WEB], spaRedirectUris });
  tenant.consents!.push({ client: APP, resource: '00000003-0000-0000-c000-000000000000', scopes: ['User.Read'] });
  return startProvider({ directory });
}

async function ask(provider: TestProvider, form: Record<string, string>, origin?: string) {
  const headers = origin === undefined ? {} : { origin };
  const { status, body } = await provider.post(
    '/contoso.com/oauth2/v2.0/token',
    { client_id: APP, scope: SCOPE, ...form },
    headers,
  );
  return status === 200 ? { code: 200, body } : { code: body.error_codes[0], body };
}

async function codeFor(provider: TestProvider, redirectUri: string): Promise<Record<string, string>> {
  const browser = new FormBrowser(provider);
  const query = new URLSearchParams({
    client_id: APP,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: SCOPE,
    code_challenge: VERIFIER,
    code_challenge_method: 'plain',
  });
  await browser.get(`/contoso.com/oauth2/v2.0/authorize?${query}`);
  await browser.submit({ login: 'alice@contoso.com' });
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  const answer = (await browser.submit({ action: 'no' })) as SentToApp;
  const code = answer.parameters.get('code')!;
  return { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: VERIFIER };
}

t.test('what is issued to a single page app is redeemed from a page, and nothing else is', async (t) => {
  await using provider = await start();
  const spa = await codeFor(provider, SPA);
  const refused = await ask(provider, spa);
  t.match(refused, { code: 9002327, body: { error: 'invalid_request' } });
  const { code, body } = await ask(provider, spa, PAGE);
  t.equal(code, 200, 'the code is not spent by the refusal');
  const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token };
  t.equal((await ask(provider, refresh)).code, 9002327);
  t.equal((await ask(provider, refresh, PAGE)).code, 200);

  const web = await codeFor(provider, WEB);
  t.match(await ask(provider, web, PAGE), {
    code: 9002326,
    body: { error: 'invalid_request', error_description: /Request origin: 'https:\/\/app\.example'/ },
  });
  t.equal((await ask(provider, web, provider.origin)).code, 200, 'a page of the provider itself is not foreign');
});

t.test('other grants may be used from a page by an app that has one', async (t) => {
  const form = { grant_type: 'password', username: 'alice@contoso.com', password: DEFAULT_PASSWORD };
  await using provider = await start();
  t.equal((await ask(provider, form, PAGE)).code, 200);
  await using without = await start([]);
  t.equal((await ask(without, form, PAGE)).code, 9002326);
  t.equal((await ask(without, form)).code, 200);
});
