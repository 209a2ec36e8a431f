import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { CstpType } from '../../src/wire/cstp.ts';
import { ipv4Packet, startTestGateway, statusLine } from '../support/gateway.ts';

/** Two turns of the event loop: what a late scan waits for, and one more. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};

t.test('a client that was sending while the gateway stood still lives', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { dpd: 3 } });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  clock.advance(9_000);
  t.equal(lab.gateway.sessions()[0]?.state, 'connected', 'as silent as is allowed');
  clock.stall(12_000);
  client.sendPacket(CstpType.Keepalive);
  clock.advance(0);
  await turns();
  t.equal(lab.gateway.sessions()[0]?.state, 'connected', 'its bytes are read first');
  clock.advance(3_000);
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  t.strictSame(lab.events.of('session.disconnect'), []);
  t.match(lab.events.of('gateway.stalled'), [{ milliseconds: 11_000 }]);
  client.close();
});

t.test('a client that nobody listened to is asked before it is given up, and given up if it is dead', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { dpd: 3 } });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  clock.stall(16_000);
  clock.advance(0);
  await turns();
  t.equal(lab.gateway.sessions()[0]?.state, 'connected', 'the gateway itself was away');
  clock.advance(10_000);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'dpd' }]);
  client.close();
});

t.test('time in which the gateway stood still does not make a session idle', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { idleTimeout: 60, dpd: 0 } });
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  clock.advance(50_000);
  clock.stall(60_000);
  clock.advance(0);
  await turns();
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  const received = new Promise<void>((resolve) => {
    lab.gateway.attach({ onPacket: () => resolve(), onBatchEnd() {}, onPathChanged() {}, onAddressReleased() {} });
  });
  client.sendPacket(CstpType.Data, ipv4Packet('192.168.77.2', '192.168.77.1', 60));
  await received;
  clock.advance(59_000);
  t.equal(lab.gateway.sessions()[0]?.state, 'connected');
  clock.advance(3_000);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'idle' }]);
  client.close();
});

t.test('a handshake and a login that a stall fell into are not too slow', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { authTimeout: 40 } });
  const slow = await lab.dial();
  const half = connect(lab.port, '127.0.0.1');
  await once(half, 'connect');
  half.write(Buffer.from('160301020001', 'hex'));
  while (lab.gateway.stats().connectionsPending! < 2) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(20_000);
  clock.stall(60_000);
  clock.advance(0);
  await turns();
  t.equal(lab.gateway.stats().connectionsPending, 2);
  t.match(statusLine(await slow.login()), / 200 /);
  clock.advance(12_000);
  t.match(await lab.events.first('tls.failed'), { reason: 'timeout' });
  clock.advance(12_000);
  t.match(lab.events.of('http.rejected'), [{ reason: 'auth-timeout' }]);
  half.destroy();
  slow.close();
});

t.test('a cookie does not expire because the gateway stood still', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { cookieTimeout: 5 } });
  const client = await lab.dial();
  await client.login();
  clock.stall(30_000);
  clock.advance(0);
  await turns();
  t.match(statusLine(await client.connectTunnel()), / 200 /);
  t.strictSame(lab.events.of('session.expired'), []);
  client.close();
});
