import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/lib/tunnel-api.ts';
import { FormBrowser, isPage, type SeenPage, type SentToApp } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'msauth.com.contoso.lob://auth';
const VERIFIER = 'v'.repeat(43);
const TOKEN = '/contoso.com/oauth2/v2.0/token';

function authorizeUrl(changes: Record<string, string> = {}): string {
  const parameters = {
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: `offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  return `/contoso.com/oauth2/v2.0/authorize?${new URLSearchParams(parameters)}`;
}

async function getCode(provider: TestProvider, changes: Record<string, string> = {}): Promise<string> {
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl({ login_hint: 'alice@contoso.com', ...changes }));
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  const visit = (await browser.submit({ action: 'no' })) as SentToApp;
  return visit.parameters.get('code')!;
}

function redeem(provider: TestProvider, code: string, changes: Record<string, string> = {}) {
  return provider.post(TOKEN, {
    grant_type: 'authorization_code',
    client_id: DEFAULT_CLIENT_ID,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    ...changes,
  });
}

function startWith(change: (tenant: TenantInput) => void) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return startProvider({ directory });
}

t.test('nobody is redirected to an address that the app did not register', async (t) => {
  await using provider = await startWith((tenant) => {
    const uris = tenant.applications![0]!.redirectUris!;
    uris.push('https://app.contoso.com/callback', 'javascript:alert(1)', 'data:text/html,x');
  });
  const evil = [
    'https://evil.example/',
    'https://app.contoso.com.evil.example/callback',
    'https://app.contoso.com/callback/../../evil',
    'https://app.contoso.com/callback?next=evil',
    'https://app.contoso.com/callback#fragment',
    'https://user@app.contoso.com/callback',
    'https://app.contoso.com:444/callback',
    'HTTPS://app.contoso.com/callback',
    'http://app.contoso.com/callback',
    'http://localhost.evil.example/',
    'http://localhost@evil.example/',
    'http://localhost:80@evil.example/',
    'http://localhost/other-path',
    'http://127.0.0.1/',
    'https://localhost:1234/',
    'msauth.com.contoso.lob://auth/more',
    'msauth.com.evil://auth',
    'javascript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    '/relative',
    'not a url',
  ];
  for (const redirect_uri of evil) {
    const response = await provider.fetch(authorizeUrl({ redirect_uri, prompt: 'none' }));
    t.equal(response.status, 400, redirect_uri);
    t.equal(response.headers.get('location'), null);
    const page = await response.text();
    t.match(page, /AADSTS50011/);
    t.notMatch(page, /<a class="button main"/, 'no way back is offered either');
  }
  const loopback = await provider.fetch(authorizeUrl({ redirect_uri: 'http://localhost:4711', prompt: 'none' }));
  t.match(
    loopback.headers.get('location'),
    /^http:\/\/localhost:4711\?error=/,
    'any port of a loopback address is fine',
  );
});

t.test('a form of another site, browser or sign-in is refused', async (t) => {
  await using provider = await startProvider();
  const victim = new FormBrowser(provider);
  const page = (await victim.get(authorizeUrl({ login_hint: 'alice@contoso.com' }))) as SeenPage;
  const field = (name: string, html = page.html) => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)![1]!;
  const [flow, canary] = [field('flow'), field('canary')];
  const cookie = [...victim.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const post = (form: Record<string, string>, headers: Record<string, string>) =>
    provider.fetch('/common/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ passwd: DEFAULT_PASSWORD, ...form }).toString(),
    });
  const refused = async (why: string, form: Record<string, string>, headers: Record<string, string>) => {
    const response = await post(form, headers);
    t.match(await response.text(), /AADSTS(90100|50089)/, why);
    t.equal(response.status, 400);
  };
  await refused('without the token of the form', { flow }, { cookie });
  await refused('with a wrong one', { flow, canary: 'x'.repeat(43) }, { cookie });
  await refused('from another origin', { flow, canary }, { cookie, origin: 'https://evil.example' });
  await refused('from a page without origin', { flow, canary }, { cookie, origin: 'null' });
  await refused('without the cookie of the browser', { flow, canary }, {});
  const attacker = new FormBrowser(provider);
  const other = (await attacker.get(authorizeUrl())) as SeenPage;
  const theirs = [...attacker.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  await refused("with another browser's cookie", { flow, canary }, { cookie: theirs });
  await refused("with another flow's token", { flow, canary: field('canary', other.html) }, { cookie });
  const fine = await post({ flow, canary }, { cookie, origin: provider.origin });
  t.equal(fine.status, 303, 'and the true form still works');
});

t.test('cookies are closed to scripts and to plain HTTP, and change at sign-in', async (t) => {
  await using provider = await startProvider();
  const response = await provider.fetch(authorizeUrl());
  for (const cookie of response.headers.getSetCookie()) t.match(cookie, /; Path=\/; Secure; HttpOnly; SameSite=None/);
  const browser = new FormBrowser(provider);
  browser.cookies.set('ESTSAUTH', 'p'.repeat(43));
  await browser.get(authorizeUrl({ login_hint: 'alice@contoso.com' }));
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  await browser.submit({ action: 'no' });
  t.not(browser.cookies.get('ESTSAUTH'), 'p'.repeat(43), 'a planted session is not taken over');
});

t.test('what comes in a request is text on every page', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.displayName = '<img src=x onerror=alert(1)>';
    tenant.applications![0]!.displayName = '"><script>alert(1)</script>';
  });
  const nasty = `"><script>alert(1)</script>'\`@x`;
  const urls = [
    authorizeUrl({ login_hint: nasty }),
    authorizeUrl({ login_hint: 'alice@contoso.com' }),
    authorizeUrl({ client_id: nasty }),
    authorizeUrl({ scope: nasty }),
    authorizeUrl({ response_type: nasty }),
    authorizeUrl({ redirect_uri: nasty }),
    authorizeUrl({ state: nasty, response_type: 'bad' }),
    `/devicelogin?otc=${encodeURIComponent(nasty)}`,
    `/${encodeURIComponent(nasty)}/oauth2/v2.0/authorize`,
    `/common/login?flow=${encodeURIComponent(nasty)}`,
  ];
  for (const url of urls) {
    const response = await provider.fetch(url);
    const body = await response.text();
    t.notMatch(body, /<script>|<img src=x/, url);
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      const policy = response.headers.get('content-security-policy') ?? '';
      t.match(policy, /default-src 'none'/);
      t.match(policy, /frame-ancestors 'none'/);
      t.notMatch(policy, /unsafe-inline|script-src/);
    }
  }
});

