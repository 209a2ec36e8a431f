import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { type AppConfiguration, appConfiguration, ManagedApp, type ManagedAppOptions } from '../../src/client/index.ts';
import { appRules } from '../../src/client/managed-rules.ts';
import { start } from '../support/running-simulator.ts';

const TUNNEL = 'com.microsoft.tunnel.';
const EDGE = 'com.microsoft.msedge';
const SWITCH = 'com.microsoft.intune.mam.managedbrowser.TunnelAvailable.IntuneMAMOnly';
const STRICT = 'com.microsoft.intune.mam.managedbrowser.StrictTunnelMode';
const WORK = { username: 'alice@contoso.com', kind: 'work' } as const;
const PERSONAL = { username: 'me@example.com', kind: 'personal' } as const;

const given = (settings: Record<string, string>, more: Partial<AppConfiguration> = {}): AppConfiguration => ({
  settings,
  protection: { connectToVpnOnLaunch: false },
  notes: [],
  ...more,
});
const SERVER = { [`${TUNNEL}server_address`]: 'localhost:8443' };

t.test('what policies mean for an app', async (t) => {
  const ios = { app: 'com.contoso.lob', platform: 'ios' } as const;
  const android = { app: 'com.contoso.lob', platform: 'android' } as const;
  const edge = { app: EDGE, platform: 'ios' } as const;
  t.match(appRules(ios, given(SERVER)), { hasTunnel: true, connect: /SDK starts it/, strict: false });
  t.match(appRules(ios, given({})), {
    hasTunnel: false,
    connect: undefined,
    why: 'No policy has settings for a tunnel.',
  });
  t.match(appRules(ios, given({}, { notes: ['Because.'] })), { why: /Because\./ });
  t.match(appRules(android, given(SERVER)), { connect: undefined, why: /connectToVpnOnLaunch/ });
  t.match(appRules(android, given(SERVER, { protection: null })), { connect: undefined });
  t.match(appRules(android, given(SERVER, { protection: { connectToVpnOnLaunch: true } })), {
    connect: /app protection/,
  });
  t.match(appRules(edge, given(SERVER)), { connect: undefined, why: /Identity switch is off/ });
  t.match(appRules(edge, given({ ...SERVER, [SWITCH]: 'true ' })), { connect: /identity switch is on/ });
  t.match(appRules(edge, given({ ...SERVER, [STRICT]: 'True' })), { strict: true });
  t.match(appRules(ios, given({ ...SERVER, [STRICT]: 'True' })), { strict: false }, 'a key of Edge alone');
  const pac = { ...SERVER, [`${TUNNEL}proxy_pacurl`]: 'http://pac/' };
  t.ok(`${TUNNEL}proxy_pacurl` in appRules(ios, given(pac)).settings);
  t.notOk(`${TUNNEL}proxy_pacurl` in appRules(android, given(pac)).settings);
  t.ok(`${TUNNEL}proxy_pacurl` in appRules({ app: 'com.microsoft.emmx', platform: 'android' }, given(pac)).settings);
});

async function lab(t: Test, settings: Record<string, string> = {}, options: Partial<ManagedAppOptions> = {}) {
  const sim = await start(t);
  const { host } = new URL(sim.urls.gateway);
  const app = new ManagedApp({
    app: 'com.contoso.lob',
    platform: 'ios',
    device: { ca: sim.ca },
    policies: () => given({ [`${TUNNEL}server_address`]: host, ...settings }),
    token: ({ username }) => sim.token({ user: username }),
    ...options,
  });
  t.teardown(() => app.close());
  return { sim, app };
}

t.test('launches and switches come one after the other, whoever waits for them', async (t) => {
  const { sim, app } = await lab(t);
  const outcomes = await Promise.all([
    app.launch(WORK),
    app.switchTo(PERSONAL),
    app.switchTo(WORK),
    app.switchTo(WORK),
    app.switchTo(undefined),
    app.launch(WORK),
  ]);
  t.strictSame(
    outcomes.map(({ tunnel }) => tunnel),
    ['connected', 'not asked', 'connected', 'connected', 'not asked', 'connected'],
  );
  await sim.journal.waitFor({ name: 'session.connect' });
  t.equal(sim.journal.count({ name: 'session.connect' }), 3, 'the same account again changes nothing');
  await app.close();
  t.notOk(app.connected);
});

t.test('policies and tokens that cannot be had are told, and leave no tunnel', async (t) => {
  const { app } = await lab(t, {}, { policies: () => Promise.reject(new Error('Intune is away')) });
  t.match(await app.launch(WORK), { tunnel: 'failed', why: 'Intune is away' });
  const { app: second } = await lab(t, {}, { token: () => '' });
  t.match(await second.launch(WORK), { tunnel: 'failed', why: 'The app had no token.' });
  const { app: third } = await lab(t, {}, { token: () => 'not.a.token' });
  t.match(await third.launch(WORK), { tunnel: 'failed', code: 'ERR_CLIENT_TOKEN_REFUSED' });
  t.notOk(third.connected);
});

