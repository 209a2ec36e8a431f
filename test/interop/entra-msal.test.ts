import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  defaultDirectory,
  GRAPH_RESOURCE_ID,
} from '../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { FormBrowser } from '../support/browser.ts';
import { testCertificates } from '../support/certificates.ts';
import { startProvider, type TestProvider } from '../support/identity-provider.ts';
import { skipUnless } from '../support/interop.ts';
import { Msal } from '../support/msal.ts';

const DAEMON = '1f6a7e3c-0000-4000-8000-00000000da30';
t.setTimeout(100_000);
const skip = skipUnless({ programs: ['openssl'] });

function configuration(provider: TestProvider, auth: object = {}) {
  return {
    auth: {
      clientId: DEFAULT_CLIENT_ID,
      authority: `${provider.origin}/${DEFAULT_TENANT_ID}`,
      knownAuthorities: [new URL(provider.origin).host],
      ...auth,
    },
  };
}

// One process for all tests: each test configures a client, and with it a cache, of its own.
const shared = skip ? undefined : await Msal.start({ caPem: (await testCertificates()).ca.certPem });
t.teardown(() => shared?.[Symbol.asyncDispose]());

async function publicClient(provider: TestProvider): Promise<Msal> {
  const msal = shared!;
  await msal.call({ call: 'configure', kind: 'public', configuration: configuration(provider) });
  return msal;
}

const password = {
  call: 'password',
  username: 'alice@contoso.com',
  password: DEFAULT_PASSWORD,
  scopes: [TUNNEL_DEFAULT_SCOPE],
} as const;

t.test('MSAL gets a tunnel token by password, and finds it in its cache', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  const { result, failure } = await msal.call({ ...password, scopes: [TUNNEL_DEFAULT_SCOPE] });
  t.equal(failure, undefined);
  t.match(decodeJwt(result!.accessToken), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow' });
  t.equal(result!.account!.username, 'alice@contoso.com');
  t.equal(result!.tenantId, DEFAULT_TENANT_ID);
  provider.idp.disturb('token', { status: 503 });
  const again = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE] });
  t.equal(again.result?.fromCache, true, 'no request was made');
  t.equal(again.result?.accessToken, result!.accessToken);
});

t.test('MSAL refreshes, also for another resource', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  const first = await msal.call({ ...password, scopes: [TUNNEL_DEFAULT_SCOPE] });
  const fresh = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE], forceRefresh: true });
  t.equal(fresh.result?.fromCache, false);
  t.not(fresh.result?.accessToken, first.result?.accessToken);
  const graph = await msal.call({ call: 'silent', scopes: ['User.Read'] });
  t.match(decodeJwt(graph.result!.accessToken), { aud: GRAPH_RESOURCE_ID, scp: /\bUser\.Read\b/ });
});

t.test('a refresh that MFA stands against becomes an InteractionRequiredAuthError with claims', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  await msal.call({ ...password, scopes: [TUNNEL_DEFAULT_SCOPE] });
  provider.idp.failNext({ user: 'alice@contoso.com', code: 50076 });
  const { failure } = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE], forceRefresh: true });
  t.match(failure, { interactionRequired: true, errorCode: 'invalid_grant', subError: 'basic_action' });
  t.match(JSON.parse(failure!.claims), { access_token: { capolids: { essential: true } } });
  t.match(failure!.message, /AADSTS50076/);
  const next = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE], forceRefresh: true });
  t.ok(next.result, 'it happens once');
});

t.test('a revoked session makes MSAL ask for interaction', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  await msal.call({ ...password, scopes: [TUNNEL_DEFAULT_SCOPE] });
  provider.idp.revokeSessions('alice@contoso.com');
  const { failure } = await msal.call({ call: 'silent', scopes: [TUNNEL_DEFAULT_SCOPE], forceRefresh: true });
  t.match(failure, { interactionRequired: true, errorCode: 'invalid_grant', message: /AADSTS50173/ });
});

t.test('MSAL tells a wrong password', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  const { failure } = await msal.call({ ...password, password: 'wrong', scopes: [TUNNEL_DEFAULT_SCOPE] });
  t.match(failure, { interactionRequired: false, errorCode: 'invalid_grant', message: /AADSTS50126/ });
});

t.test('MSAL waits for a device code that somebody approves elsewhere', { skip }, async (t) => {
  await using provider = await startProvider();
  const msal = await publicClient(provider);
  const { result, failure } = await msal.call(
    { call: 'device', scopes: [TUNNEL_DEFAULT_SCOPE] },
    {
      async onDeviceCode({ userCode, verificationUri }) {
        t.equal(verificationUri, `${provider.origin}/devicelogin`);
        const browser = new FormBrowser(provider);
        await browser.get(verificationUri);
        await browser.submit({ otc: userCode });
        await browser.submit({ login: 'bob@contoso.com' });
        await browser.submit({ passwd: DEFAULT_PASSWORD });
        await browser.submit({ action: 'continue' });
      },
    },
  );
  t.equal(failure, undefined);
  t.equal(result?.account?.username, 'bob@contoso.com');
});

t.test('MSAL proves a daemon by secret and by certificate; its token is for no user', { skip }, async (t) => {
  const directory = t.testdir();
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=daemon', '-keyout', keyFile, '-out', certFile],
    { stdio: 'ignore' },
  );
  const certificate = readFileSync(certFile, 'utf8');
  const input = defaultDirectory();
  input.tenants[0]!.applications!.push({
    appId: DAEMON,
    publicClient: false,
    secrets: [{ value: 'a secret' }],
    certificates: [certificate],
  });
  await using provider = await startProvider({ directory: input });
  const msal = shared!;
  const thumbprintSha256 = new X509Certificate(certificate).fingerprint256.replaceAll(':', '');
  const proofs = {
    '1': { clientSecret: 'a secret' },
    '2': { clientCertificate: { thumbprintSha256, privateKey: readFileSync(keyFile, 'utf8') } },
  };
  for (const [azpacr, proof] of Object.entries(proofs)) {
    const settings = configuration(provider, { clientId: DAEMON, ...proof });
    await msal.call({ call: 'configure', kind: 'confidential', configuration: settings });
    const { result, failure } = await msal.call({ call: 'client', scopes: [TUNNEL_DEFAULT_SCOPE] });
    t.equal(failure, undefined);
    const claims = decodeJwt(result!.accessToken);
    t.match(claims, { aud: TUNNEL_RESOURCE_ID, azp: DAEMON, azpacr });
    t.notOk('scp' in claims);
    // MSAL keeps a client assertion and shows it again with the next request.
    const next = await msal.call({ call: 'client', scopes: ['https://graph.microsoft.com/.default'] });
    t.equal(next.failure, undefined);
    t.match(decodeJwt(next.result!.accessToken), { aud: 'https://graph.microsoft.com' });
  }
  const wrong = configuration(provider, { clientId: DAEMON, clientSecret: 'not this' });
  await msal.call({ call: 'configure', kind: 'confidential', configuration: wrong });
  const { failure } = await msal.call({ call: 'client', scopes: [TUNNEL_DEFAULT_SCOPE] });
  t.match(failure, { errorCode: 'invalid_client', message: /AADSTS7000215/ });
});
