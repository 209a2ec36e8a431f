import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import { FormBrowser, isPage, type SentToApp, type Visit } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'msauth.com.contoso.lob://auth';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

function authorizeUrl(changes: Record<string, string | undefined> = {}, tenant = 'contoso.com'): string {
  const parameters: Record<string, string | undefined> = {
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: `openid profile offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    state: 'a state/&?',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  };
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/${tenant}/oauth2/v2.0/authorize?${new URLSearchParams(given)}`;
}

function redeem(provider: TestProvider, code: string, changes: Record<string, string> = {}) {
  return provider.post('/contoso.com/oauth2/v2.0/token', {
    grant_type: 'authorization_code',
    client_id: DEFAULT_CLIENT_ID,
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    client_info: '1',
    ...changes,
  });
}

/** The default directory with changes to its tenant. */
function directoryWith(change: (tenant: TenantInput) => void) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return directory;
}

function heading(t: Test, visit: Visit, expected: string): void {
  t.equal(isPage(visit) ? visit.heading : (visit as SentToApp).location, expected);
}

async function signIn(t: Test, browser: FormBrowser, url = authorizeUrl(), user = 'alice@contoso.com'): Promise<Visit> {
  heading(t, await browser.get(url), 'Sign in');
  heading(t, await browser.submit({ login: user }), 'Enter password');
  return browser.submit({ passwd: DEFAULT_PASSWORD });
}

function codeOf(t: Test, visit: Visit): string {
  if (isPage(visit)) {
    t.fail(`expected an answer to the app, got the page "${visit.heading}"`);
    return '';
  }
  t.ok(visit.location.startsWith(`${REDIRECT}?`), 'the answer goes to the redirect URI');
  t.equal(visit.parameters.get('state'), 'a state/&?', 'state comes back unchanged');
  return visit.parameters.get('code') ?? '';
}

t.test('name, password and "stay signed in" lead to a code that buys tokens', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  heading(t, await signIn(t, browser), 'Stay signed in?');
  const code = codeOf(t, await browser.submit({ action: 'no' }));
  const answer = await redeem(provider, code);
  t.equal(answer.status, 200);
  t.match(decodeJwt(answer.body.access_token), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow' });
  t.match(decodeJwt(answer.body.id_token), { aud: DEFAULT_CLIENT_ID, preferred_username: 'alice@contoso.com' });
  t.ok(answer.body.refresh_token);
});

t.test('a browser that is signed in gets the next code without a page', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  await signIn(t, browser);
  await browser.submit({ action: 'yes' });
  t.ok(browser.cookies.has('ESTSAUTHPERSISTENT'), 'staying signed in outlives the browser');
  const code = codeOf(t, await browser.get(authorizeUrl({ prompt: 'none' })));
  t.equal((await redeem(provider, code)).status, 200);
});

t.test(
  'prompt=login asks again, prompt=select_account lets choose, prompt=none without session is refused',
  async (t) => {
    await using provider = await startProvider();
    const browser = new FormBrowser(provider);
    const silent = await browser.get(authorizeUrl({ prompt: 'none' }));
    t.equal((silent as SentToApp).parameters.get('error'), 'login_required');
    t.match((silent as SentToApp).parameters.get('error_description'), /^AADSTS50058: /);
    await signIn(t, browser);
    await browser.submit({ action: 'no' });
    heading(t, await browser.get(authorizeUrl({ prompt: 'login' })), 'Sign in');
    heading(t, await browser.get(authorizeUrl({ prompt: 'select_account' })), 'Pick an account');
    heading(t, await browser.submit({ account: 'other' }), 'Sign in');
    await browser.get(authorizeUrl({ prompt: 'select_account' }));
    const choice = /name="account" value="([\w-]{36})"/.exec(browser.page!.html)![1]!;
    t.ok(codeOf(t, await browser.submit({ account: choice })));
  },
);

t.test('a login hint skips the name, and one that nobody has is told on the page', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  heading(t, await browser.get(authorizeUrl({ login_hint: 'bob@contoso.com' })), 'Enter password');
  heading(t, await browser.get(authorizeUrl({ login_hint: 'nobody@contoso.com' })), 'Sign in');
  t.match(browser.page!.html, /AADSTS50034/);
});

t.test('mistakes on a page are told there and can be corrected', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl());
  heading(t, await browser.submit({ login: 'nobody@contoso.com' }), 'Sign in');
  t.match(browser.page!.html, /role="alert"[^>]*>We couldn&#39;t find an account/);
  await browser.submit({ login: 'alice@contoso.com' });
  heading(t, await browser.submit({ passwd: 'wrong' }), 'Enter password');
  t.match(browser.page!.html, /AADSTS50126/);
  t.match(browser.page!.html, /aria-invalid="true"/);
  heading(t, await browser.submit({ passwd: DEFAULT_PASSWORD }), 'Stay signed in?');
});

