import t from 'tap';
import {
  type ApplicationInput,
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
} from '../../../src/entra/directory/index.ts';
import { FormBrowser, isPage, type SeenPage } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'http://localhost';
const SCOPE = 'openid offline_access User.Read';

function start(changes: Partial<ApplicationInput> = {}) {
  const directory = defaultDirectory();
  Object.assign(directory.tenants[0]!.applications![0]!, changes);
  return startProvider({ directory });
}

async function locationOf(provider: TestProvider, changes: Record<string, string>): Promise<URL | undefined> {
  const query = new URLSearchParams({
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state: 'its state',
    ...changes,
  });
  const response = await provider.fetch(`/contoso.com/oauth2/v2.0/authorize?${query}`);
  await response.body?.cancel();
  const location = response.headers.get('location');
  return location === null ? undefined : new URL(location);
}

t.test('the app is told of what is wrong with its request, once the redirect URI is known to be its own', async (t) => {
  await using provider = await start({ implicitIdToken: true });
  for (const [changes, error, number, fragment] of [
    [{ response_type: 'bad' }, 'unsupported_response_type', 70005, false],
    [{ response_type: 'token' }, 'unsupported_response_type', 70005, false],
    [{ response_mode: 'bad' }, 'invalid_request', 70007, false],
    [{ response_type: 'id_token', nonce: 'n', response_mode: 'query' }, 'invalid_request', 70007, true],
    [{ response_type: 'id_token' }, 'invalid_request', 90014, true],
    [{ response_mode: 'fragment', prompt: 'bad' }, 'invalid_request', 90100, true],
    [{ scope: '' }, 'invalid_request', 900144, false],
    [{ scope: 'quo"te' }, 'invalid_scope', 70011, false],
    [{ code_challenge: 'short' }, 'invalid_grant', 50147, false],
    [{ max_age: 'long' }, 'invalid_request', 90100, false],
    [{ claims: 'no JSON' }, 'invalid_grant', 9002313, false],
  ] as const) {
    const location = await locationOf(provider, changes);
    const name = JSON.stringify(changes);
    const parameters = new URLSearchParams(fragment ? location?.hash.slice(1) : location?.search);
    t.equal(location?.origin, REDIRECT, name);
    t.equal(parameters.get('error'), error, name);
    t.ok(parameters.get('error_description')?.startsWith(`AADSTS${number}: `), name);
    t.equal(parameters.get('state'), 'its state', name);
  }
  for (const changes of [
    { redirect_uri: 'https://evil.example/', response_type: 'bad' },
    { client_id: '99999999-0000-4000-8000-000000000000', response_type: 'bad' },
  ]) {
    t.equal(await locationOf(provider, changes), undefined, 'nothing goes to an address that is not proven');
  }
});

t.test('tokens come from the authorize endpoint only to apps that are registered for that kind of token', async (t) => {
  const asked = { nonce: 'n', prompt: 'none' };
  for (const [type, app, number] of [
    ['id_token', {}, 700054],
    ['id_token', { implicitAccessToken: true }, 700054],
    ['code id_token', {}, 700054],
    ['token', {}, 70005],
    ['token', { implicitIdToken: true }, 70005],
    ['code token', {}, 70005],
    ['id_token token', { implicitIdToken: true }, 70005],
    ['id_token token', { implicitAccessToken: true }, 700054],
    ['id_token', { implicitIdToken: true }, undefined],
    ['token', { implicitAccessToken: true }, undefined],
    ['id_token token', { implicitIdToken: true, implicitAccessToken: true }, undefined],
  ] as const) {
    await using provider = await start(app);
    const location = await locationOf(provider, { ...asked, response_type: type });
    const told = new URLSearchParams(location?.hash.slice(1) || location?.search).get('error_description') ?? '';
    const name = `${type} for ${JSON.stringify(app)}`;
    if (number !== undefined) t.ok(told.startsWith(`AADSTS${number}: `), `${name}: ${told}`);
    else t.match(told, /^AADSTS50058: /, `${name}: only nobody is signed in`);
  }
});

t.test('http://localhost may have any port, for apps of every kind', async (t) => {
  const local = 'http://localhost:4711';
  const kinds: [name: string, app: Partial<ApplicationInput>][] = [
    ['public', { redirectUris: ['http://localhost'] }],
    ['web', { publicClient: false, redirectUris: ['http://localhost:3000'] }],
    ['single page', { publicClient: false, redirectUris: [], spaRedirectUris: ['http://localhost:3000'] }],
  ];
  for (const [name, app] of kinds) {
    await using provider = await start(app);
    const asked = { redirect_uri: local, prompt: 'none', code_challenge: 'c'.repeat(43) };
    t.match((await locationOf(provider, asked))?.href, /^http:\/\/localhost:4711\/\?error=login_required/, name);
    t.equal(await locationOf(provider, { redirect_uri: `${local}/other` }), undefined, `${name}: the path counts`);
    t.equal(await locationOf(provider, { redirect_uri: 'https://localhost:4711' }), undefined, `${name}: and https`);
    if (name === 'single page') {
      const { code_challenge: _, ...plain } = asked;
      const told = (await locationOf(provider, plain))?.searchParams.get('error_description');
      t.match(told, /^AADSTS9002325/, 'the rules of the kind stay');
    }
  }
  const loopback = ['http://127.0.0.1:3000'];
  await using web = await start({ publicClient: false, redirectUris: loopback });
  t.equal(await locationOf(web, { redirect_uri: 'http://127.0.0.1:4711', prompt: 'none' }), undefined);
  await using native = await start({ redirectUris: loopback });
  t.ok(await locationOf(native, { redirect_uri: 'http://127.0.0.1:4711', prompt: 'none' }));
});

t.test('a work account is refused where only personal accounts may sign in', async (t) => {
  await using provider = await start({ signInAudience: 'AzureADMultipleOrgs' });
  const query = new URLSearchParams({
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: SCOPE,
  });
  const attempt = async (authority: string, login: string): Promise<SeenPage> => {
    const browser = new FormBrowser(provider);
    await browser.get(`/${authority}/oauth2/v2.0/authorize?${query}`);
    const visit = await browser.submit({ login });
    t.ok(isPage(visit));
    return visit as SeenPage;
  };
  for (const authority of ['consumers', '9188040d-6c67-4c5b-b112-36a304b66dad']) {
    t.match((await attempt(authority, 'alice@contoso.com')).html, /AADSTS50020: .*Microsoft Accounts/, authority);
    t.match((await attempt(authority, 'nobody@contoso.com')).html, /AADSTS50034/, authority);
  }
  t.equal((await attempt('organizations', 'alice@contoso.com')).heading, 'Enter password');

  const ask = (authority: string, form: Record<string, string>) =>
    provider.post(`/${authority}/oauth2/v2.0/token`, { client_id: DEFAULT_CLIENT_ID, scope: SCOPE, ...form });
  const password = { grant_type: 'password', username: 'alice@contoso.com', password: DEFAULT_PASSWORD };
  const { body } = await ask('organizations', password);
  const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token };
  t.match((await ask('consumers', refresh)).body, { error: 'invalid_grant', error_codes: [90072] });
  t.equal((await ask('common', refresh)).status, 200);
});