t.test('a code is good once, for its client, its redirect URI and its verifier, and for ten minutes', async (t) => {
  const clock = new ManualClock();
  const directory = defaultDirectory();
  const other = 'aaaaaaaa-0000-4000-8000-00000000000a';
  directory.tenants[0]!.applications!.push({ appId: other, redirectUris: [REDIRECT] });
  await using provider = await startProvider({ clock, directory });
  const code = await getCode(provider);
  const codes = async (changes: Record<string, string>) => (await redeem(provider, code, changes)).body.error_codes;
  t.strictSame(await codes({ client_id: other }), [70000]);
  t.strictSame(await codes({ redirect_uri: 'http://localhost' }), [70004]);
  t.strictSame(await codes({ code_verifier: 'w'.repeat(43) }), [501481]);
  t.strictSame(await codes({ code_verifier: 'short' }), [501491]);
  t.strictSame(await codes({ code_verifier: '' }), [501491], 'leaving the verifier out does not help');
  t.equal((await redeem(provider, code)).status, 200);
  t.strictSame(await codes({}), [54005]);
  const late = await getCode(provider);
  clock.advance(600_000);
  t.strictSame((await redeem(provider, late)).body.error_codes, [70008]);
  t.strictSame((await redeem(provider, '1.Anever-issued')).body.error_codes, [70000]);
});

