import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DEFAULT_CLIENT_ID } from '../../src/entra/directory/default-directory.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../src/lib/tunnel-api.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { start } from '../support/running-simulator.ts';

// Sign-ins at the built-in Entra ID by curl, and logins at the gateway by openconnect and curl that come to nothing, each for another reason.

t.setTimeout(400_000);
const skip = skipUnless({ programs: ['openconnect', 'curl', 'openssl'] });
const TENANT = '11111111-2222-4333-8444-555555555555';
const sim = await start(t, {
  identity: { policy: 'strict' },
  gateway: { names: ['vpn.contoso.internal'] },
});
const ca = join(t.testdir(), 'ca.pem');
writeFileSync(ca, sim.ca);
const { port } = sim.gateway;
const url = `https://localhost:${port}/`;
const provokes = provoker(() => sim, skip);

/** openconnect with a token, up to its cookie: no TUN device is needed. */
const openconnect = (...args: string[]) =>
  run('openconnect', [
    '--protocol=anyconnect',
    '--non-inter',
    '--no-system-trust',
    `--cafile=${ca}`,
    '--authenticate',
    ...args,
    url,
  ]);
const withToken = (token: string) => {
  const file = join(t.testdirName, 'token');
  writeFileSync(file, token);
  return openconnect('--http-auth=Bearer', '--token-mode=oidc', `--token-secret=@${file}`);
};
type Wrong = NonNullable<NonNullable<Parameters<typeof sim.token>[0]>['wrong']>;
const wrong = (kind: Wrong) => async () => withToken(await sim.token({ wrong: kind }));
const curl = (...args: string[]) => run('curl', ['-s', '--max-time', '20', '--cacert', ca, ...args]);
/** A token request by curl. */
const ask = (form: Record<string, string>, ...args: string[]) =>
  curl(
    ...Object.entries({ client_id: DEFAULT_CLIENT_ID, scope: TUNNEL_DEFAULT_SCOPE, ...form }).flatMap(
      ([name, value]) => ['--data-urlencode', `${name}=${value}`],
    ),
    ...args,
    `${sim.urls.authority}/oauth2/v2.0/token`,
  );
const password = (form: Record<string, string> = {}, ...args: string[]) =>
  ask({ grant_type: 'password', username: 'alice@contoso.com', password: 'Passw0rd!', ...form }, ...args);
const { users } = sim.identity.directory.tenant(TENANT);
/** Bob, changed for the time of one request. */
const asBob = async (changes: Parameters<typeof users.update>[1], ...args: string[]) => {
  users.update('bob@contoso.com', changes);
  const said = await password({ username: 'bob@contoso.com' }, ...args);
  await sim.reset();
  return said;
};

// Sign-in
provokes(
  'sign-in-password',
  () => password({ password: 'wrong' }),
  (t, { explanation }) => {
    t.match(explanation, { outcome: 'failed', summary: /got no tunnel: wrong password/ });
  },
);
provokes('sign-in-user-unknown', () => password({ username: 'nobody@contoso.com' }));
provokes('sign-in-user-disabled', () => asBob({ enabled: false }));
provokes('sign-in-locked', () => asBob({ locked: true }));
provokes('sign-in-password-expired', () => asBob({ passwordExpired: true }));
provokes('sign-in-interaction', () => asBob({ mfa: 'required' }));
provokes('sign-in-app', () => password({ client_id: TENANT }));
provokes('sign-in-secret', () => password({ grant_type: 'client_credentials' }));
provokes('sign-in-grant-old', () => ask({ grant_type: 'refresh_token', refresh_token: 'of-another-instance' }));
provokes('sign-in-ordered', async () => {
  sim.identity.failNext({ endpoint: 'token', code: 50076 });
  return password();
});
provokes('sign-in-device', async () => {
  const { policies } = sim.identity.directory.tenant(TENANT);
  policies.add({ displayName: 'Compliant devices only', controls: ['compliant-device'] });
  const { devices } = sim.identity.directory.tenant(TENANT);
  devices.add({ id: 'dddddddd-0000-4000-8000-000000000001', owner: 'alice@contoso.com', compliant: false });
  await password({}, '-H', 'x-tunnelite-device: dddddddd-0000-4000-8000-000000000001');
  await sim.reset();
});
provokes('sign-in-blocked', async () => {
  sim.identity.directory.tenant(TENANT).policies.add({ displayName: 'Nobody', controls: ['block'] });
  await password();
  await sim.reset();
});
provokes('sign-in-other', () => ask({ grant_type: 'authorization_code' }));

