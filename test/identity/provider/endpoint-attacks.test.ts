import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../../src/identity/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/identity/tokens/constants.ts';
import { FormBrowser, isPage, type Visit } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'msauth.com.contoso.lob://auth';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
const TOKEN_PATH = '/contoso.com/oauth2/v2.0/token';
const ALICE = 'alice@contoso.com';

function authorizeUrl(changes: Record<string, string> = {}): string {
  const parameters = {
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: `openid offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    state: 'state',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  };
  return `/contoso.com/oauth2/v2.0/authorize?${new URLSearchParams(parameters)}`;
}

/** Signs Alice in and returns the code that the app gets. */
async function codeFor(provider: TestProvider, url = authorizeUrl()): Promise<string> {
  const browser = new FormBrowser(provider);
  await browser.get(url);
  await browser.submit({ login: ALICE });
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  const visit = await browser.submit({ action: 'no' });
  if (isPage(visit)) throw new Error(`Still on the page "${visit.heading}".`);
  return visit.parameters.get('code') ?? '';
}

function redeem(provider: TestProvider, code: string, changes: Record<string, string> = {}) {
  const form = {
    grant_type: 'authorization_code',
    client_id: DEFAULT_CLIENT_ID,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    ...changes,
  };
  return provider.post(TOKEN_PATH, form);
}

const errorOf = (answer: { body: { error_codes?: number[] } }): number | undefined => answer.body.error_codes?.[0];

function staysHere(t: Test, visit: Visit, name: string): void {
  t.ok(isPage(visit), `${name}: nobody is sent anywhere`);
  if (isPage(visit)) t.notMatch(visit.html, /href="(?!\/|#)/, `${name}: no link leads there either`);
}

t.test('nobody is redirected to where the app is not registered, however similar it looks', async (t) => {
  await using provider = await startProvider();
  const redirects = [
    'https://attacker.example/',
    'https://attacker.example/?msauth.com.contoso.lob://auth',
    `${REDIRECT}/`,
    `${REDIRECT}?x=1`,
    `${REDIRECT}.attacker.example`,
    'msauth.com.contoso.lob://auth@attacker.example',
    'msauth.com.contoso.LOB://auth',
    'msauth.com.contoso.lob:///auth',
    `${REDIRECT}#fragment`,
    `${REDIRECT}\r\nSet-Cookie: a=b`,
    'http://localhost.attacker.example/',
    'http://localhost@attacker.example/',
    'http://user@localhost/',
    'https://localhost/',
    'http://localhost/other',
    'javascript:alert(1)',
    'data:text/html,x',
    '//attacker.example',
    '/common/login',
    '',
  ];
  for (const redirect_uri of redirects) {
    const browser = new FormBrowser(provider);
    staysHere(t, await browser.get(authorizeUrl({ redirect_uri })), JSON.stringify(redirect_uri));
    const silently = await browser.get(authorizeUrl({ redirect_uri, prompt: 'none' }));
    staysHere(t, silently, `${JSON.stringify(redirect_uri)}, prompt=none`);
  }
  const port = await new FormBrowser(provider).get(authorizeUrl({ redirect_uri: 'http://localhost:12345' }));
  t.ok(isPage(port) && port.heading === 'Sign in', 'the port of a loopback address is free');
});

t.test('sign-out leads nowhere but to what is registered', async (t) => {
  await using provider = await startProvider();
  for (const target of ['https://attacker.example/', 'javascript:alert(1)', '//attacker.example', `${REDIRECT}x`]) {
    const path = `/contoso.com/oauth2/v2.0/logout?${new URLSearchParams({ post_logout_redirect_uri: target })}`;
    staysHere(t, await new FormBrowser(provider).get(path), target);
  }
});

