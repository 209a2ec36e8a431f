import { webcrypto, X509Certificate } from 'node:crypto';
import { decodeJwt } from 'jose';
import * as client from 'openid-client';
import t from 'tap';
import {
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  defaultDirectory,
  GRAPH_RESOURCE_ID,
} from '../../src/entra/directory/index.ts';
import { type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { hostText } from '../../src/lib/endpoint.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { FormBrowser, type SentToApp } from '../support/browser.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { type MappedFetch, mappedFetch } from '../support/mapped-fetch.ts';

// A certified OpenID Connect client, unmodified. It takes nothing on trust: the issuer has to be the address of the metadata, the
// signature and hashes of id tokens have to be right, and UserInfo has to speak of the same subject.

t.setTimeout(100_000);
const WEB = 'dddddddd-0000-4000-8000-0000000000e1';
const SECRET = 'a secret';
const REDIRECT = 'https://app.example/callback';
const SIGN_IN = 'openid profile email offline_access User.Read';
const NAMES = ['login.contoso.test', '10.0.2.2', '2001:db8::7'];

/** Where a client believes the built-in Entra ID to be: by that name, whatever port it is shown at. */
interface Place {
  readonly sim: Simulator;
  readonly origin: string;
  readonly fetch: MappedFetch;
}

function place(sim: Simulator, origin: string): Place {
  return { sim, origin, fetch: mappedFetch({ port: new URL(sim.identity.localOrigin).port, ca: sim.ca }) };
}

const here = (sim: Simulator): Place => place(sim, sim.identity.localOrigin);

/** An app with every platform that the flows below need. */
function start(config: { readonly publicOrigin?: string } = {}, certificate?: string): Promise<Simulator> {
  const directory = defaultDirectory();
  const tenant = directory.tenants[0]!;
  tenant.applications!.push({
    appId: WEB,
    publicClient: false,
    redirectUris: [REDIRECT],
    implicitIdToken: true,
    secrets: [{ value: SECRET }],
    certificates: certificate === undefined ? [] : [certificate],
  });
  tenant.consents!.push({ client: WEB, resource: GRAPH_RESOURCE_ID, scopes: ['User.Read'] });
  tenant.consents!.push({ client: WEB, resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] });
  return startSimulator({ identity: { names: NAMES, directory, ...config } });
}

function discover(
  { origin, fetch }: Place,
  proof: client.ClientAuth = client.ClientSecretPost(SECRET),
  tenant = DEFAULT_TENANT_ID,
): Promise<client.Configuration> {
  return client.discovery(new URL(`${origin}/${tenant}/v2.0`), WEB, undefined, proof, {
    [client.customFetch]: fetch as unknown as client.CustomFetch,
    execute: [client.enableNonRepudiationChecks],
  });
}

const browserAt = ({ origin, fetch }: Place): FormBrowser =>
  new FormBrowser({ origin, fetch: (url, init) => fetch(url, init as Parameters<MappedFetch>[1]) });

/** Signs alice in and returns the address that the app was called with. */
async function signIn(at: Place, authorize: URL): Promise<URL> {
  const browser = browserAt(at);
  await browser.get(authorize.href);
  await browser.submit({ login: 'alice@contoso.com' });
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  const { location } = (await browser.submit({ action: 'no' })) as SentToApp;
  return new URL(location);
}

async function byCode(at: Place, config: client.Configuration, more: Record<string, string> = {}) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    ...(more.max_age ? { maxAge: Number(more.max_age) } : {}),
  };
  const authorize = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: SIGN_IN,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  });
  return client.authorizationCodeGrant(config, await signIn(at, authorize), checks);
}

async function connects({ sim }: Place, token: string): Promise<boolean> {
  await using tunnel = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
  return tunnel.connected;
}