// Tokens
provokes(
  'token-none',
  () => openconnect(),
  (t, { explanation, finding }) => {
    t.match(explanation, { client: { kind: 'openconnect', library: 'GnuTLS' }, outcome: 'failed' });
    t.match(finding.next[0], /--token-mode=oidc/);
  },
);
provokes('token-expired', wrong('expired'), (t, { finding, explanation }) => {
  t.match(finding.what, /checked: exp; found: .*Z; wanted: later than/);
  t.match(explanation.summary, /^openconnect .* got no tunnel: the token has expired\.$/);
});
provokes('token-not-yet-valid', wrong('not-yet'));
provokes('token-audience', wrong('aud'), (t, { finding }) =>
  t.match(finding.what, /checked: aud; found: .*00000003-0000.*; wanted: .*3678c9e9/),
);
provokes('token-issuer', wrong('iss'));
provokes('token-tenant', wrong('tid'));
provokes('token-signature', wrong('sig'));
provokes('token-algorithm', wrong('alg-none'), (t, { finding }) =>
  t.match(finding.what, /found: "none"; wanted: RS256/),
);
provokes('token-unknown-key', wrong('kid'));
provokes('token-no-key-id', wrong('no-kid'));
provokes('token-type', wrong('typ'));
provokes('token-claim', wrong('no-exp'));
provokes('token-scope', wrong('scp'));
provokes('token-app-only', wrong('app-only'));
provokes('token-guest', wrong('guest'));
provokes('token-malformed', () => withToken('nonsense'));
provokes('token-too-large', async () => {
  const file = join(t.testdirName, 'large');
  writeFileSync(file, `Authorization: Bearer ${'a'.repeat(70_000)}`);
  return curl('-H', `@${file}`, '-d', 'x', url);
});
provokes(
  'token-scheme',
  () => curl('-u', 'alice:Passw0rd!', '-d', 'x', url),
  (t, { explanation }) => t.equal(explanation.client.kind, 'curl'),
);
provokes('token-repeated', async () => {
  const token = await sim.token();
  return curl('-H', `Authorization: Bearer ${token}`, '-d', 'x', url, url);
});

// Requests
provokes(
  'request-only-looked',
  () => curl(url),
  (t, { explanation }) => t.equal(explanation.client.kind, 'curl'),
);
provokes('request-page-missing', () => curl(`${url}nosuch`));
provokes('request-malformed', () =>
  run('openssl', ['s_client', '-quiet', '-connect', `localhost:${port}`, '-CAfile', ca], 'hello\r\n\r\n'),
);
const hasty = await start(t, { gateway: { authTimeout: 2 } });
const provokesHasty = provoker(() => hasty, skip);
provokesHasty('request-auth-timeout', () =>
  // It says nothing, and stays until the gateway closes the connection.
  run('openssl', ['s_client', '-quiet', '-connect', `localhost:${hasty.gateway.port}`]),
);

// Cookies
const cookieOf = (said: string) => /COOKIE='([^']+)'/.exec(said)?.[1] ?? '';
const tunnel = (cookie: string) =>
  run('openconnect', [
    '--non-inter',
    '--no-system-trust',
    `--cafile=${ca}`,
    '--protocol=anyconnect',
    `--cookie=${cookie}`,
    '--script-tun',
    '--script=true',
    '--reconnect-timeout=1',
    url,
  ]);
const login = async () => cookieOf(await withToken(await sim.token()));

provokes('cookie-unknown', () => tunnel('A'.repeat(43)));
provokes(
  'cookie-ended',
  async () => {
    const cookie = await login();
    const session = sim.sessions.list().at(-1);
    sim.sessions.disconnect(session!.id);
    await tunnel(cookie);
    return about(session!.id);
  },
  (t, { finding }) => t.match(finding.what, /The cookie belongs to the session \w{6} and is no longer valid \(admin\)/),
);
provokes('cookie-none', () =>
  run(
    'openssl',
    ['s_client', '-quiet', '-connect', `localhost:${port}`, '-CAfile', ca],
    'CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\n\r\n',
  ),
);
provokes('cookie-path', async () => {
  const cookie = await login();
  return run(
    'openssl',
    ['s_client', '-quiet', '-connect', `localhost:${port}`, '-CAfile', ca],
    `CONNECT /other HTTP/1.1\r\nHost: x\r\nCookie: webvpn=${cookie}\r\n\r\n`,
  );
});
provokes('end-cookie-expired', async () => {
  await login();
  const { id } = sim.sessions.list().at(-1)!;
  await sim.clock.advance('10m');
  return about(id);
});

// Admission
provokes(
  'fault-refused',
  async () => {
    await using _ = sim.faults.add({
      name: 'no-logins',
      on: { seam: 'decision', kind: 'authenticate' },
      then: { do: 'refuse' },
    });
    await withToken(await sim.token());
  },
  (t, { finding }) => t.match(finding, { rule: 'no-logins', next: [/tunnelite fault remove no-logins/] }),
);
const banning = await start(t, { gateway: { bans: { maxScore: 15 } } });
const provokesBan = provoker(() => banning, skip);
provokesBan('admission-banned', async () => {
  for (let i = 0; i < 3; i++) await curl('-k', '-u', 'alice:Passw0rd!', '-d', 'x', banning.urls.gateway);
});
provokes('admission-draining', async () => {
  await sim.reset();
  const drained = sim.gateway.drain();
  await openconnect();
  await sim.gateway.start();
  await drained;
});
