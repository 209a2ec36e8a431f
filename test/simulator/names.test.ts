import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import t, { type Test } from 'tap';
import { type CertificateStore, loadCertificates } from '../../src/certs/index.ts';
import { TunnelClient } from '../../src/client/index.ts';
import { type ConfigInput, resolveConfig } from '../../src/config/index.ts';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, DEFAULT_TENANT_ID } from '../../src/entra/directory/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { hostText } from '../../src/lib/endpoint.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/lib/tunnel-api.ts';
import { type Simulator, startSimulator } from '../../src/simulator/index.ts';
import { addressesElsewhere, leafCertificates, permittedNames, welcomeNames } from '../../src/simulator/names.ts';
import { type Emit, EVENTS } from '../../src/telemetry/events.ts';
import { mappedFetch } from '../support/mapped-fetch.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of an answer, looked into by tests
type Fetch = (path: string, form?: Record<string, string>) => Promise<any>;

/** Fetches JSON from the built-in Entra ID as one who reaches it at `origin`. */
function at(origin: string, sim: Simulator): Fetch {
  const fetch = mappedFetch({ port: new URL(sim.identity.localOrigin).port, ca: sim.ca });
  return async (path, form) => {
    const body = form && new URLSearchParams(form);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${origin}${path}`, body ? { method: 'POST', headers, body } : {});
    return response.json();
  };
}

const METADATA = '.well-known/openid-configuration';

/** What openid-client demands before it uses a server: the issuer is the address that was asked (OpenID Connect Discovery §4.3). */
async function discover(t: Test, origin: string, fetch: Fetch): Promise<Record<string, unknown>> {
  const asked = `${origin}/${DEFAULT_TENANT_ID}/v2.0`;
  const metadata = await fetch(`${new URL(asked).pathname}/${METADATA}`);
  t.equal(metadata.issuer, asked);
  for (const [name, value] of Object.entries(metadata)) {
    if (/_(endpoint|uri)$/.test(name)) t.ok(String(value).startsWith(`${origin}/`), `${name}: ${value}`);
  }
  t.equal((await fetch(`/${DEFAULT_TENANT_ID}/${METADATA}`)).issuer, `${origin}/${DEFAULT_TENANT_ID}/`);
  const keys = await fetch(new URL(metadata.jwks_uri).pathname);
  t.equal(keys.keys[0].issuer, `${origin}/{tenantid}/v2.0`);
  return metadata;
}

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());

async function signIn(fetch: Fetch): Promise<{ access_token: string; id_token: string }> {
  return fetch('/contoso.com/oauth2/v2.0/token', {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scope: `openid ${TUNNEL_DEFAULT_SCOPE}`,
  });
}

async function connects(sim: Simulator, token: string): Promise<boolean> {
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
  return client.connected;
}

for (const policy of ['gateway', 'strict'] as const) {
  t.test(`Entra ID answers by each of its names, and the gateway takes the tokens (${policy})`, async (t) => {
    const names = ['login.contoso.test', '10.0.2.2', '2001:db8::7'];
    await using sim = await startSimulator({ identity: { policy, names } });
    const { port } = new URL(sim.identity.origin);
    for (const name of [...names, 'localhost', '127.0.0.1', '::1']) {
      // The second one is what a port mapping shows, which the instance cannot know.
      for (const shown of [port, '443', '18444']) {
        const { origin } = new URL(`https://${hostText(name)}:${shown}`);
        const fetch = at(origin, sim);
        await discover(t, origin, fetch);
        const { access_token, id_token } = await signIn(fetch);
        t.equal(claimsOf(id_token)['iss'], `${origin}/${DEFAULT_TENANT_ID}/v2.0`);
        t.equal(claimsOf(access_token)['iss'], `${origin}/${DEFAULT_TENANT_ID}/v2.0`);
        t.ok(await connects(sim, access_token), origin);
      }
    }
  });

  t.test(`a token under a name that is not the instance's own is refused, whoever signed it (${policy})`, async (t) => {
    await using sim = await startSimulator({ identity: { policy, names: ['login.contoso.test'] } });
    const { host, port } = new URL(sim.identity.origin);
    const path = `${DEFAULT_TENANT_ID}/v2.0`;
    for (const issuer of [
      `https://evil.test:${port}/${path}`,
      `https://evil.login.contoso.test:${port}/${path}`,
      `https://${host}@evil.test/${path}`,
      `https://evil.test@${host}/${path}`,
      `http://${host}/${path}`,
      `https://LOCALHOST:${port}/${path}`,
      `https://localhost:443/${path}`,
      `https://${host}//${path}`,
      `https://${host}/${path}/`,
      `https://${host}?/${path}`,
    ]) {
      const token = await sim.token({ claims: { iss: issuer } });
      const after = sim.journal.last;
      await t.rejects(connects(sim, token), { code: 'ERR_CLIENT_TOKEN_REFUSED' }, issuer);
      t.match(await sim.journal.waitFor({ name: 'auth.refused', after }), { fields: { reason: 'issuer' } }, issuer);
    }
    t.ok(await connects(sim, await sim.token({ claims: { iss: `https://login.contoso.test/${path}` } })));
  });
}