t.test('a user who has to prove a second factor is asked for the code, and the token says mfa', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.users![0]!.mfa = 'required';
    tenant.servicePrincipals![0]!.accessTokenVersion = 1;
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  heading(t, await signIn(t, browser), 'Enter code');
  heading(t, await browser.submit({ otc: '000000', action: 'verify' }), 'Enter code');
  t.match(browser.page!.html, /AADSTS500121/);
  heading(t, await browser.submit({ otc: '123456', action: 'verify' }), 'Stay signed in?');
  const answer = await redeem(provider, codeOf(t, await browser.submit({ action: 'no' })));
  t.strictSame(decodeJwt(answer.body.access_token).amr, ['pwd', 'mfa']);
});

t.test('a user without second factor registers one on the way', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.users![0]!.mfaRegistered = false;
    tenant.policies = [{ displayName: 'MFA for all', controls: ['mfa'] }];
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  heading(t, await signIn(t, browser), 'More information required');
  heading(t, await browser.submit({ action: 'next' }), 'Enter code');
  heading(t, await browser.submit({ otc: '123456', action: 'verify' }), 'Stay signed in?');
});

t.test('an expired password is changed on the way and the new one works from then on', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.users![0]!.passwordExpired = true;
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  heading(t, await signIn(t, browser), 'Update your password');
  heading(t, await browser.submit({ newpasswd: 'a new one!', confirm: 'another one!' }), 'Update your password');
  heading(t, await browser.submit({ newpasswd: 'a new one!', confirm: 'a new one!' }), 'Stay signed in?');
  const alice = provider.idp.directory.tenant('contoso.com').users.get('alice@contoso.com');
  t.match(alice, { password: 'a new one!', passwordExpired: false });
});

t.test('permissions without consent are asked for once, and declining goes back to the app', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.consents = [];
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  heading(t, await signIn(t, browser), 'Permissions requested');
  t.match(browser.page!.html, /Microsoft Tunnel Gateway: Tunnel_Allow/);
  const declined = await browser.submit({ action: 'cancel' });
  t.match((declined as SentToApp).parameters.get('error'), 'access_denied');
  t.match((declined as SentToApp).parameters.get('error_description'), /^AADSTS65004: /);
  await signIn(t, browser);
  heading(t, await browser.submit({ action: 'accept' }), 'Stay signed in?');
  t.ok(codeOf(t, await browser.submit({ action: 'no' })));
  t.ok(codeOf(t, await browser.get(authorizeUrl())), 'the next time nobody asks');
});

t.test('a blocked user sees why, with a way back to the app', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.policies = [{ displayName: 'Nobody', controls: ['block'] }];
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  const visit = await signIn(t, browser);
  heading(t, visit, "Sorry, but we're having trouble signing you in.");
  t.match(browser.page!.html, /AADSTS53003/);
  t.match(browser.page!.html, /href="msauth\.com\.contoso\.lob:\/\/auth\?error=access_denied&amp;/);
});

t.test('a federated user is sent to the STS of the organization and comes back signed in', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.federatedDomains = ['contoso.com'];
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl());
  heading(t, await browser.submit({ login: 'alice@contoso.com' }), 'Sign in to Contoso');
  t.match(new URL(browser.page!.url).pathname, /\/sts\/ls$/);
  heading(t, await browser.submit({ passwd: 'wrong' }), 'Sign in to Contoso');
  heading(t, await browser.submit({ passwd: DEFAULT_PASSWORD }), 'Working…');
  heading(t, await browser.submit(), 'Stay signed in?');
  const answer = await redeem(provider, codeOf(t, await browser.submit({ action: 'no' })));
  t.equal(answer.status, 200);
  const realm = await (await provider.fetch('/common/UserRealm/alice@contoso.com?api-version=1.0')).json();
  t.match(realm, { account_type: 'Federated', federation_protocol: 'WSTrust' });
});

t.test('a domain hint of a federated domain leads straight to its STS', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.federatedDomains = ['contoso.com'];
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  heading(t, await browser.get(authorizeUrl({ domain_hint: 'contoso.com' })), 'Sign in to Contoso');
  heading(t, await browser.submit({ username: 'alice@contoso.com', passwd: DEFAULT_PASSWORD }), 'Working…');
  heading(t, await browser.submit(), 'Stay signed in?');
});

