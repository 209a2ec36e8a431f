import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Decisions of the gateway that rules overrule, as a stock client meets them at the door and in its session.

t.setTimeout(300_000);
const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });

const WHOAMI = 'http://intranet.contoso.internal/whoami';
const LONG = { timeout: 100_000 };
const REKEY = { seam: 'decision', kind: 'rekey' } as const;

async function gateway(t: Test, settings: object = {}) {
  const sim = await startSimulator({ gateway: { dpd: 3, disableUdp: true, ...settings } });
  t.teardown(() => sim.close());
  const open = async () => {
    const tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
    t.teardown(() => tunnel[Symbol.asyncDispose]());
    return tunnel;
  };
  return { sim, open };
}

t.test(
  'a connection that is reset or closed as it comes lets nobody in, and one that is held lets him in late',
  { skip },
  async (t) => {
    const { sim, open } = await gateway(t);
    for (const action of ['reset', 'close'] as const) {
      await using rule = sim.faults.add({ on: { seam: 'decision', kind: 'accept' }, then: { do: action } });
      await t.rejects(
        open(),
        /Failed to open HTTPS connection|SSL connection failure|Failed to complete authentication/i,
        action,
      );
      t.ok(rule.hits() >= 1);
    }
    t.strictSame(sim.sessions.list(), []);
    await using held = sim.faults.add({
      on: { seam: 'decision', kind: 'tls' },
      when: { times: 1 },
      then: { do: 'stall', ms: 700 },
    });
    const before = sim.journal.mark();
    const tunnel = await open();
    t.equal(held.hits(), 1);
    const [struck] = sim.journal.query({ name: 'fault.injected', since: before });
    const { time } = await sim.journal.waitFor({ name: 'session.connect', since: before });
    t.ok(time - struck!.time >= 700, `${time - struck!.time} ms`);
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  },
);

t.test(
  'a client that is refused its tunnel, or an address, ends with the reason in the journal',
  { skip },
  async (t) => {
    const { sim, open } = await gateway(t);
    for (const [action, reason] of [
      ['refuse', 'fault'],
      ['pool_exhausted', 'no-address'],
    ] as const) {
      const since = sim.journal.mark();
      await using rule = sim.faults.add({
        on: { seam: 'decision', kind: 'connect' },
        then: { do: action, ...(action === 'refuse' && { reason: 'No room.' }) },
      });
      await t.rejects(open(), /50\d|40\d|CONNECT/, action);
      t.ok(rule.hits() >= 1);
      const { fields } = await sim.journal.waitFor({ name: 'session.refused', since });
      t.match(fields, action === 'refuse' ? { reason, explanation: 'No room.' } : { reason: String });
    }
  },
);

t.test('a login is judged by what its token says, and waits where it is told to', { skip }, async (t) => {
  const { sim, open } = await gateway(t);
  const others = sim.faults.add({
    on: { seam: 'decision', kind: 'authenticate', claims: { preferred_username: 'bob@contoso.com' } },
    then: { do: 'refuse' },
  });
  await using late = sim.faults.add({
    on: { seam: 'decision', kind: 'authenticate' },
    when: { times: 1 },
    then: { do: 'stall', ms: 500 },
  });
  const tunnel = await open();
  t.strictSame([others.seen(), late.hits()], [0, 1]);
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
});

t.test('a session that has to renew its keys, or loses its connection, goes on', { skip }, async (t) => {
  const { sim, open } = await gateway(t);
  const tunnel = await open();
  const [session] = sim.sessions.list();
  for (const action of ['rekey_now', 'close', 'reset'] as const) {
    const since = sim.journal.mark();
    await using rule = sim.faults.add({
      on: { seam: 'decision', session: session!.id },
      when: { times: 1 },
      then: { do: action },
    });
    t.equal(rule.hits(), 1, 'at once');
    await sim.journal.waitFor(
      { name: 'session.connect', fields: { session: session!.id, resumed: true }, since },
      LONG,
    );
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, action);
  }
});

t.test('an address that is banned gets nothing more, until time limit', { skip }, async (t) => {
  const { sim, open } = await gateway(t, { bans: { maxScore: 30, banTime: 60 } });
  const ban = sim.faults.add({ on: { seam: 'decision', kind: 'accept' }, when: { times: 1 }, then: { do: 'ban' } });
  await t.rejects(open());
  t.equal(ban.hits(), 1);
  await t.rejects(open(), /./, 'also without the rule’s doing');
  sim.journal.expect({ name: 'http.rejected', fields: { reason: 'banned' } });
  await sim.clock.advance('5m1s');
  t.match((await (await open()).fetch(WHOAMI)).toString(), /alice/);
});

t.test('a client that is stalled in mid-session loses nothing', { skip }, async (t) => {
  const { sim, open } = await gateway(t, { dpd: 30 });
  const tunnel = await open();
  await using stall = sim.faults.add({
    on: { seam: 'decision', kind: 'traffic' },
    when: { times: 1 },
    then: { do: 'stall', ms: 600 },
  });
  const size = 50_000;
  t.equal((await tunnel.fetch(`http://intranet.contoso.internal/bytes/${size}`)).length, size);
  t.equal(stall.hits(), 1);
  sim.journal.expect({ name: 'session.connect' }, 1);
});

t.test(
  'a client that renews its keys when their time is over is at a rekey, and ends when it is refused',
  { skip },
  async (t) => {
    const { sim, open } = await gateway(t, { rekeyTime: 3 });
    const tunnel = await open();
    await using stall = sim.faults.add({ on: REKEY, when: { times: 1 }, then: { do: 'stall', ms: 500 } });
    await using reset = sim.faults.add({ on: REKEY, when: { skip: 1, times: 1 }, then: { do: 'reset' } });
    const since = sim.journal.mark();
    await stall.struck(1, LONG);
    const { seq: first } = await sim.journal.waitFor(
      { name: 'session.connect', fields: { resumed: true }, since },
      LONG,
    );
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'late, and with new keys');
    await reset.struck(1, LONG);
    await sim.journal.waitFor({ name: 'session.connect', fields: { resumed: true }, since: first }, LONG);
    t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/, 'by another attempt');
    await using refuse = sim.faults.add({ on: REKEY, then: { do: 'refuse', reason: 'No new keys.' } });
    await refuse.struck(1, LONG);
    t.not(await tunnel.ended, 0);
    sim.journal.expect({ name: 'session.refused', fields: { reason: 'fault', explanation: 'No new keys.' } }, 1);
    t.equal(sim.journal.count({ name: 'session.rekey' }), 0, 'the client does it by itself');
  },
);

t.test('a client that comes back since its connection broke is at no rekey', { skip }, async (t) => {
  const { sim, open } = await gateway(t);
  const tunnel = await open();
  await using rekey = sim.faults.add({ on: REKEY, then: { do: 'refuse' } });
  const session = sim.sessions.list()[0]!.id;
  const since = sim.journal.mark();
  await using cut = sim.faults.add({
    on: { seam: 'decision', kind: 'session', session },
    when: { times: 1 },
    then: { do: 'reset' },
  });
  await sim.journal.waitFor({ name: 'session.connect', fields: { session, resumed: true }, since }, LONG);
  t.match((await tunnel.fetch(WHOAMI)).toString(), /alice/);
  t.strictSame([cut.hits(), rekey.seen()], [1, 0]);
  sim.sessions.rekey(session);
  t.not(await tunnel.ended, 0);
  t.equal(rekey.hits(), 1, 'the gateway had it renew');
});