t.test('a form that another site sends is refused, and so is one of another browser or another sign-in', async (t) => {
  await using provider = await startProvider();
  const victim = new FormBrowser(provider);
  await victim.get(authorizeUrl());
  const page = victim.page!;
  const field = (name: string, html = page.html): string =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
  const cookie = [...victim.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const form = { flow: field('flow'), canary: field('canary'), login: ALICE };
  const send = async (body: Record<string, string>, headers: Record<string, string>): Promise<number> => {
    const response = await provider.fetch('/common/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(body).toString(),
    });
    await response.body?.cancel();
    return response.status;
  };
  t.ok(form.flow && form.canary, 'the page has what the attack needs');
  t.not(await send(form, { cookie, origin: 'https://attacker.example' }), 303, 'from another origin');
  t.not(await send(form, { cookie, origin: 'null' }), 303, 'from a sandboxed frame');
  t.not(await send(form, {}), 303, 'without the cookie');
  t.not(await send({ ...form, canary: '' }, { cookie }), 303, 'without canary');
  t.not(await send({ ...form, canary: 'A'.repeat(43) }, { cookie }), 303, 'with a guessed canary');

  const attacker = new FormBrowser(provider);
  await attacker.get(authorizeUrl());
  const theirs = {
    flow: field('flow', attacker.page!.html),
    canary: field('canary', attacker.page!.html),
    login: ALICE,
  };
  t.not(await send(theirs, { cookie }), 303, "with the attacker's flow and canary in the victim's browser");
  t.not(await send({ ...theirs, flow: form.flow }, { cookie }), 303, "with the attacker's canary");
  t.equal(await send(form, { cookie, origin: provider.origin }), 303, 'the honest form is taken');
});

t.test(
  'pages cannot be framed, run no script of others, and their cookies are out of the reach of scripts',
  async (t) => {
    await using provider = await startProvider();
    const response = await provider.fetch(
      authorizeUrl({ state: '"><script>alert(1)</script>', login_hint: '"><img src=x>@a' }),
    );
    const html = await response.text();
    t.notMatch(html, /<script>alert|<img src=x>/);
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"])
      t.ok(policy.includes(rule), rule);
    t.notMatch(policy, /unsafe-inline|unsafe-eval/);
    t.equal(response.headers.get('x-frame-options'), 'DENY');
    t.match(response.headers.get('cache-control'), /no-store/);
    const cookies = response.headers.getSetCookie();
    t.ok(cookies.length > 0 && cookies.every((one) => /; Secure; HttpOnly; SameSite=Lax/.test(one)), cookies.join());
  },
);

t.test('a code works once, for its client, its redirect URI and its verifier', async (t) => {
  await using provider = await startProvider({ behaviour: { replay: 'revoke' } });
  const code = await codeFor(provider);
  t.equal(errorOf(await redeem(provider, code, { code_verifier: 'w'.repeat(43) })), 501481, 'another verifier');
  t.equal(errorOf(await redeem(provider, code, { code_verifier: '' })), 501491, 'no verifier');
  t.equal(errorOf(await redeem(provider, code, { code_verifier: CHALLENGE })), 501481, 'the challenge itself');
  t.not((await redeem(provider, code, { redirect_uri: 'http://localhost' })).status, 200, 'another redirect URI');
  t.not((await redeem(provider, `${code}x`)).status, 200, 'a longer code');
  const all = await Promise.all(Array.from({ length: 5 }, () => redeem(provider, code)));
  t.same(all.map((one) => one.status).sort(), [200, 400, 400, 400, 400], 'of five at once one succeeds');
  const refresh = all.find((one) => one.status === 200)!.body.refresh_token;
  const again = await provider.post(TOKEN_PATH, {
    grant_type: 'refresh_token',
    client_id: DEFAULT_CLIENT_ID,
    refresh_token: refresh,
  });
  t.not(again.status, 200, 'the replay ended what the code had bought');
});

t.test('a verifier for a code that was issued without a challenge is refused', async (t) => {
  await using provider = await startProvider();
  const url = new URL(authorizeUrl(), provider.origin);
  url.searchParams.delete('code_challenge');
  url.searchParams.delete('code_challenge_method');
  const code = await codeFor(provider, `${url.pathname}${url.search}`);
  t.equal(errorOf(await redeem(provider, code)), 501481, 'a stripped challenge does not go unnoticed');
});