t.test('who waits for a token or for policies that never come can leave', async (t) => {
  const never = () => new Promise<never>(() => {});
  for (const options of [{ token: never }, { policies: never }]) {
    const { sim, app } = await lab(t, {}, options);
    const outcomes = [app.launch(WORK), app.switchTo(PERSONAL), app.launch(WORK)];
    await app.disconnect();
    for (const outcome of await Promise.all(outcomes)) {
      t.match(outcome, { tunnel: 'not asked', why: 'The user disconnected.' });
    }
    const last = app.launch(WORK);
    await app.close();
    t.match(await last, { tunnel: 'not asked', why: 'The app was closed.' });
    t.equal(app.sdk, undefined);
    t.equal(sim.journal.count({ name: 'session.connect' }), 0);
  }
});

t.test('hosts of bypassedUrls are reached beside the tunnel, a proxy takes web requests', async (t) => {
  const custom = `${TUNNEL}custom_configuration`;
  const { app } = await lab(t, { [custom]: '{"bypassedUrls":["intranet.contoso.internal"]}' });
  await app.launch(WORK);
  await t.rejects(app.fetch('http://intranet.contoso.internal/'), { code: 'ERR_CLIENT_OPEN' });
  t.equal((await app.fetch('http://files.contoso.internal/')).status < 500, true, 'others go through it');
  const proxy = { [`${TUNNEL}proxy_address`]: 'nowhere.contoso.internal', [`${TUNNEL}proxy_port`]: '3128' };
  const { app: second } = await lab(t, proxy);
  await second.launch(WORK);
  await t.rejects(second.fetch('http://intranet.contoso.internal/'), { message: /nowhere\.contoso\.internal/ });
});

t.test('without a tunnel requests go beside it, unless strict mode forbids that', async (t) => {
  const server = createServer((_request, response) => response.end('beside')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (const [strict, launched] of [
    [false, 'not asked'],
    [true, 'failed'],
  ] as const) {
    const app = new ManagedApp({
      app: EDGE,
      platform: 'ios',
      policies: () => given({ ...SERVER, ...(strict && { [STRICT]: 'true', [SWITCH]: 'true' }) }),
      token: () => '',
    });
    t.teardown(() => app.close());
    t.equal((await app.fetch(url)).body.toString(), 'beside', 'before it is launched');
    t.equal((await app.launch(WORK)).tunnel, launched);
    if (strict)
      await t.rejects(app.fetch(url), { code: 'ERR_CLIENT_STRICT', message: /127\.0\.0\.1:\d+ is not opened/ });
    else t.equal((await app.fetch(url)).body.toString(), 'beside');
  }
});

/** Asks a server of whatever kind for policies. */
async function ask(t: Test, listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  return appConfiguration({ authority: `http://127.0.0.1:${port}/tenant`, token: 'x', app: 'a', platform: 'ios' });
}

t.test('an answer that is none of Tunnelite’s is refused', async (t) => {
  const bodies: [string, RegExp][] = [
    ['', /not a JSON object/],
    ['[]', /not a JSON object/],
    ['{}', /has no settings/],
    ['{"settings":[]}', /has no settings/],
    ['{"settings":{"a":1}}', /a setting is not a string/],
    ['{"settings":{"a":"1","a":"2"}}', /not a JSON object/],
    [`{"settings":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`, /not a JSON object/],
    [`{"settings":{"a":"${'x'.repeat(17 * 1024 * 1024)}"}}`, /more than 16777216 bytes/],
  ];
  for (const [body, message] of bodies) {
    await t.rejects(
      ask(t, (_, answer) => answer.end(body)),
      { code: 'ERR_CLIENT_POLICY', message },
    );
  }
  await t.rejects(
    ask(t, (_, answer) => answer.writeHead(403).end('{"error":{"code":"Forbidden","message":"No."}}')),
    {
      code: 'ERR_CLIENT_POLICY',
      message: /403 Forbidden: No/,
    },
  );
  await t.rejects(
    ask(t, ({ socket }) => socket.destroy()),
    { code: 'ERR_CLIENT_POLICY' },
  );
  const good = await ask(t, (_, answer) => answer.end('{"settings":{"__proto__":"x"},"protection":7,"notes":[1,"n"]}'));
  t.ok(Object.hasOwn(good.settings, '__proto__'));
  t.match(good, { protection: { connectToVpnOnLaunch: false }, notes: ['n'] });
});
