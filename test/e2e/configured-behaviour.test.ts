import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:tls';
import t from 'tap';
import { type ConfigInput, type Simulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { login } from '../support/bearer-login.ts';

interface TokenAnswer {
  readonly access_token?: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
  readonly error?: string;
  readonly error_codes?: readonly number[];
}

/** One request to the token endpoint. */
async function tokens(sim: Simulator, parameters: Record<string, string>): Promise<TokenAnswer> {
  const outgoing = request(`${sim.urls.authority}/oauth2/v2.0/token`, {
    method: 'POST',
    ca: sim.ca,
    agent: false,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const client_id = [...sim.identity.directory.defaultTenant.applications][0]!.appId;
  outgoing.end(new URLSearchParams({ client_id, ...parameters }).toString());
  const [response] = await once(outgoing, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as TokenAnswer;
}

const PASSWORD = {
  grant_type: 'password',
  username: 'alice@contoso.com',
  password: 'Passw0rd!',
  scope: 'openid offline_access 3678c9e9-9681-447a-974d-d19f668fcd88/.default',
};

const claimsOf = (token: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString());

/** True when the gateway closes a connection instead of finishing the handshake. */
async function shutOut(sim: Simulator): Promise<boolean> {
  const { hostname, port } = new URL(sim.urls.gateway);
  const socket = connect({ host: hostname, port: Number(port), ca: sim.ca, servername: 'localhost' });
  const open = await new Promise<boolean>((resolve) => {
    socket.once('secureConnect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  socket.destroy();
  return !open;
}

t.test('gateway.bans shuts out an address that fails to log in, until banTime has passed', async (t) => {
  const clock = new ManualClock(Date.now());
  const bans = { maxScore: 30, banTime: 120, resetTime: 60 };
  await using sim = await startSimulator({ gateway: { bans } }, { clock });
  for (let i = 0; i < 3; i++) t.match(await login(sim.urls.gateway, sim.ca, 'wrong'), / 401 /);
  t.equal(await shutOut(sim), true);
  t.match(sim.journal.query({ name: 'http.rejected' }).at(-1)?.fields, { reason: 'banned', explanation: /120 s/ });
  clock.advance(119_999);
  t.equal(await shutOut(sim), true, 'further tries within the time are refused too');
  clock.advance(1);
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
});

t.test('without gateway.bans an address may fail as often as it likes', async (t) => {
  await using sim = await startSimulator();
  for (let i = 0; i < 5; i++) t.match(await login(sim.urls.gateway, sim.ca, 'wrong'), / 401 /);
  t.equal(await shutOut(sim), false);
});

t.test('gateway.bearerPrefix decides whether “BearerX” and a token is a login', async (t) => {
  /** What the header `Authorization: Bearer<between><token>` is answered with. */
  const status = async (bearerPrefix: 'lenient' | 'strict', between: string): Promise<string> => {
    await using sim = await startSimulator({ gateway: { bearerPrefix } });
    const { hostname, port } = new URL(sim.urls.gateway);
    const socket = connect({ host: hostname, port: Number(port), ca: sim.ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const head = ['POST / HTTP/1.1', 'Host: localhost', 'X-Transcend-Version: 1', 'Content-Length: 0'];
    socket.write(`${[...head, `Authorization: Bearer${between}${await sim.token()}`].join('\r\n')}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString('latin1').split('\r\n')[0]!;
  };
  t.equal(await status('lenient', 'X'), 'HTTP/1.1 200 OK');
  t.equal(await status('strict', 'X'), 'HTTP/1.1 401 Unauthorized', 'the challenge');
  t.equal(await status('strict', ' '), 'HTTP/1.1 200 OK');
});

t.test('identity.lifetimes shows in the tokens and in expires_in, and the gateway keeps to it', async (t) => {
  const clock = new ManualClock(Date.now());
  const lifetimes = { accessToken: 120, idToken: 77, refreshToken: 300 };
  await using sim = await startSimulator({ identity: { lifetimes } }, { clock });
  const answer = await tokens(sim, PASSWORD);
  t.equal(answer.expires_in, 120);
  const { exp, iat } = claimsOf(answer.access_token) as { exp: number; iat: number };
  t.equal(exp - Math.floor(clock.now() / 1000), 120);
  t.ok(iat <= exp - 120);
  t.equal(Number(claimsOf(answer.id_token).exp) - Math.floor(clock.now() / 1000), 77);
  t.match(await login(sim.urls.gateway, sim.ca, answer.access_token!), / 200 /);
  clock.advance(121_000);
  t.match(await login(sim.urls.gateway, sim.ca, answer.access_token!), / 401 /);
  const refresh = { grant_type: 'refresh_token', scope: PASSWORD.scope, refresh_token: answer.refresh_token! };
  t.equal((await tokens(sim, refresh)).expires_in, 120);
  clock.advance(180_000);
  t.match(await tokens(sim, refresh), { error: 'invalid_grant', error_codes: [700082] });
});

t.test('identity.behaviour: a refresh token used twice ends the sign-in, with replay: revoke', async (t) => {
  const replayed = async (identity: ConfigInput['identity']): Promise<TokenAnswer> => {
    await using sim = await startSimulator({ identity });
    const { refresh_token } = await tokens(sim, PASSWORD);
    const refresh = { grant_type: 'refresh_token', scope: PASSWORD.scope, refresh_token: refresh_token! };
    t.ok((await tokens(sim, refresh)).access_token);
    return await tokens(sim, refresh);
  };
  t.ok((await replayed({})).access_token);
  t.match(await replayed({ behaviour: { replay: 'revoke' } }), { error: 'invalid_grant' });
});

t.test('identity.behaviour: the loop limit stops identical token requests', async (t) => {
  await using sim = await startSimulator({ identity: { behaviour: { loopLimit: 2 } } });
  for (let i = 0; i < 2; i++) t.ok((await tokens(sim, PASSWORD)).access_token);
  t.match(await tokens(sim, PASSWORD), { error_codes: [50196] });
});

t.test('identity.strict says which tokens the strict policy takes', async (t) => {
  type Strict = NonNullable<ConfigInput['identity']>['strict'];
  /** The reason why the token is refused; undefined: it is accepted. */
  const reason = async (strict: Strict, claims: Record<string, unknown>): Promise<unknown> => {
    await using sim = await startSimulator({ identity: { policy: 'strict', strict } });
    const status = await login(sim.urls.gateway, sim.ca, await sim.token({ claims }));
    return / 200 /.test(status) ? undefined : sim.journal.query({ name: 'auth.refused' }).at(-1)?.fields.reason;
  };
  t.equal(await reason({}, { scp: 'VPN.Connect' }), 'scope');
  t.equal(await reason({ scope: 'VPN.Connect' }, { scp: 'VPN.Connect' }), undefined);
  t.equal(await reason({ scope: null }, { scp: 'VPN.Connect' }), undefined);
  t.equal(await reason({}, { acct: 1 }), 'guest');
  t.equal(await reason({ guests: 'accept' }, { acct: 1 }), undefined);
  const clients = ['aaaaaaaa-0000-4000-8000-000000000001'];
  t.equal(await reason({ clients }, {}), 'claim');
  t.equal(await reason({ clients }, { azp: clients[0] }), undefined);
  const tenant = 'AAAAAAAA-0000-4000-8000-000000000002';
  t.equal(await reason({ tenants: [tenant] }, {}), 'tenant');
  t.equal(await reason({ tenants: [tenant, '11111111-2222-4333-8444-555555555555'] }, {}), undefined);
});

t.test('a pool of IPv6 alone serves clients from login to page', async (t) => {
  await using sim = await startSimulator({
    gateway: {
      network: null,
      ipv6Network: 'fd00:77::/64',
      dnsServers: ['fd00:20::53'],
      routesInclude: ['fd00:20::/64'],
    },
    services: {
      hosts: [
        { names: ['intranet.contoso.internal'], addresses: ['fd00:20::10'], tcp: { 80: 'intranet-http' } },
        { names: ['dns.contoso.internal'], addresses: ['fd00:20::53'], udp: { 53: 'dns' } },
      ],
    },
  });
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.match(client.configuration, { address4: undefined, address6: 'fd00:77::2', dnsServers: ['fd00:20::53'] });
  const page = await client.fetch('http://intranet.contoso.internal/whoami');
  t.match(JSON.parse(page.body.toString()), { source: { address: 'fd00:77::2' } });
});
