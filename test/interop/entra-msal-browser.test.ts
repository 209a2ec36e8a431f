import { decodeJwt } from 'jose';
import type { Page } from 'playwright-core';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  defaultDirectory,
} from '../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { testCertificates } from '../support/certificates.ts';
import { CHROMIUM_NEEDS, Chromium } from '../support/chromium.ts';
import { startProvider, type TestProvider } from '../support/identity-provider.ts';
import { skipUnless } from '../support/interop.ts';
import { Msal } from '../support/msal.ts';
import { picture } from '../support/pictures.ts';

t.setTimeout(100_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });

// One browser and one MSAL process for all tests: each test has a fresh profile and a fresh client.
const caPem = (await testCertificates()).ca.certPem;
const shared = skip ? undefined : { chromium: await Chromium.start({ ca: caPem }), msal: await Msal.start({ caPem }) };
t.teardown(async () => {
  await shared?.chromium[Symbol.asyncDispose]();
  await shared?.msal[Symbol.asyncDispose]();
});

async function msalFor(provider: TestProvider): Promise<Msal> {
  const { msal } = shared!;
  const auth = {
    clientId: DEFAULT_CLIENT_ID,
    authority: `${provider.origin}/${DEFAULT_TENANT_ID}`,
    knownAuthorities: [new URL(provider.origin).host],
  };
  await msal.call({ call: 'configure', kind: 'public', configuration: { auth } });
  return msal;
}

/** Signs in by keyboard alone, as somebody who cannot use a mouse does. */
async function typeIn(page: Page, user: string): Promise<void> {
  await page.waitForSelector('h1:text-is("Sign in")');
  await picture(page, 'sign-in-username');
  await page.keyboard.type(user);
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:text-is("Enter password")');
  await picture(page, 'sign-in-password');
  await page.keyboard.type(DEFAULT_PASSWORD);
  await page.keyboard.press('Enter');
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? '' : ' without scripts';
  t.test(`MSAL signs a user in through Chromium by keyboard${how}`, { skip }, async (t) => {
    await using provider = await startProvider();
    await using browser = await shared!.chromium.visit({ javaScriptEnabled });
    const msal = await msalFor(provider);
    const complaints: string[] = [];
    const page = await browser.context.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    const { result, failure } = await msal.call(
      { call: 'interactive', scopes: [TUNNEL_DEFAULT_SCOPE] },
      {
        async onBrowser(url) {
          await page.goto(url);
          await typeIn(page, 'alice@contoso.com');
          await page.waitForSelector('h1:text-is("Stay signed in?")');
          await picture(page, 'sign-in-stay-signed-in');
          await page.keyboard.press('Tab');
          await page.keyboard.press('Enter');
          // MSAL has the answer posted to it; without scripts a person presses the button.
          if (!javaScriptEnabled) await page.click('button:text-is("Continue")');
          await page.waitForSelector('h1:text-is("Signed in")');
        },
      },
    );
    t.equal(failure, undefined);
    t.match(decodeJwt(result!.accessToken), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow' });
    t.equal(result!.account!.username, 'alice@contoso.com');
    const refused = complaints.filter((text) => /content security policy/i.test(text));
    t.strictSame(refused, [], 'no page breaks its own policy');
    const silent = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE], forceRefresh: true });
    t.ok(silent.result, 'and refreshes afterwards');
  });
}

t.test('claims of a refused refresh lead through the second factor to a token', { skip }, async (t) => {
  const directory = defaultDirectory();
  await using provider = await startProvider({ directory });
  await using browser = await shared!.chromium.visit();
  const msal = await msalFor(provider);
  const page = await browser.context.newPage();
  const scopes = [TUNNEL_DEFAULT_SCOPE];
  await msal.call(
    { call: 'interactive', scopes },
    {
      async onBrowser(url) {
        await page.goto(url);
        await typeIn(page, 'alice@contoso.com');
        await page.click('button:text-is("Yes")');
        await page.waitForSelector('h1:text-is("Signed in")');
      },
    },
  );
  await page.close();
  provider.idp.directory.tenant('contoso.com').policies.add({ displayName: 'MFA', controls: ['mfa'] });
  const { failure } = await msal.call({ call: 'silent', scopes, forceRefresh: true });
  t.match(failure, { interactionRequired: true, message: /AADSTS50076/ });
  const { result } = await msal.call(
    { call: 'interactive', scopes, loginHint: 'alice@contoso.com', claims: failure!.claims },
    {
      async onBrowser(url) {
        const second = await browser.context.newPage();
        await second.goto(url);
        await second.waitForSelector('h1:text-is("Enter code")');
        await picture(second, 'sign-in-mfa');
        await second.keyboard.type('123456');
        await second.keyboard.press('Enter');
        await second.click('button:text-is("No")');
        await second.waitForSelector('h1:text-is("Signed in")');
      },
    },
  );
  t.ok(result, 'the second factor settles it');
  const silent = await msal.call({ call: 'silent', scopes, forceRefresh: true });
  t.ok(silent.result, 'and refreshing works again');
});

t.test('consent that the user declines reaches MSAL as access_denied', { skip }, async (t) => {
  const directory = defaultDirectory();
  directory.tenants[0]!.consents = [];
  await using provider = await startProvider({ directory });
  await using browser = await shared!.chromium.visit();
  const msal = await msalFor(provider);
  const page = await browser.context.newPage();
  const { failure } = await msal.call(
    { call: 'interactive', scopes: [TUNNEL_DEFAULT_SCOPE] },
    {
      async onBrowser(url) {
        await page.goto(url);
        await typeIn(page, 'alice@contoso.com');
        await page.waitForSelector('h1:text-is("Permissions requested")');
        await picture(page, 'sign-in-consent');
        await page.click('button:text-is("Cancel")');
      },
    },
  );
  t.match(failure, { errorCode: 'access_denied', message: /AADSTS65004/ });
});

t.test('every field has a label, and a mistake is announced', { skip }, async (t) => {
  await using provider = await startProvider();
  await using browser = await shared!.chromium.visit({ colorScheme: 'dark' });
  const page = await browser.context.newPage();
  const url = new URL('/contoso.com/oauth2/v2.0/authorize', provider.origin);
  url.search = new URLSearchParams({
    client_id: DEFAULT_CLIENT_ID,
    response_type: 'code',
    redirect_uri: 'http://localhost',
    scope: TUNNEL_DEFAULT_SCOPE,
    prompt: 'select_account',
  }).toString();
  await page.goto(url.href);
  await page.getByLabel('Email, phone, or user name').fill('nobody@contoso.com');
  await page.getByRole('button', { name: 'Next' }).click();
  await picture(page, 'sign-in-notice');
  t.match(await page.getByRole('alert').textContent(), /AADSTS50034/);
  t.equal(await page.getByLabel('Email, phone, or user name').getAttribute('aria-invalid'), 'true');
  await page.getByText('Accounts of this test directory').click();
  await picture(page, 'sign-in-accounts');
  await page.getByRole('button', { name: /Bob Becker/ }).click();
  await page.getByLabel('Password').fill(DEFAULT_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Stay signed in?' }).waitFor();
});
