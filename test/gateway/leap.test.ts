import t, { type Test } from 'tap';
import type { TunnelSettings } from '../../src/gateway/types.ts';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { SimulatorClock } from '../../src/lib/simulator-clock.ts';
import type { Emit } from '../../src/telemetry/events.ts';
import { CstpType } from '../../src/wire/cstp.ts';
import { cookieOf, type RawClient, startTestGateway, statusLine } from '../support/gateway.ts';

/* Time that leaps: limits strike in their order and at their moment, and nobody is given up who was not asked. */

interface Seen {
  /** Seconds on the moved clock since the begin. */
  readonly at: number;
  readonly name: string;
  readonly session: unknown;
  readonly reason: unknown;
}

/** A gateway whose clock stands still but for its leaps, so that moments are exact. @param machine the clock below it */
async function setup(t: Test, settings: Partial<TunnelSettings>, machine = systemClock) {
  const clock = new SimulatorClock({ machine, mode: 'manual' });
  const begin = clock.monotonic();
  const seen: Seen[] = [];
  const emit: Emit = (name, fields) => {
    const { session, reason } = fields as { session?: unknown; reason?: unknown };
    seen.push({ at: Math.round((clock.monotonic() - begin) / 1000), name, session, reason });
  };
  const lab = await startTestGateway({ clock, machine, settings, emit });
  clock.follow(lab.gateway.follower);
  t.teardown(async () => {
    clock.close();
    await lab.gateway.close();
  });
  const ends = () => seen.filter(({ name }) => name === 'session.disconnect' || name === 'session.expired');
  const connect = async (token = 'good'): Promise<{ client: RawClient; id: string; cookie: string }> => {
    const client = await lab.dial();
    const cookie = cookieOf(await client.login(token));
    const id = String(seen.findLast(({ name }) => name === 'auth.accepted')?.session);
    await client.connectTunnel();
    t.teardown(() => client.close());
    return { client, id, cookie };
  };
  return { clock, lab, seen, ends, connect };
}

/** Does what a live client does: answers each probe, until it is told that the session is over. Resolves with the probes that there were. */
async function live(client: RawClient): Promise<number> {
  for (let probes = 0; ; ) {
    const packet = await client.packet();
    if (!packet || packet.type === CstpType.Disconnect) return probes;
    if (packet.type !== CstpType.DpdRequest) continue;
    probes++;
    client.sendPacket(CstpType.DpdResponse, packet.payload);
  }
}

t.test('a session ends at its limit, and not a second later, however far time leaps', async (t) => {
  const { clock, ends, connect } = await setup(t, { sessionTimeout: 3600, dpd: 30 });
  const { client, id } = await connect();
  const probes = live(client);
  await clock.advance('59m');
  t.strictSame(ends(), []);
  await clock.advance('10h');
  t.strictSame(ends(), [{ at: 3600, name: 'session.disconnect', session: id, reason: 'session-timeout' }]);
  t.ok((await probes) >= 1, 'the client was told, and had been asked before');
});

t.test('limits strike in their order: idle, and then the cookie', async (t) => {
  const { clock, lab, ends, connect } = await setup(t, {
    idleTimeout: 1800,
    sessionTimeout: 86_400,
    cookieTimeout: 300,
    dpd: 0,
  });
  const { id, cookie } = await connect();
  await clock.advance('1d');
  t.strictSame(ends(), [
    { at: 1800, name: 'session.disconnect', session: id, reason: 'idle' },
    { at: 2115, name: 'session.expired', session: id, reason: 'expired' },
  ]);
  const again = await lab.dial();
  t.match(statusLine(await again.connectTunnel(cookie)), / 401 Cookie is not acceptable/);
  again.close();
});

t.test(
  'of two clients the one that answers lives through an hour, and the dead one is found where its silence ends',
  async (t) => {
    const { clock, lab, ends, connect } = await setup(t, { dpd: 30, cookieTimeout: 300 });
    const alive = await connect('good:alive');
    const dead = await connect('good:dead');
    const probes = live(alive.client);
    await clock.advance('1h');
    t.match(ends(), [
      { at: 90, name: 'session.disconnect', session: dead.id, reason: 'dpd' },
      { at: 405, name: 'session.expired', session: dead.id, reason: 'expired' },
    ]);
    t.equal(lab.gateway.sessions().length, 1);
    t.match(lab.gateway.sessions(), [{ id: alive.id, state: 'connected' }]);
    await clock.advance('1h');
    t.equal(ends().length, 2);
    alive.client.close();
    t.equal(await probes, 2, 'one question for each leap: who answers counts as heard all along');
  },
);

t.test('what was said before the question is no answer to it', async (t) => {
  const { clock, ends, connect } = await setup(t, { dpd: 30, cookieTimeout: 300 });
  const { client, id } = await connect();
  // On its way when time begins to move; after that, not a word.
  client.sendPacket(CstpType.Keepalive);
  await clock.advance('90s');
  await clock.advance('1s');
  t.match(ends(), [{ name: 'session.disconnect', session: id, reason: 'dpd' }]);
});

t.test('nobody who answers late, but in time, is given up', async (t) => {
  const { clock, lab, connect } = await setup(t, { dpd: 30 });
  const { client } = await connect();
  const moved = clock.advance('1h');
  await client.packet();
  // A while, of which the gateway cannot tell whether the client is dead.
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  client.sendPacket(CstpType.Keepalive);
  await moved;
  t.equal(lab.gateway.sessions().length, 1);
});

