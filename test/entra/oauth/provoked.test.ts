import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import type { IdentityProviderOptions } from '../../../src/entra/provider.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import { FormBrowser, type SeenPage, type SentToApp } from '../../support/browser.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const REDIRECT = 'http://localhost';
const TOKEN = '/contoso.com/oauth2/v2.0/token';
const DAEMON = '1f6a7e3c-0000-4000-8000-00000000da30';
const OTHER = '22222222-2222-4333-8444-555555555555';

function startWith(change: (tenant: TenantInput) => void, options: IdentityProviderOptions = {}) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return startProvider({ directory, ...options });
}

function authorizeUrl(changes: Record<string, string> = {}, tenant = 'contoso.com'): string {
  const parameters = {
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: `offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    login_hint: 'alice@contoso.com',
    ...changes,
  };
  return `/${tenant}/oauth2/v2.0/authorize?${new URLSearchParams(parameters)}`;
}

async function signIn(_provider: TestProvider, browser: FormBrowser, url = authorizeUrl()) {
  await browser.get(url);
  return browser.submit({ passwd: DEFAULT_PASSWORD });
}

const codeIn = (page: unknown): string => /AADSTS(\d+)/.exec((page as SeenPage).html)?.[1] ?? '';

t.test('a sign-in page left open for too long has to be begun anew (50089)', async (t) => {
  const clock = new ManualClock();
  await using provider = await startProvider({ clock });
  const browser = new FormBrowser(provider);
  await browser.get(authorizeUrl());
  clock.advance(3_600_000);
  t.equal(codeIn(await browser.submit({ passwd: DEFAULT_PASSWORD })), '50089');
});

t.test(
  'a silent request with a session of a user who is unknown at that tenant needs interaction (16000)',
  async (t) => {
    const directory = defaultDirectory();
    directory.tenants[0]!.applications![0]!.signInAudience = 'AzureADMultipleOrgs';
    directory.tenants.push({
      id: OTHER,
      domains: ['fabrikam.com'],
      servicePrincipals: [{ appId: TUNNEL_RESOURCE_ID }],
    });
    await using provider = await startProvider({ directory });
    const browser = new FormBrowser(provider);
    await signIn(provider, browser);
    await browser.submit({ action: 'no' });
    const silent = await browser.get(authorizeUrl({ prompt: 'none', login_hint: '' }, 'fabrikam.com'));
    const { parameters } = silent as SentToApp;
    t.equal(parameters.get('error'), 'interaction_required');
    t.match(parameters.get('error_description'), /^AADSTS16000: /);
  },
);

t.test('a permission that needs an administrator is refused to a user and granted to one (90094)', async (t) => {
  const scopes = [{ value: 'Files.Delete', adminConsentRequired: true }];
  await using provider = await startWith((tenant) => {
    tenant.applications!.push({ appId: DAEMON, identifierUris: ['api://files'], scopes });
    tenant.users![1]!.directoryRoles = ['62e90394-69f5-4237-9190-012177145e10'];
  });
  const url = authorizeUrl({ scope: 'api://files/Files.Delete' });
  const browser = new FormBrowser(provider);
  await signIn(provider, browser, url);
  t.equal(codeIn(await browser.submit({ action: 'accept' })), '90094');
  const administrator = new FormBrowser(provider);
  await signIn(
    provider,
    administrator,
    authorizeUrl({ scope: 'api://files/Files.Delete', login_hint: 'bob@contoso.com' }),
  );
  await administrator.submit({ action: 'accept', everybody: '1' });
  const granted = [...provider.idp.directory.defaultTenant.consents].find((consent) => consent.resource === DAEMON);
  t.match(granted, { scopes: ['Files.Delete'] });
  t.equal(granted?.user, undefined, 'for the whole tenant');
});

t.test('a tenant without the Tunnel principal tells so on the page (650052)', async (t) => {
  await using provider = await startWith((tenant) => void tenant.servicePrincipals!.shift());
  t.equal(codeIn(await signIn(provider, new FormBrowser(provider))), '650052');
});

t.test('a failure ordered for the authorize endpoint goes to the app without a page', async (t) => {
  await using provider = await startProvider();
  provider.idp.failNext({ endpoint: 'authorize', user: 'alice@contoso.com', code: 53003 });
  const browser = new FormBrowser(provider);
  await signIn(provider, browser);
  const { parameters } = (await browser.submit({ action: 'no' })) as SentToApp;
  t.equal(parameters.get('error'), 'access_denied');
  t.match(parameters.get('error_description'), /^AADSTS53003: /);
});

t.test('a refresh token of a single page app ends after 24 hours, however often it was renewed (700084)', async (t) => {
  const clock = new ManualClock();
  await using provider = await startWith(
    (tenant) => void (tenant.applications![0]!.spaRedirectUris = ['https://spa.test/']),
    {
      clock,
    },
  );
  const browser = new FormBrowser(provider);
  const told = (await browser.get(authorizeUrl({ redirect_uri: 'https://spa.test/' }))) as SentToApp;
  t.match(told.parameters.get('error_description'), /^AADSTS9002325: /, 'and PKCE is compulsory');
  const verifier = 'v'.repeat(43);
  const pkce = { code_challenge: verifier, code_challenge_method: 'plain' };
  await signIn(provider, browser, authorizeUrl({ redirect_uri: 'https://spa.test/', ...pkce }));
  const { parameters } = (await browser.submit({ action: 'no' })) as SentToApp;
  const fromPage = (form: Record<string, string>) =>
    provider.post(TOKEN, { client_id: DEFAULT_CLIENT_ID, ...form }, { origin: 'https://spa.test' });
  const first = await fromPage({
    grant_type: 'authorization_code',
    code: parameters.get('code')!,
    redirect_uri: 'https://spa.test/',
    code_verifier: verifier,
  });
  clock.advance(12 * 3_600_000);
  const refresh = (refresh_token: string) => fromPage({ grant_type: 'refresh_token', refresh_token });
  const second = await refresh(first.body.refresh_token);
  t.equal(second.status, 200);
  clock.advance(12 * 3_600_000);
  const late = await refresh(second.body.refresh_token);
  t.match(late.body, { error_codes: [700084], error_description: /lifetime of 1\.00:00:00/ });
});

t.test('a second factor grows stale (50078)', async (t) => {
  const clock = new ManualClock();
  await using provider = await startWith(
    (tenant) => void (tenant.policies = [{ displayName: 'Fresh MFA', controls: ['mfa'], mfaFrequencySeconds: 600 }]),
    { clock },
  );
  const browser = new FormBrowser(provider);
  await signIn(provider, browser);
  await browser.submit({ otc: '123456', action: 'verify' });
  await browser.submit({ action: 'yes' });
  clock.advance(600_000);
  const silent = (await browser.get(authorizeUrl({ prompt: 'none' }))) as SentToApp;
  t.equal(silent.parameters.get('error'), 'interaction_required');
  t.match(silent.parameters.get('error_description'), /^AADSTS50078: /);
});

t.test('a device code runs out (70019), and a hasty client is slowed down where asked for (70021)', async (t) => {
  const clock = new ManualClock();
  await using provider = await startProvider({ clock, behaviour: { slowDown: true } });
  const form = { client_id: DEFAULT_CLIENT_ID, scope: TUNNEL_DEFAULT_SCOPE };
  const { device_code } = (await provider.post('/contoso.com/oauth2/v2.0/devicecode', form)).body;
  const poll = () => provider.post(TOKEN, { grant_type: 'device_code', client_id: DEFAULT_CLIENT_ID, device_code });
  t.match((await poll()).body, { error_codes: [70016] });
  t.match((await poll()).body, { error: 'slow_down', error_codes: [70021] });
  clock.advance(900_000);
  t.match((await poll()).body, { error: 'expired_token', error_codes: [70019] });
});

t.test('a client assertion is checked for its key, its time, its audience, and that it is new', async (t) => {
  const directory = t.testdir();
  const make = (name: string) => {
    const [key, cert] = [`${directory}/${name}.key`, `${directory}/${name}.pem`];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-nodes', '-subj', '/CN=x', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
    return { key: createPrivateKey(readFileSync(key)), cert: readFileSync(cert, 'utf8') };
  };
  const [good, foreign] = [make('good'), make('foreign')];
  const clock = new ManualClock();
  await using provider = await startWith(
    (tenant) => {
      tenant.applications!.push({ appId: DAEMON, publicClient: false, certificates: [good.cert] });
    },
    { clock, behaviour: { assertionReplay: 'refuse' } },
  );
  const now = clock.now() / 1000;
  const assertion = (
    changes: { key?: typeof good; issuer?: string; subject?: string; audience?: string; expires?: number } = {},
  ) => {
    const print = new X509Certificate(good.cert).fingerprint256.replaceAll(':', '');
    return new SignJWT({ jti: String(Math.random()) })
      .setProtectedHeader({ alg: 'ES256', 'x5t#S256': Buffer.from(print, 'hex').toString('base64url') })
      .setIssuer(changes.issuer ?? DAEMON)
      .setSubject(changes.subject ?? DAEMON)
      .setAudience(changes.audience ?? `${provider.origin}${TOKEN}`)
      .setExpirationTime(changes.expires ?? now + 600)
      .sign((changes.key ?? good).key);
  };
  const ask = async (client_assertion: string) => {
    const answer = await provider.post(TOKEN, {
      grant_type: 'client_credentials',
      client_id: DAEMON,
      scope: TUNNEL_DEFAULT_SCOPE,
      client_assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    return answer.status === 200 ? 200 : answer.body.error_codes[0];
  };
  const once = await assertion();
  t.equal(await ask(once), 200);
  t.equal(await ask(once), 70049);
  t.equal(await ask(await assertion({ key: foreign })), 700027);
  t.equal(await ask(await assertion({ expires: now - 600 })), 700024);
  t.equal(await ask(await assertion({ audience: 'https://elsewhere.example/token' })), 700023);
  t.equal(await ask(await assertion({ issuer: DEFAULT_CLIENT_ID })), 700021);
  t.equal(await ask(await assertion({ subject: DEFAULT_CLIENT_ID })), 700021);
  t.equal(await ask('not.a.jwt'), 50027);
});