t.test('refresh tokens: with replay "revoke" the second use ends the whole sign-in', async (t) => {
  await using provider = await startProvider({ behaviour: { replay: 'revoke' } });
  const first = (await redeem(provider, await codeFor(provider))).body.refresh_token;
  const refresh = (refresh_token: string) =>
    provider.post(TOKEN_PATH, { grant_type: 'refresh_token', client_id: DEFAULT_CLIENT_ID, refresh_token });
  const second = await refresh(first);
  t.equal(second.status, 200);
  t.equal((await refresh(first)).body.error, 'invalid_grant', 'the thief comes late');
  t.equal((await refresh(second.body.refresh_token)).body.error, 'invalid_grant', 'and the honest one has to sign in');
});

t.test('passwords cannot be guessed at speed, and a wrong one tells nothing of the account', async (t) => {
  await using provider = await startProvider();
  const guess = (password: string) =>
    provider.post(TOKEN_PATH, {
      grant_type: 'password',
      client_id: DEFAULT_CLIENT_ID,
      username: ALICE,
      password,
      scope: TUNNEL_DEFAULT_SCOPE,
    });
  for (let i = 0; i < 10; i++) t.equal(errorOf(await guess(`guess ${i}`)), 50126);
  t.equal(errorOf(await guess(DEFAULT_PASSWORD)), 50053, 'locked, the right password included');
});

t.test('malformed token requests get an error in the shape of Entra, never a stack', async (t) => {
  await using provider = await startProvider();
  const good = {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: ALICE,
    password: 'x',
    scope: 'openid',
  };
  const bodies: Record<string, string> = {
    empty: '',
    'a parameter twice': `${new URLSearchParams(good)}&client_id=other`,
    'grant_type from the prototype': 'grant_type=constructor',
    __proto__: '__proto__=1&grant_type=__proto__',
    'a thousand parameters': Array.from({ length: 1000 }, (_, i) => `p${i}=1`).join('&'),
    'half an escape': 'grant_type=%E0%A4%A',
    'NUL bytes': 'grant_type=%00&client_id=%00',
    'a long name': `grant_type=password&client_id=${'a'.repeat(20_000)}`,
    'a hostile name': String(new URLSearchParams({ ...good, client_id: '<script>\u0000\r\nx: y' })),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const answer = await provider.post(TOKEN_PATH, body);
    t.ok(answer.status >= 400 && answer.status < 500, `${name}: ${answer.status}`);
    t.match(answer.body, { error: String, error_description: /^AADSTS\d+: /, error_codes: [Number] }, name);
    t.notMatch(
      answer.body.error_description,
      /[\u0000-\u0009\u000b\u000c\u000e-\u001f]|\n {4}at /,
      `${name}: one clean text`,
    );
  }
  const response = await provider.fetch(TOKEN_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'x'.repeat(200_000),
  });
  t.equal(response.status, 413, 'a body of 200 KB');
  await response.body?.cancel();
});

t.test('a client that sends its request byte by byte is cut off, and others are served meanwhile', async (t) => {
  await using provider = await startProvider({ timeouts: { headers: 1000, request: 1000 } });
  const { port } = new URL(provider.origin);
  const sockets = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), ca: provider.caPem, servername: 'localhost' });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      socket.resume();
      return socket;
    }),
  );
  const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  const head = `POST ${TOKEN_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n`;
  for (const [i, socket] of sockets.entries()) socket.write(i % 2 === 0 ? head : head.slice(0, 40));
  const trickle = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('a');
  }, 50);
  t.teardown(() => clearInterval(trickle));
  const answer = await provider.post(TOKEN_PATH, {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: ALICE,
    password: DEFAULT_PASSWORD,
    scope: TUNNEL_DEFAULT_SCOPE,
  });
  t.equal(answer.status, 200);
  await Promise.all(closed);
  t.pass('all fifty were closed');
});