t.test('silence adds up over leaps that are too short by themselves, and one answer ends it', async (t) => {
  const { clock, ends, connect } = await setup(t, { dpd: 30 });
  const alive = await connect('good:alive');
  const dead = await connect('good:dead');
  const probes = live(alive.client);
  for (let i = 0; i < 2; i++) await clock.advance('40s');
  t.strictSame(ends(), [], 'as silent as is allowed');
  for (let i = 0; i < 3; i++) await clock.advance('40s');
  t.match(ends(), [{ session: dead.id, reason: 'dpd' }]);
  alive.client.close();
  t.ok((await probes) >= 1);
});

t.test('a client without liveness checks is never asked and never found dead', async (t) => {
  const { clock, lab, connect } = await setup(t, { dpd: 0 });
  await connect();
  await clock.advance('30d');
  t.equal(lab.gateway.sessions().length, 1);
});

t.test('a cookie that no tunnel uses runs out, and one that a tunnel uses does not', async (t) => {
  const { clock, lab, ends, connect } = await setup(t, { cookieTimeout: 300, dpd: 0 });
  const { id } = await connect();
  const waiting = await lab.dial();
  const cookie = cookieOf(await waiting.login('good:bob'));
  waiting.close();
  await clock.advance('314s');
  const back = await lab.dial();
  t.match(statusLine(await back.connectTunnel(cookie)), / 200 /);
  back.close();
  while (lab.gateway.sessions().some(({ state, id: one }) => one !== id && state === 'connected'))
    await new Promise((resolve) => setImmediate(resolve));
  await clock.advance('10m');
  t.match(ends().at(-1), { name: 'session.expired' });
  t.match(lab.gateway.sessions(), [{ id, state: 'connected' }]);
});

t.test('a login that takes too long is cut off; one that a leap falls into may still be completed', async (t) => {
  const { clock, lab, seen } = await setup(t, { authTimeout: 240, dpd: 0 });
  const slow = await lab.dial();
  await slow.login('good:slow');
  const quick = await lab.dial();
  await quick.login('good:quick');
  const moved = clock.advance('1h');
  t.match(statusLine(await quick.connectTunnel()), / 200 /);
  await moved;
  t.match(
    seen.filter(({ name }) => name === 'http.rejected'),
    [{ reason: 'auth-timeout' }],
  );
  await slow.ended;
  t.match(
    lab.gateway.sessions().filter(({ state }) => state === 'connected'),
    [{ username: 'quick' }],
  );
  quick.close();
});

t.test(
  'a tunnel that a leap makes older than the rekey time is renewed, once, and the cookie stays good',
  async (t) => {
    const { clock, lab, seen, connect } = await setup(t, { rekeyTime: 3600, dpd: 0, cookieTimeout: 300 });
    const { client, cookie } = await connect();
    await clock.advance('59m');
    t.notOk(seen.some(({ name }) => name === 'session.rekey'));
    await clock.advance('1d');
    t.equal(await client.packet(), undefined, 'the connection ends without a disconnect packet');
    t.equal(seen.filter(({ name }) => name === 'session.rekey').length, 1);
    t.match(
      seen.findLast(({ name }) => name === 'session.disconnect'),
      { reason: 'rekey' },
    );
    const again = await lab.dial();
    t.match(statusLine(await again.connectTunnel(cookie)), / 200 /);
    again.close();
  },
);

t.test('while time stands still nobody is idle, silent or too late, but a handshake still is', async (t) => {
  const machine = new ManualClock();
  const { lab, seen, ends, connect } = await setup(
    t,
    { dpd: 30, idleTimeout: 600, sessionTimeout: 3600, authTimeout: 60, cookieTimeout: 60 },
    machine,
  );
  await connect();
  const waiting = await lab.dial();
  await waiting.login('good:waiting');
  const { connect: dial } = await import('node:net');
  const half = dial(lab.port, '127.0.0.1');
  half.on('error', () => {});
  while (lab.gateway.stats().connectionsPending! < 2) await new Promise((resolve) => setImmediate(resolve));
  for (let i = 0; i < 7200; i++) machine.advance(1000);
  t.strictSame(ends(), []);
  t.notOk(seen.some(({ name }) => name === 'http.rejected'));
  while (lab.gateway.stats().connectionsPending! > 1) await new Promise((resolve) => setImmediate(resolve));
  t.equal(lab.gateway.sessions().filter(({ state }) => state === 'connected').length, 1);
  half.destroy();
  waiting.close();
});

t.test('a thousand sessions whose limits differ end one by one', async (t) => {
  const { clock, lab, ends } = await setup(t, { cookieTimeout: 300, maxSessions: 2000 });
  const { sessionTable } = lab.gateway as unknown as {
    sessionTable: { create(principal: unknown, remote: string): Promise<unknown> };
  };
  for (let i = 0; i < 1000; i++) {
    await sessionTable.create({ username: `user${i}` }, '192.0.2.1');
    if (i % 100 === 99) await clock.advance('1s');
  }
  const { timers } = await clock.advance('10y');
  t.equal(ends().length, 1000);
  t.equal(lab.gateway.sessions().length, 0);
  t.ok(timers <= 1001, `${timers} timers`);
  t.strictSame(
    ends().map(({ at }) => at),
    ends()
      .map(({ at }) => at)
      .toSorted((a, b) => a - b),
  );
});