t.test('the public origin is for callers by other names, and need not be reachable from here', async (t) => {
  const config: ConfigInput = { identity: { publicOrigin: 'https://phone.contoso.test:9443' } };
  await using sim = await startSimulator(config);
  t.equal(sim.urls.authority, `https://phone.contoso.test:9443/${DEFAULT_TENANT_ID}`);
  const minted = await sim.mintToken();
  t.equal(minted.claims['iss'], `https://phone.contoso.test:9443/${DEFAULT_TENANT_ID}/v2.0`);
  t.ok(await connects(sim, minted.accessToken));
  for (const name of ['localhost', '127.0.0.1']) {
    const origin = `https://${name}:${new URL(sim.identity.localOrigin).port}`;
    await discover(t, origin, at(origin, sim));
  }
  const published = 'https://phone.contoso.test:9443';
  await discover(t, published, at(published, sim));
  // A name of others in Host says nothing of us: neither who asks nor what is in between can have tokens named by it.
  const fetch = mappedFetch({ port: new URL(sim.identity.localOrigin).port, ca: sim.ca });
  for (const host of ['evil.test', 'localhost.evil.test', 'evil.test:x', 'localhost:1:2', 'localhost/evil.test']) {
    const headers = { host, 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' };
    const answer = await fetch(`https://localhost/contoso.com/v2.0/${METADATA}`, { headers });
    t.match(await answer.json(), { issuer: `https://phone.contoso.test:9443/${DEFAULT_TENANT_ID}/v2.0` }, host);
  }
});

t.test('instance discovery knows each own name, and sends on to the one that was used', async (t) => {
  await using sim = await startSimulator({ identity: { names: ['login.contoso.test'] } });
  const { port } = new URL(sim.identity.origin);
  const ask = (origin: string, about: string) =>
    at(origin, sim)(`/common/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(about)}`);
  for (const origin of [`https://login.contoso.test:${port}`, `https://127.0.0.1:${port}`]) {
    for (const about of [origin, `https://localhost:${port}`]) {
      const answer = await ask(origin, `${about}/contoso.com/oauth2/v2.0/authorize`);
      t.equal(answer.tenant_discovery_endpoint, `${origin}/contoso.com/v2.0/${METADATA}`);
      t.equal(answer.metadata[0].preferred_network, new URL(origin).host);
      t.strictSame(answer.metadata[0].aliases, [...new Set([new URL(origin).host, new URL(about).host])]);
    }
    t.match(await ask(origin, 'https://evil.test/contoso.com/oauth2/v2.0/authorize'), { error: 'invalid_instance' });
  }
});

t.test('a machine with a new name keeps its CA, goes without the name, and says so', async (t) => {
  const directory = t.testdir();
  const config = resolveConfig({ gateway: { host: '0.0.0.0' }, identity: { host: '0.0.0.0' } });
  const events: string[] = [];
  const start = async (machine: string): Promise<{ readonly ca: string; readonly names: string }> => {
    const emit: Emit = (name, fields) => void events.push(`${EVENTS[name].level} ${EVENTS[name].text(fields)}`);
    const certificates = await loadCertificates({
      directory,
      clock: systemClock,
      random: systemRandom,
      emit,
      permitted: permittedNames(config),
      welcome: welcomeNames(config, machine),
    });
    const { gateway } = await leafCertificates(certificates, config, emit, machine);
    return { ca: certificates.ca.fingerprint, names: new X509Certificate(gateway.cert).subjectAltName ?? '' };
  };
  const first = await start('first-machine');
  t.match(first.names, 'DNS:first-machine');
  events.length = 0;
  const second = await start('second-machine');
  t.equal(second.ca, first.ca);
  t.notMatch(second.names, 'machine');
  t.equal(
    events.filter((text) => /^warn .* second-machine, .* gateway\.names .* must trust the new one/.test(text)).length,
    1,
  );
  t.notMatch(events.join(), 'Renewed the CA');
});

t.test('a configuration that needs another CA is a warning that says who has to trust it', async (t) => {
  const certs = { directory: t.testdir() };
  await (await startSimulator({ certs })).close();
  await using sim = await startSimulator({ certs, identity: { names: ['10.0.2.2'] } });
  const [renewed, ...more] = sim.journal.query({ name: 'certificate.authority.renewed' });
  t.same(more, []);
  t.match(renewed, { level: 'warn', text: /certify 10\.0\.2\.2\/32, which the configuration requires\. Every client/ });
  t.match(renewed?.fields, { fingerprint: sim.certificates.ca.fingerprint });
});

t.test('others are told each address that a certificate has a name for', async (t) => {
  const config = resolveConfig({
    gateway: { host: '0.0.0.0', names: ['10.0.2.2', '2001:db8::7', 'vpn.contoso.test'] },
    identity: { host: '0.0.0.0', names: ['10.0.2.2'] },
  });
  const permits = { permits: (name: string) => name === hostname() } as CertificateStore;
  const local = { gateway: 'https://localhost:8443', authority: 'https://localhost:8444/tenant' };
  t.strictSame(addressesElsewhere(config, permits, local), [
    { gateway: 'https://10.0.2.2:8443', authority: 'https://10.0.2.2:8444/tenant' },
    { gateway: 'https://[2001:db8::7]:8443', authority: undefined },
    { gateway: 'https://vpn.contoso.test:8443', authority: undefined },
    { gateway: `https://${hostname()}:8443`, authority: `https://${hostname()}:8444/tenant` },
  ]);
  const spelled = resolveConfig({
    gateway: { names: ['2001:DB8::0007', 'VPN.contoso.test', '2001:db8::7'] },
    identity: { names: ['2001:db8:0::7', 'vpn.contoso.test'] },
  });
  t.strictSame(
    addressesElsewhere(spelled, permits, local),
    ['[2001:db8::7]', 'vpn.contoso.test'].map((host) => ({
      gateway: `https://${host}:8443`,
      authority: `https://${host}:8444/tenant`,
    })),
    'one name in several spellings is one name',
  );
  const loopback = resolveConfig({ gateway: { names: ['10.0.2.2'] } });
  t.strictSame(addressesElsewhere(loopback, permits, { ...local, authority: undefined }), [
    { gateway: 'https://10.0.2.2:8443', authority: undefined },
  ]);
});
