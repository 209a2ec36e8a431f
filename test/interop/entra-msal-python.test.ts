import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import t, { type Test } from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, DEFAULT_TENANT_ID } from '../../src/entra/directory/index.ts';
import { type ConfigInput, type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';
import { FormBrowser } from '../support/browser.ts';
import { skipUnless } from '../support/interop.ts';
import { hasMsalPython, MsalPython } from '../support/msal-python.ts';

// Debian's MSAL Python, unmodified: another code base than MSAL Node, with its own idea of what a metadata document is.

t.setTimeout(100_000);
const skip = skipUnless({ packages: { 'python3-msal': hasMsalPython } });
const scopes = [TUNNEL_DEFAULT_SCOPE];

interface Desk extends AsyncDisposable {
  readonly sim: Simulator;
  readonly msal: MsalPython;
}

async function desk(t: Test, config: ConfigInput = {}, client: object = {}): Promise<Desk> {
  const sim = await startSimulator(config);
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, sim.ca);
  const msal = new MsalPython(ca);
  const one = {
    sim,
    msal,
    async [Symbol.asyncDispose]() {
      await msal[Symbol.asyncDispose]();
      await sim.close();
    },
  };
  const authority = `${sim.identity.origin}/contoso.com`;
  const configured = await msal.call({ call: 'configure', client_id: DEFAULT_CLIENT_ID, authority, ...client });
  t.equal(configured.token_endpoint, `${sim.identity.origin}/${DEFAULT_TENANT_ID}/oauth2/v2.0/token`, configured);
  return one;
}

async function connects({ sim }: Desk, token: string): Promise<boolean> {
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
  return client.connected;
}

/** Signs bob in with a device code, as a person does at another screen. */
async function signIn(t: Test, { sim, msal }: Desk): Promise<Record<string, string>> {
  const flow = await msal.call({ call: 'start device', scopes });
  t.equal(flow.verification_uri, `${sim.identity.origin}/devicelogin`, flow);
  const { Agent, fetch } = await import('undici');
  const dispatcher = new Agent({ connect: { ca: sim.ca } });
  const browser = new FormBrowser({
    origin: sim.identity.origin,
    fetch: (path, init) => fetch(new URL(path, sim.identity.origin), { redirect: 'manual', ...init, dispatcher }),
  });
  await browser.get(flow.verification_uri);
  await browser.submit({ otc: flow.user_code });
  await browser.submit({ login: 'bob@contoso.com' });
  await browser.submit({ passwd: DEFAULT_PASSWORD });
  await browser.submit({ action: 'continue' });
  await dispatcher.close();
  return msal.call({ call: 'finish device' });
}

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `MSAL Python signs in by device code and refreshes, and the gateway takes its tokens (${policy})`,
    { skip },
    async (t) => {
      await using one = await desk(t, { identity: { policy } });
      const first = await signIn(t, one);
      t.match(decodeJwt(first.access_token!), { aud: TUNNEL_RESOURCE_ID, scp: 'Tunnel_Allow' });
      t.ok(await connects(one, first.access_token!));
      one.sim.identity.disturb('token', { status: 503 });
      const cached = await one.msal.call({ call: 'silent', scopes });
      t.equal(cached.access_token, first.access_token, 'no request was made');
      one.sim.identity.reset();
      const lost = await one.msal.call({ call: 'silent', scopes, force: true });
      t.match(lost, { error: 'invalid_grant' }, 'a refresh token of a directory that has forgotten it');
    },
  );
}

t.test('MSAL Python refreshes, and tells a refusal with its claims', { skip }, async (t) => {
  await using one = await desk(t);
  const first = await signIn(t, one);
  const fresh = await one.msal.call({ call: 'silent', scopes, force: true });
  t.not(fresh.access_token, first.access_token);
  t.ok(await connects(one, fresh.access_token));
  one.sim.identity.failNext({ user: 'bob@contoso.com', code: 50076 });
  const refused = await one.msal.call({ call: 'silent', scopes, force: true });
  t.match(refused, { error: 'invalid_grant', suberror: 'basic_action', error_description: /^AADSTS50076/ });
  t.match(JSON.parse(refused.claims), { access_token: { capolids: { essential: true } } });
});

// What docs/reference/identity.md says of this library: before the password grant it asks for the user's realm, without the port.
t.test('MSAL Python drops the port from the authority in its password grant', { skip }, async (t) => {
  await using one = await desk(t);
  const answer = await one.msal.call({
    call: 'password',
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scopes,
  });
  t.match(answer, { exception: /Error$/, message: /host='localhost', port=443/ });
  t.same(one.sim.journal.query({ name: 'identity.token.issued' }), []);
});

t.test('at port 443 its password grant works', { skip: skip || skipUnless({ root: true }) }, async (t) => {
  // An address of its own: whatever serves port 443 of this machine stays as it is.
  await using one = await desk(t, { identity: { host: '127.20.4.43', port: 443 } });
  const answer = await one.msal.call({
    call: 'password',
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scopes,
  });
  t.match(answer, { access_token: String, refresh_token: String }, answer);
  t.ok(await connects(one, answer.access_token));
  const wrong = await one.msal.call({ call: 'password', username: 'alice@contoso.com', password: 'wrong', scopes });
  t.match(wrong, { error: 'invalid_grant', error_description: /^AADSTS50126/ });
});