t.test('a code redeemed by many at the same moment is good for one of them', async (t) => {
  await using provider = await startProvider();
  const code = await getCode(provider);
  const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(provider, code)));
  const statuses = answers.map(({ status }) => status).sort();
  t.strictSame(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
});

t.test('with replay "revoke", a code used twice ends the tokens of the first use', async (t) => {
  await using provider = await startProvider({ behaviour: { replay: 'revoke' } });
  const code = await getCode(provider);
  const { refresh_token } = (await redeem(provider, code)).body;
  t.strictSame((await redeem(provider, code)).body.error_codes, [54005]);
  const after = await provider.post(TOKEN, {
    grant_type: 'refresh_token',
    client_id: DEFAULT_CLIENT_ID,
    refresh_token,
  });
  t.strictSame(after.body.error_codes, [50173]);
});

t.test('of many redemptions of one code at the same time one succeeds', async (t) => {
  await using provider = await startProvider();
  const code = await getCode(provider);
  const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(provider, code)));
  t.strictSame(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400]);
});

t.test('a code without challenge cannot be redeemed with a verifier made up later', async (t) => {
  await using provider = await startProvider();
  const code = await getCode(provider, { code_challenge: '', code_challenge_method: '' });
  t.strictSame((await redeem(provider, code)).body.error_codes, [501481]);
});

t.test('malformed authorize requests are told to the app when no page is wanted', async (t) => {
  await using provider = await startProvider();
  const cases: [string, Record<string, string>][] = [
    ['50147', { code_challenge: 'short' }],
    ['90100', { code_challenge_method: 'S512' }],
    ['70005', { response_type: 'magic' }],
    ['700054', { response_type: 'id_token', nonce: 'n' }],
    ['70007', { response_mode: 'carrier-pigeon' }],
    ['70011', { scope: 'a"b' }],
    ['900144', { scope: '' }],
    ['9002313', { claims: '[' }],
    ['90100', { max_age: '-1' }],
  ];
  for (const [code, changes] of cases) {
    const response = await provider.fetch(authorizeUrl({ prompt: 'none', state: 's', ...changes }));
    const answer = new URL(response.headers.get('location')!).searchParams;
    t.match(answer.get('error_description'), new RegExp(`^AADSTS${code}: `));
    t.equal(answer.get('state'), 's');
  }
});

t.test('a parameter that comes twice is refused, in a form and in a query', async (t) => {
  await using provider = await startProvider();
  const twice = `grant_type=password&client_id=${DEFAULT_CLIENT_ID}&client_id=other`;
  t.match((await provider.post(TOKEN, twice)).body, { error: 'invalid_request', error_codes: [90100] });
  const response = await provider.fetch(`${authorizeUrl()}&redirect_uri=https://evil.example/`);
  t.equal(response.status, 400);
  t.match(await response.text(), /AADSTS90100/);
});

t.test('bodies that are too large, of another type or not text are refused with an answer', async (t) => {
  await using provider = await startProvider();
  const large = await provider.post(TOKEN, `grant_type=password&x=${'x'.repeat(70_000)}`);
  t.equal(large.status, 413);
  t.match(large.body, { error_codes: [9002313] });
  const long = await provider.post(TOKEN, `grant_type=password&x=${'x'.repeat(20_000)}`);
  t.match(long.body, { error_codes: [9002313] });
  const many = await provider.post(TOKEN, Array.from({ length: 200 }, (_, index) => `p${index}=1`).join('&'));
  t.match(many.body, { error_codes: [9002313] });
  const json = await provider.post(TOKEN, '{"grant_type":"password"}', { 'content-type': 'application/json' });
  t.equal(json.status, 415);
  const empty = await provider.fetch(TOKEN, { method: 'POST' });
  t.equal(empty.status, 400);
  t.match(await empty.json(), { error_codes: [900144] });
  const binary = await provider.post(TOKEN, '%ff%fe%00=%00&grant_type=%00');
  t.match(binary.body, { error_codes: [70003] });
});