t.test('answers come as query, fragment or form, as asked', async (t) => {
  const directory = directoryWith((tenant) => {
    tenant.applications![0]!.implicitIdToken = true;
  });
  await using provider = await startProvider({ directory });
  const browser = new FormBrowser(provider);
  await signIn(t, browser);
  await browser.submit({ action: 'no' });
  const fragment = (await browser.get(authorizeUrl({ response_mode: 'fragment' }))) as SentToApp;
  t.ok(fragment.location.startsWith(`${REDIRECT}#code=`));
  const hybrid = (await browser.get(authorizeUrl({ response_type: 'code id_token', nonce: 'n' }))) as SentToApp;
  t.ok(hybrid.location.startsWith(`${REDIRECT}#`), 'tokens never travel in a query');
  const idToken = decodeJwt(hybrid.parameters.get('id_token')!);
  const half = createHash('sha256').update(hybrid.parameters.get('code')!).digest().subarray(0, 16);
  t.match(idToken, { nonce: 'n', c_hash: half.toString('base64url') });
  const posted = await browser.get(authorizeUrl({ response_mode: 'form_post' }));
  heading(t, posted, 'Working…');
  t.match(browser.page!.html, /<form method="post" action="msauth\.com\.contoso\.lob:\/\/auth"/);
  t.match(browser.page!.headers.get('content-security-policy'), /form-action 'self' msauth\.com\.contoso\.lob:/);
});

t.test('sign-out ends the session and returns only to where an app is registered', async (t) => {
  await using provider = await startProvider();
  const browser = new FormBrowser(provider);
  await signIn(t, browser);
  await browser.submit({ action: 'yes' });
  const back = await browser.get(
    `/contoso.com/oauth2/v2.0/logout?state=s&post_logout_redirect_uri=${encodeURIComponent(REDIRECT)}`,
  );
  t.equal((back as SentToApp).location, `${REDIRECT}?state=s`);
  t.notOk(browser.cookies.has('ESTSAUTH'));
  heading(t, await browser.get(authorizeUrl()), 'Sign in');
  const evil = await browser.get('/contoso.com/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example/');
  heading(t, evil, 'You signed out of your account');
});

t.test('a device code is approved on a page of its own, after a question', async (t) => {
  await using provider = await startProvider();
  const start = await provider.post('/contoso.com/oauth2/v2.0/devicecode', {
    client_id: DEFAULT_CLIENT_ID,
    scope: `offline_access ${TUNNEL_DEFAULT_SCOPE}`,
  });
  t.match(start.body, { expires_in: 900, interval: 5, verification_uri: `${provider.origin}/devicelogin` });
  t.notOk('verification_uri_complete' in start.body);
  const poll = () =>
    provider.post('/contoso.com/oauth2/v2.0/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: DEFAULT_CLIENT_ID,
      device_code: start.body.device_code,
    });
  t.match(await poll(), { status: 400, body: { error: 'authorization_pending', error_codes: [70016] } });
  const browser = new FormBrowser(provider);
  await browser.get('/devicelogin');
  heading(t, await browser.submit({ otc: 'WRONGCODE' }), 'Enter code to allow access');
  t.match(browser.page!.html, /AADSTS70018/);
  heading(t, await browser.submit({ otc: start.body.user_code.toLowerCase() }), 'Sign in');
  await browser.submit({ login: 'bob@contoso.com' });
  heading(t, await browser.submit({ passwd: DEFAULT_PASSWORD }), 'Are you trying to sign in to Contoso LOB?');
  heading(t, await browser.submit({ action: 'continue' }), 'You are signed in');
  const answer = await poll();
  t.equal(answer.status, 200);
  t.equal(decodeJwt(answer.body.access_token).preferred_username, 'bob@contoso.com');
  t.match(await poll(), { status: 400, body: { error_codes: [54005] } });
});

t.test('a device code that the user declines is told so', async (t) => {
  await using provider = await startProvider();
  const start = await provider.post('/contoso.com/oauth2/v2.0/devicecode', {
    client_id: DEFAULT_CLIENT_ID,
    scope: TUNNEL_DEFAULT_SCOPE,
  });
  const browser = new FormBrowser(provider);
  await browser.get('/devicelogin');
  await browser.submit({ otc: start.body.user_code });
  await browser.submit({ login: 'bob@contoso.com' });
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  heading(t, await browser.submit({ action: 'cancel' }), 'Sign-in cancelled');
  const answer = await provider.post('/contoso.com/oauth2/v2.0/token', {
    grant_type: 'device_code',
    client_id: DEFAULT_CLIENT_ID,
    device_code: start.body.device_code,
  });
  t.match(answer.body, { error: 'authorization_declined', error_codes: [70020] });
});
