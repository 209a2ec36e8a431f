import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { login } from '../support/bearer-login.ts';
import { askToken, connect, PASSWORD, start } from '../support/running-simulator.ts';

/* One call of `advance`, and everything that is limited in time has aged by as much. */

t.test('a token is good until its time has passed, by the clock that was moved', async (t) => {
  // Standing still, so that a slow machine changes nothing.
  const sim = await start(t, { clock: 'manual' });
  const token = await sim.token({ expiresIn: 3600 });
  await sim.clock.advance('3590s');
  t.match(await login(sim.urls.gateway, sim.ca, token), / 200 /);
  await sim.clock.advance('11s');
  t.match(await login(sim.urls.gateway, sim.ca, token), / 401 /);
  t.match(sim.journal.query({ name: 'auth.refused' }), [{ fields: { reason: 'expired' } }]);
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /, 'a new one is of the new time');
});

t.test('a token for an hour is refused an hour later, at whatever fraction of a second it was made', async (t) => {
  const sim = await start(t, { clock: 'manual' });
  for (const fraction of [0, 1, 499, 500, 999]) {
    await sim.clock.advance(1000 - (sim.clock.now() % 1000) + fraction);
    t.equal(sim.clock.now() % 1000, fraction);
    const token = await sim.token({ expiresIn: 3600 });
    // Tokens have whole seconds: the one that has begun counts.
    await sim.clock.advance(3_600_000 - fraction - 1);
    t.match(await login(sim.urls.gateway, sim.ca, token), / 200 /, `a moment before, at ${fraction} ms`);
    await sim.clock.advance(1);
    t.match(await login(sim.urls.gateway, sim.ca, token), / 401 /, `an hour, at ${fraction} ms`);
  }
});

t.test('refresh tokens and the browser’s sign-ins age too', async (t) => {
  const sim = await start(t);
  const { body } = await askToken(t, sim, PASSWORD);
  const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token! };
  await sim.clock.advance('89d');
  t.equal((await askToken(t, sim, refresh)).status, 200);
  await sim.clock.advance('1d30m');
  const late = await askToken(t, sim, refresh);
  t.equal(late.status, 400);
  t.match(late.body.error_description, /^AADSTS7000?8/);
});

t.test('a ban is over when its time has passed', async (t) => {
  const sim = await start(t, { gateway: { bans: { maxScore: 20, banTime: 300 } } });
  for (let i = 0; i < 2; i++) await login(sim.urls.gateway, sim.ca, 'wrong').catch(() => '');
  await t.rejects(login(sim.urls.gateway, sim.ca, await sim.token()));
  await sim.journal.waitFor({ name: 'http.rejected', fields: { reason: 'banned' } });
  await sim.clock.advance('5m');
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
});

t.test('a client and its connections live through an hour, to the byte, and end at the session limit', async (t) => {
  const sim = await start(t, { gateway: { sessionTimeout: 7200, dpd: 5 } });
  const { client, ended } = await connect(t, sim);
  const stream = await client.openTcp('tools.contoso.internal', 7);
  const heard: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => heard.push(chunk));
  const sent = Buffer.alloc(300_000, 'abcdefg');
  stream.write(sent);
  await sim.clock.advance('1h');
  stream.write(sent);
  while (Buffer.concat(heard).length < 2 * sent.length) await once(stream, 'data');
  t.ok(Buffer.concat(heard).equals(Buffer.concat([sent, sent])));
  t.strictSame(
    sim.journal.query({ name: 'resource.end' }).map((event) => event.fields.reason),
    ['answered'],
    'only the look-up of the name has ended',
  );
  stream.on('error', () => {});
  t.ok(client.connected);
  await sim.clock.advance('1h');
  t.match(await ended, { code: 'ERR_CLIENT_DISCONNECTED', message: /ended the session/ });
  t.match(sim.journal.query({ name: 'session.disconnect' }), [
    { fields: { reason: 'session-timeout', explanation: /limit of 7200 s/ } },
  ]);
});

t.test('events carry the moved time, and an advance is one of them', async (t) => {
  const sim = await start(t);
  const { now } = await sim.clock.advance('1h');
  const [event] = sim.journal.query({ name: 'clock.advanced' });
  t.match(event, { fields: { milliseconds: 3_600_000, timers: 0 }, text: /moved forward by 1h; it is 1h ahead/ });
  t.ok(event!.time >= now && event!.time > Date.now() + 3_000_000);
  sim.clock.freeze();
  sim.clock.resume();
  t.match(
    sim.journal.query({ name: 'clock.mode' }).map((one) => one.fields.mode),
    ['manual', 'real'],
  );
});

t.test('with clock: manual, time stands still from the start, and all works', async (t) => {
  const sim = await start(t, { clock: 'manual' });
  t.equal(sim.clock.mode, 'manual');
  const now = sim.clock.now();
  const { client } = await connect(t, sim);
  t.equal((await client.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  t.equal(sim.clock.now(), now);
  const token = await sim.mintToken({ expiresIn: 1 });
  t.equal(token.claims['exp'], Math.floor(now / 1000) + 1);
  t.match(await login(sim.urls.gateway, sim.ca, token.accessToken), / 200 /);
  await sim.clock.advance('2s');
  t.match(await login(sim.urls.gateway, sim.ca, token.accessToken), / 401 /);
});

t.test('delays of Entra ID pass also while time stands still', async (t) => {
  const sim = await start(t, { clock: 'manual' });
  sim.identity.disturb('token', { delay: 20 });
  t.equal((await askToken(t, sim, PASSWORD)).status, 200);
});

/** The certificate that a server shows to a client whose own clock did not move. */
async function certificateOf(url: string, ca: string) {
  const { hostname, port } = new URL(url);
  const socket = tlsConnect({ host: hostname, port: Number(port), ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate()!;
  socket.destroy();
  return certificate;
}

t.test('certificates that run out by the moved clock are renewed, for clients of either time', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const servers = [sim.urls.gateway, sim.urls.authority];
  const before = await Promise.all(servers.map((url) => certificateOf(url, sim.ca)));
  await sim.clock.advance('365d');
  t.strictSame(sim.journal.query({ name: 'certificate.renewed' }), [], '31 days are left');
  await sim.clock.advance('2d');
  t.strictSame(
    sim.journal.query({ name: 'certificate.renewed' }).map((event) => event.fields.certificate),
    ['gateway', 'identity', 'services'],
  );
  for (const [i, url] of servers.entries()) {
    const after = await certificateOf(url, sim.ca);
    t.not(after.fingerprint256, before[i]!.fingerprint256);
    t.ok(Date.parse(after.validFrom) < Date.now());
    t.ok(Date.parse(after.validTo) > sim.clock.now());
  }
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
  const again = await connect(t, sim);
  const secure = await again.client.fetch('https://intranet.contoso.internal/whoami', { ca: sim.ca });
  t.equal(secure.status, 200);
  t.ok((await sim.check()).every((one) => one.ok));
  t.equal(client.connected, false, 'the session limit, of course');
});

t.test('ten years are no reason to hang, and no certificate outlives its CA', async (t) => {
  const sim = await start(t);
  await connect(t, sim);
  await sim.clock.advance('9y');
  const { timers } = await sim.clock.advance('10y');
  t.ok(timers < 100);
  const leaf = await certificateOf(sim.urls.gateway, sim.ca);
  t.ok(Date.parse(leaf.validTo) <= Date.parse(new X509Certificate(sim.ca).validTo));
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
});