t.test('names of the language itself are names like any other', async (t) => {
  await using provider = await startProvider();
  for (const name of ['__proto__', 'constructor', 'toString']) {
    t.match((await provider.post(TOKEN, { grant_type: name })).body, { error_codes: [70003] });
    const answer = await provider.post(TOKEN, {
      grant_type: 'password',
      client_id: DEFAULT_CLIENT_ID,
      username: name,
      password: name,
      [name]: '1',
      claims: `{"${name}":{"access_token":1}}`,
      scope: TUNNEL_DEFAULT_SCOPE,
    });
    t.match(answer.body, { error_codes: [50034] });
  }
});

t.test('a client that sends its request drop by drop is cut off, and others are served meanwhile', async (t) => {
  await using provider = await startProvider({ timeouts: { headers: 300, request: 600 } });
  const { port } = new URL(provider.origin);
  const slow = connect({ host: '127.0.0.1', port: Number(port), ca: provider.caPem, servername: 'localhost' });
  await once(slow, 'secureConnect');
  slow.write(`POST ${TOKEN} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n`);
  slow.write('Content-Length: 1000\r\n\r\ngrant_');
  slow.on('error', () => {});
  slow.resume();
  const closed = once(slow, 'close');
  t.equal((await provider.fetch('/common/v2.0/.well-known/openid-configuration')).status, 200);
  await closed;
  t.pass('the slow connection was closed');
});

t.test('a device code tells nothing to a client that it was not given to', async (t) => {
  const directory = defaultDirectory();
  const other = 'aaaaaaaa-0000-4000-8000-00000000000a';
  directory.tenants[0]!.applications!.push({ appId: other });
  await using provider = await startProvider({ directory });
  const { body } = await provider.post('/contoso.com/oauth2/v2.0/devicecode', {
    client_id: DEFAULT_CLIENT_ID,
    scope: TUNNEL_DEFAULT_SCOPE,
  });
  const poll = await provider.post(TOKEN, {
    grant_type: 'device_code',
    client_id: other,
    device_code: body.device_code,
  });
  t.match(poll.body, { error: 'bad_verification_code', error_codes: [70018] });
});

t.test('an STS answer that is forged, or meant for another sign-in, signs nobody in', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.federatedDomains = ['contoso.com'];
  });
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl({ login_hint: 'alice@contoso.com' }));
  const flow = /name="flow" value="([^"]*)"/.exec(browser.page!.html)![1]!;
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const send = async (wresult: string, wctx = flow) => {
    const response = await provider.fetch('/login.srf', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      body: new URLSearchParams({ wa: 'wsignin1.0', wresult, wctx }).toString(),
    });
    return response.text();
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const forged = `${part({ alg: 'none' })}.${part({ upn: 'alice@contoso.com', wctx: flow })}.`;
  t.match(await send(forged), /AADSTS50013/);
  t.match(await send('nonsense'), /AADSTS50013/);
  const relay = (await browser.submit({ passwd: DEFAULT_PASSWORD })) as SeenPage;
  const result = /name="wresult" value="([^"]*)"/.exec(relay.html)![1]!;
  const second = new FormBrowser(provider);
  for (const [name, value] of browser.cookies) second.cookies.set(name, value);
  await second.get(authorizeUrl({ login_hint: 'bob@contoso.com' }));
  const otherFlow = /name="flow" value="([^"]*)"/.exec(second.page!.html)![1]!;
  t.match(await send(result, otherFlow), /AADSTS50013/, "Alice's answer does not sign Bob in");
  t.ok(isPage(await browser.submit()), 'where it belongs, it works');
});

t.test('sessions of a user whose sessions were revoked are no longer used by the browser', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl({ login_hint: 'alice@contoso.com' }));
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  await browser.submit({ action: 'yes' });
  provider.idp.revokeSessions('alice@contoso.com');
  const silent = (await browser.get(authorizeUrl({ prompt: 'none' }))) as SentToApp;
  t.equal(silent.parameters.get('error'), 'login_required');
});
