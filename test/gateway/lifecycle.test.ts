import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { GatewayOptions } from '../../src/gateway/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { SimulatorClock } from '../../src/lib/simulator-clock.ts';
import { CstpType } from '../../src/wire/cstp.ts';
import {
  cookieOf,
  fakeVerifier,
  header,
  ipv4Packet,
  type RawClient,
  startTestGateway,
  statusLine,
  type TestGateway,
  withHeadroom,
} from '../support/gateway.ts';

/* A gateway that is restarted, stopped, drained and started again, as its clients see it. */

async function setup(t: Test, options: Parameters<typeof startTestGateway>[0] = {}) {
  const clock = new SimulatorClock({ machine: systemClock });
  const lab = await startTestGateway({ clock, machine: systemClock, ...options });
  clock.follow(lab.gateway.follower);
  t.teardown(async () => {
    clock.close();
    await lab.gateway.close();
  });
  return { lab, clock };
}

async function tunnel(t: Test, lab: TestGateway, token = 'good'): Promise<{ client: RawClient; cookie: string }> {
  const client = await lab.dial();
  t.teardown(() => client.close());
  const cookie = cookieOf(await client.login(token));
  t.match(statusLine(await client.connectTunnel()), / 200 /);
  return { client, cookie };
}

/** How a TCP connection to a port fares: `refused`, or `closed` when it was accepted and closed before a byte. */
async function knock(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'closed'),
    );
    socket.once('end', () => resolve('closed'));
    socket.resume();
  });
}

t.test('after a restart the port is the same, clients come back with their cookie, and packets flow', async (t) => {
  const { lab } = await setup(t, { settings: { disableUdp: false } });
  const packets: string[] = [];
  lab.gateway.attach({
    onPacket: (_buffer, _offset, length, session) => void packets.push(`${session.username} ${length}`),
    onBatchEnd() {},
    onPathChanged() {},
    onAddressReleased() {},
  });
  const { client, cookie } = await tunnel(t, lab);
  const { port } = lab.gateway;
  const [before] = lab.gateway.sessions();
  await lab.gateway.restart();
  t.equal(lab.gateway.state, 'listening');
  t.equal(lab.gateway.port, port);
  t.equal(await client.packet(), undefined, 'no disconnect packet: the connection is just gone');
  t.match(lab.gateway.sessions(), [{ id: before!.id, state: 'disconnected', address4: before!.address4 }]);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'restart' }]);
  t.match(lab.events.of('gateway.restarting'), [{ sessions: 1, cookies: 'keep' }]);
  t.match(lab.events.of('gateway.started'), [{ port }]);
  const again = await lab.dial();
  t.teardown(() => again.close());
  const answer = await again.connectTunnel(cookie);
  t.match(statusLine(answer), / 200 CONNECTED/);
  t.equal(header(answer, 'X-CSTP-Address'), before!.address4);
  again.sendPacket(CstpType.Data, ipv4Packet(before!.address4!, '192.168.77.1', 60));
  while (packets.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(packets, ['adele@example.com 60']);
  const { buffer, offset, length } = withHeadroom(ipv4Packet('192.168.77.1', before!.address4!, 80));
  t.ok(lab.gateway.deliver(buffer, offset, length));
  t.match(await again.packet(), { type: CstpType.Data });
  await tunnel(t, lab, 'good:newcomer');
});

t.test('with cookies lost nobody is remembered, as at a real server', async (t) => {
  const { lab } = await setup(t);
  const { cookie } = await tunnel(t, lab);
  const waiting = await lab.dial();
  const unused = cookieOf(await waiting.login('good:waiting'));
  await lab.gateway.restart({ cookies: 'lose' });
  t.equal(lab.gateway.sessions().length, 0);
  for (const lost of [cookie, unused]) {
    const again = await lab.dial();
    t.match(statusLine(await again.connectTunnel(lost)), / 401 Cookie is not acceptable/);
    again.close();
  }
  waiting.close();
});

t.test('with notice clients get a disconnect packet before they are cut off', async (t) => {
  const { lab } = await setup(t);
  const { client, cookie } = await tunnel(t, lab);
  await lab.gateway.restart({ notify: true });
  t.match(await client.packet(), { type: CstpType.Disconnect });
  t.equal(await client.packet(), undefined);
  const again = await lab.dial();
  t.match(statusLine(await again.connectTunnel(cookie)), / 200 /, 'the cookie is another matter');
  again.close();
});

