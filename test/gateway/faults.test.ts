import t from 'tap';
import type { FaultPorts, StreamFault } from '../../src/faults/ports.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { CstpType } from '../../src/wire/cstp.ts';
import { cookieOf, startTestGateway, statusLine } from '../support/gateway.ts';

/** A fault at one point, once. */
const once = (at: string, fault: StreamFault): FaultPorts => {
  let left = 1;
  return { stream: (point: string) => (point === at && left-- > 0 ? fault : undefined) };
};

t.test('a connection can be reset or closed at each of its turning points', async (t) => {
  for (const kind of ['reset', 'close'] as const) {
    await using early = await startTestGateway({ faults: once('accept', { kind }) });
    await t.rejects(early.dial(), `${kind} at accept`);
    for (const point of ['tls', 'connect', 'traffic']) {
      await using lab = await startTestGateway({ faults: once(point, { kind }) });
      const client = await lab.dial();
      if (point !== 'tls') await client.login();
      if (point !== 'tls') void client.connectTunnel();
      if (point === 'traffic') {
        await lab.events.first('session.connect');
        client.sendPacket(CstpType.Keepalive);
      }
      await client.ended;
      t.equal(client.error?.code, kind === 'reset' ? 'ECONNRESET' : undefined, `${kind} at ${point}`);
      const next = await lab.dial();
      t.equal(statusLine(await next.login()), 'HTTP/1.1 200 OK', 'the next client is served');
      next.close();
    }
  }
});

t.test('a stalled connection reads nothing until the time is over', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({
    clock,
    faults: once('accept', { kind: 'stall', until: (go) => void clock.setTimer(5_000, go) }),
  });
  const stalled = lab.dial();
  const other = await lab.dial();
  t.equal(statusLine(await other.login()), 'HTTP/1.1 200 OK', 'another one is served meanwhile');
  t.equal(lab.events.of('tls.connect').length, 1);
  clock.advance(5_000);
  const client = await stalled;
  t.equal(statusLine(await client.login()), 'HTTP/1.1 200 OK');
  client.close();
  other.close();
});

t.test('a client that comes back with its cookie can be cut off, and may try again', async (t) => {
  for (const kind of ['reset', 'close'] as const) {
    await using lab = await startTestGateway({ faults: once('cookie', { kind }) });
    const first = await lab.dial();
    const cookie = cookieOf(await first.login());
    t.equal(
      statusLine(await first.connectTunnel()),
      'HTTP/1.1 200 CONNECTED',
      'where it logged in it does not come back',
    );
    const second = await lab.dial();
    t.equal(await second.connectTunnel(cookie), undefined);
    t.equal(second.error?.code, kind === 'reset' ? 'ECONNRESET' : undefined);
    first.sendPacket(CstpType.DpdRequest);
    t.equal((await first.packet())?.type, CstpType.DpdResponse, 'its tunnel is not touched');
    const third = await lab.dial();
    t.equal(statusLine(await third.connectTunnel(cookie)), 'HTTP/1.1 200 CONNECTED');
    for (const client of [first, third]) client.close();
  }
});

t.test('a fault can ban a client at a gateway that has no rules for bans', async (t) => {
  await using lab = await startTestGateway({ faults: once('authenticate', { kind: 'ban', points: undefined }) });
  const client = await lab.dial();
  await client.login();
  await t.rejects(lab.dial());
  t.match(lab.events.of('http.rejected'), [{ reason: 'banned', explanation: /banned for 300 s/ }]);
  client.close();
});

t.test('a refusal on purpose looks on the wire like a real one, and says in the log that it was ordered', async (t) => {
  const refuse = (at: string): FaultPorts => ({
    decision: (point: string) => (point === at ? { kind: 'refuse', explanation: `Ordered at ${at}.` } : undefined),
  });
  await using first = await startTestGateway({ faults: refuse('authenticate') });
  const one = await first.dial();
  t.equal(await one.login(), 'HTTP/1.1 401 Authentication failed\r\nContent-Length: 0\r\n\r\n');
  t.match(first.events.of('auth.refused'), [{ reason: 'fault', explanation: 'Ordered at authenticate.' }]);
  await using second = await startTestGateway({ faults: refuse('connect') });
  const two = await second.dial();
  await two.login();
  t.equal(await two.connectTunnel(), 'HTTP/1.1 401 Cookie is not acceptable\r\n\r\n');
  t.match(second.events.of('session.refused'), [{ reason: 'fault', explanation: 'Ordered at connect.' }]);
});