t.test('openid-client signs in by code with PKCE, reads UserInfo, and refreshes into the tunnel', async (t) => {
  await using sim = await start();
  const at = here(sim);
  for (const more of [{}, { max_age: '3600' }]) {
    const config = await discover(at);
    const tokens = await byCode(at, config, more);
    const claims = tokens.claims()!;
    t.match(claims, { iss: `${at.origin}/${DEFAULT_TENANT_ID}/v2.0`, preferred_username: 'alice@contoso.com' });
    t.equal(typeof claims.auth_time, 'max_age' in more ? 'number' : 'undefined');
    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    t.match(info, { sub: claims.sub, name: 'Alice Ahrens', email: 'alice@contoso.com' });
    const tunnel = await client.refreshTokenGrant(config, tokens.refresh_token!, {
      scope: `openid offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    });
    t.match(decodeJwt(tunnel.access_token), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow', azp: WEB });
    t.ok(await connects(at, tunnel.access_token));
    t.ok((await client.refreshTokenGrant(config, tunnel.refresh_token!)).access_token);
  }
});

t.test(
  'openid-client finds the id token of the hybrid flow, its hash of the code and its signature right',
  async (t) => {
    await using sim = await start();
    const at = here(sim);
    const config = await discover(at);
    client.useCodeIdTokenResponseType(config);
    t.match((await byCode(at, config)).claims(), { preferred_username: 'alice@contoso.com' });
  },
);

t.test('openid-client waits for a device code that somebody approves elsewhere, or declines', async (t) => {
  await using sim = await start();
  const at = here(sim);
  const config = await discover(at);
  for (const declines of [false, true]) {
    const device = await client.initiateDeviceAuthorization(config, { scope: `openid ${TUNNEL_DEFAULT_SCOPE}` });
    t.match(device, { verification_uri: `${at.origin}/devicelogin`, expires_in: 900, interval: 5 });
    const browser = browserAt(at);
    await browser.get(device.verification_uri);
    await browser.submit({ otc: device.user_code });
    await browser.submit({ login: 'bob@contoso.com' });
    await browser.submit({ passwd: DEFAULT_PASSWORD });
    await browser.submit({ action: declines ? 'cancel' : 'continue' });
    // It pauses before its first question too: no longer than it has to.
    const polled = client.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 });
    if (declines) t.match(await polled.catch((error: unknown) => error), { error: 'authorization_declined' });
    else t.ok(await connects(at, (await polled).access_token));
  }
});

t.test('openid-client proves a daemon by secret, in the body and by Basic, and by certificate', async (t) => {
  const { cert, key } = await testCertificate('rsa');
  await using sim = await start({}, cert);
  const at = here(sim);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const der = Buffer.from(key.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const thumbprint = Buffer.from(new X509Certificate(cert).fingerprint256.replaceAll(':', ''), 'hex');
  const byCertificate = client.PrivateKeyJwt(privateKey, {
    [client.modifyAssertion](header) {
      header['x5t#S256'] = thumbprint.toString('base64url');
    },
  });
  for (const proof of [client.ClientSecretPost(SECRET), client.ClientSecretBasic(SECRET), byCertificate]) {
    const config = await discover(at, proof);
    const tokens = await client.clientCredentialsGrant(config, { scope: TUNNEL_DEFAULT_SCOPE });
    const azpacr = proof === byCertificate ? '2' : '1';
    t.match(decodeJwt(tokens.access_token), { aud: TUNNEL_RESOURCE_ID, azp: WEB, azpacr });
  }
  const refused = async (proof: client.ClientAuth): Promise<unknown> => {
    const config = await discover(at, proof);
    return client.clientCredentialsGrant(config, { scope: TUNNEL_DEFAULT_SCOPE }).catch((error: unknown) => error);
  };
  t.match(await refused(client.ClientSecretPost('not this')), {
    error: 'invalid_client',
    error_description: /^AADSTS7000215/,
    status: 401,
  });
  // It reads the challenge, which only those get who use the header, and leaves the body alone.
  t.match(await refused(client.ClientSecretBasic('not this')), { cause: [{ scheme: 'basic' }], status: 401 });
});

t.test('openid-client is content with each own name, at whatever port it is shown', async (t) => {
  await using sim = await start();
  const { port } = new URL(sim.identity.localOrigin);
  for (const name of [...NAMES, 'localhost', '127.0.0.1', '::1']) {
    for (const shown of [port, '443', '18444']) {
      const at = place(sim, new URL(`https://${hostText(name)}:${shown}`).origin);
      const config = await discover(at);
      t.equal(config.serverMetadata().issuer, `${at.origin}/${DEFAULT_TENANT_ID}/v2.0`);
    }
    const at = place(sim, new URL(`https://${hostText(name)}:18444`).origin);
    const config = await discover(at);
    const tokens = await byCode(at, config);
    t.ok(await client.fetchUserInfo(config, tokens.access_token, tokens.claims()!.sub), name);
    const scope = TUNNEL_DEFAULT_SCOPE;
    t.ok(await connects(at, (await client.refreshTokenGrant(config, tokens.refresh_token!, { scope })).access_token));
    const out = client.buildEndSessionUrl(config, {
      post_logout_redirect_uri: REDIRECT,
      id_token_hint: tokens.id_token!,
    });
    t.equal(out.origin, at.origin);
    t.equal((await at.fetch(out)).headers.get('location'), REDIRECT);
  }
});

t.test('openid-client refuses it under a name that is not its own', async (t) => {
  const published = 'https://phone.contoso.test:9443';
  await using sim = await start({ publicOrigin: published });
  const { port } = new URL(sim.identity.localOrigin);
  const evil = place(sim, `https://evil.test:${port}`);
  await t.rejects(
    discover(evil),
    { cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } },
    'its certificate is for other names',
  );
  // Behind somebody's TLS, so that the certificate does not settle it.
  const forwarded: MappedFetch = (url, init) => {
    const { host, pathname } = new URL(url);
    return evil.fetch(`https://localhost${pathname}`, { ...init, headers: { ...init?.headers, host } });
  };
  await t.rejects(
    discover({ ...evil, fetch: forwarded }),
    { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED', cause: { attribute: 'issuer' } },
    'its metadata names another issuer',
  );
  t.equal((await discover(place(sim, published))).serverMetadata().issuer, `${published}/${DEFAULT_TENANT_ID}/v2.0`);
  await t.rejects(
    discover(here(sim), undefined, 'contoso.com'),
    { code: 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' },
    'as with Entra, the issuer names the tenant by its GUID',
  );
});