t.test('stopped, nothing listens; started, all is as before; both twice do no harm', async (t) => {
  const { lab, clock } = await setup(t, { settings: { cookieTimeout: 60 } });
  const { cookie } = await tunnel(t, lab);
  await lab.gateway.stop();
  await lab.gateway.stop();
  t.equal(lab.gateway.state, 'stopped');
  t.equal(lab.gateway.unavailable, 'The gateway is stopped. Run "tunnelite gateway start" to start it again.');
  t.equal(await knock(lab.port), 'refused');
  t.match(lab.events.of('gateway.stopped'), [{ sessions: 1, cookies: 'keep' }]);
  await clock.advance('30s');
  await lab.gateway.start();
  await lab.gateway.start();
  t.equal(lab.gateway.unavailable, undefined);
  t.equal(lab.events.of('gateway.started').length, 1);
  const again = await lab.dial();
  t.match(statusLine(await again.connectTunnel(cookie)), / 200 /);
  await lab.gateway.stop();
  await clock.advance('2m');
  t.equal(lab.gateway.sessions().length, 0, 'cookies run out while it is stopped');
  await lab.gateway.start();
  again.close();
});

t.test('a port that somebody took meanwhile is an error, and a later start works', async (t) => {
  const { lab } = await setup(t);
  await lab.gateway.stop();
  const thief = createServer().listen(lab.port, '127.0.0.1');
  await once(thief, 'listening');
  await t.rejects(lab.gateway.start(), { code: 'ERR_GATEWAY_PORT_IN_USE' });
  t.equal(lab.gateway.state, 'stopped');
  thief.close();
  await once(thief, 'close');
  await lab.gateway.start();
  await tunnel(t, lab);
});

t.test('a draining gateway turns newcomers away, and is done when the last one has left', async (t) => {
  const { lab } = await setup(t);
  const one = await tunnel(t, lab, 'good:one');
  const two = await tunnel(t, lab, 'good:two');
  const early = await lab.dial();
  await early.login('good:early');
  const drained = lab.gateway.drain();
  await lab.events.first('gateway.draining');
  t.equal(lab.gateway.state, 'draining');
  t.match(
    lab.gateway.unavailable,
    /draining: it accepts no new clients, and 2 are still connected\. Run "tunnelite gateway start"/,
  );
  t.equal(await knock(lab.port), 'closed', 'accepted and closed before TLS');
  t.match(lab.events.of('http.rejected'), [{ reason: 'draining', explanation: /accepts no new clients/ }]);
  const answer = await early.connectTunnel();
  t.match(statusLine(answer), / 503 Service Unavailable/);
  t.match(header(answer, 'X-Reason'), /draining/, 'openconnect prints this');
  t.match(lab.events.of('session.refused'), [{ reason: 'draining' }]);
  one.client.sendPacket(CstpType.DpdRequest, Buffer.from('still'));
  t.match(await one.client.packet(), { type: CstpType.DpdResponse }, 'those who are there are served');
  one.client.close();
  two.client.sendPacket(CstpType.Disconnect, Buffer.from([0xb0]));
  t.strictSame(await drained, { left: 2, ended: 0, complete: true });
  t.match(lab.events.of('gateway.drained'), [{ left: 2, ended: 0 }]);
  t.equal(lab.gateway.state, 'draining', 'until it is told otherwise');
  await lab.gateway.start();
  t.equal(lab.events.of('gateway.started').length, 1);
  await tunnel(t, lab, 'good:three');
});

t.test('a gateway with nobody connected is drained at once', async (t) => {
  const { lab } = await setup(t);
  t.strictSame(await lab.gateway.drain(), { left: 0, ended: 0, complete: true });
  t.strictSame(await lab.gateway.drain({ timeout: '30s' }), { left: 0, ended: 0, complete: true });
  t.equal(lab.gateway.state, 'draining');
});

t.test('when the time to drain is up those who are left are ended, by the clock that can be moved', async (t) => {
  const { lab, clock } = await setup(t, { settings: { dpd: 0 } });
  await tunnel(t, lab, 'good:stays');
  const leaves = await tunnel(t, lab, 'good:leaves');
  const drained = lab.gateway.drain({ timeout: '30s' });
  await lab.events.first('gateway.draining');
  leaves.client.sendPacket(CstpType.Disconnect, Buffer.from([0xb0]));
  await lab.events.first('session.disconnect');
  await clock.advance('30s');
  t.strictSame(await drained, { left: 1, ended: 1, complete: true });
  t.match(lab.events.of('session.disconnect')[1], { reason: 'shutdown', explanation: /timeout of 30s has passed/ });
  t.equal(lab.events.of('gateway.drained').length, 1);
});

t.test('a drain of an empty gateway is over at once; one that is interrupted says so', async (t) => {
  const { lab } = await setup(t);
  t.strictSame(await lab.gateway.drain(), { left: 0, ended: 0, complete: true });
  await lab.gateway.start();
  await tunnel(t, lab);
  const drained = lab.gateway.drain({ timeout: '1d' });
  await lab.gateway.start();
  t.strictSame(await drained, { left: 0, ended: 0, complete: false });
  await t.rejects(lab.gateway.drain({ timeout: 'soon' }), { code: 'ERR_DURATION_INVALID' });
  await lab.gateway.stop();
  await t.rejects(lab.gateway.drain(), { code: 'ERR_GATEWAY_STATE', message: /stopped cannot be drained/ });
});

t.test('a drain and a restart at the same time do not get into each other’s way', async (t) => {
  const { lab } = await setup(t);
  await tunnel(t, lab);
  const drained = lab.gateway.drain();
  const results = await Promise.all([drained, lab.gateway.restart(), lab.gateway.restart(), lab.gateway.stop()]);
  t.match(results[0], { complete: false });
  t.equal(lab.gateway.state, 'stopped');
  await lab.gateway.start();
  await tunnel(t, lab);
});

t.test('limits hold after a restart: of sessions, of time, and on who is banned', async (t) => {
  const bans = { maxScore: 20, banTime: 300, resetTime: 300 } satisfies GatewayOptions['bans'];
  const { lab, clock } = await setup(t, { bans, settings: { maxSessions: 1, sessionTimeout: 600, dpd: 0 } });
  await lab.gateway.restart();
  const { client } = await tunnel(t, lab);
  t.equal(await knock(lab.port), 'closed');
  t.match(lab.events.of('http.rejected').at(-1), { reason: 'full' });
  await clock.advance('10m');
  t.match(lab.events.of('session.disconnect').at(-1), { reason: 'session-timeout' });
  client.close();
  await client.ended;
  while (lab.gateway.stats().tunnels! > 0) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 2; i++) {
    const wrong = await lab.dial();
    await wrong.login('wrong');
    wrong.close();
  }
  await lab.gateway.restart();
  t.equal(await knock(lab.port), 'closed');
  t.match(lab.events.of('http.rejected').at(-1), { reason: 'banned' });
});

t.test(
  'a closed gateway cannot be started; closing it while it is stopped ends what waits to be resumed',
  async (t) => {
    const { lab } = await setup(t);
    await tunnel(t, lab);
    await lab.gateway.stop();
    await lab.gateway.close();
    await lab.gateway.close();
    t.equal(lab.gateway.state, 'closed');
    t.equal(lab.gateway.sessions().length, 0);
    const late: Promise<unknown>[] = [
      lab.gateway.start(),
      lab.gateway.restart(),
      lab.gateway.stop(),
      lab.gateway.drain(),
    ];
    for (const work of late) await t.rejects(work, { code: 'ERR_CLOSED' });
  },
);

t.test('a reset ends sessions with a disconnect packet, lifts bans, and begins with the first address', async (t) => {
  const bans = { maxScore: 20, banTime: 300, resetTime: 300 } satisfies GatewayOptions['bans'];
  const { lab } = await setup(t, { bans });
  const { client, cookie } = await tunnel(t, lab);
  for (let i = 0; i < 2; i++) await lab.dial().then(async (wrong) => wrong.login('wrong'));
  t.equal(await knock(lab.port), 'closed', 'banned');
  t.equal(await lab.gateway.reset(), 1);
  t.match(await client.packet(), { type: CstpType.Disconnect });
  t.equal(await client.packet(), undefined);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'reset' }]);
  const again = await lab.dial();
  t.match(statusLine(await again.connectTunnel(cookie)), / 401 Cookie is not acceptable/);
  again.close();
  await tunnel(t, lab);
  t.match(lab.gateway.sessions(), [{ address4: '192.168.77.2' }]);
});

t.test('a login that is under way at a reset does not become a session afterwards', async (t) => {
  let verify: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => {
    verify = resolve;
  });
  let answer: (() => void) | undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { lab } = await setup(t, {
    verifier: {
      async verify(token) {
        verify?.();
        await answered;
        return fakeVerifier.verify(token);
      },
    },
  });
  const client = await lab.dial();
  const login = client.login();
  await asked;
  await lab.gateway.reset();
  answer?.();
  t.equal(await login, undefined, 'the connection is gone');
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(lab.gateway.sessions(), []);
  t.strictSame(lab.events.of('auth.accepted'), []);
});
