import t from 'tap';
import { kindsFor, unnamedKinds } from '../../src/config/fault-actions.ts';
import { TunnelClient } from '../../src/index.ts';
import { connect, start } from '../support/running-simulator.ts';

t.setTimeout(240_000);

const WHOAMI = 'http://intranet.contoso.internal/whoami';
const REKEY = { seam: 'decision', kind: 'rekey' } as const;
const ACTIONS = ['refuse', 'stall', 'close', 'reset'] as const;

t.test('a rekey can be refused, stalled, closed and reset, by rules that name it', async (t) => {
  for (const action of ACTIONS) {
    t.ok(kindsFor(action, 'decision').includes('rekey'), action);
    t.notOk(unnamedKinds(action, 'decision')?.includes('rekey'), `${action} without a kind`);
  }
  const sim = await start(t);
  for (const action of ['terminate', 'rekey_now', 'pool_exhausted', 'cookie_expire', 'ban'] as const) {
    t.throws(() => sim.faults.add({ on: REKEY, then: { do: action } }), {
      code: 'ERR_FAULT_RULE',
      message: new RegExp(`${action} is not possible at rekey`),
    });
  }
});

t.test('a client that is refused new keys ends, and the journal says why', async (t) => {
  const sim = await start(t);
  const { client, ended, id } = await connect(t, sim);
  await using rule = sim.faults.add({ on: REKEY, then: { do: 'refuse', reason: 'No new keys.' } });
  client.rekey();
  await ended;
  t.equal(rule.hits(), 1);
  t.match(rule.events(), [{ kind: 'rekey', session: id }]);
  t.match(sim.journal.query({ name: 'session.refused' }), [
    { fields: { session: id, reason: 'fault', explanation: 'No new keys.' } },
  ]);
});

t.test('a rekey whose connection is closed or reset leaves the old tunnel alone, and succeeds later', async (t) => {
  const sim = await start(t);
  const { client, id } = await connect(t, sim);
  for (const action of ['close', 'reset'] as const) {
    const mark = sim.journal.mark();
    {
      await using rule = sim.faults.add({ on: REKEY, then: { do: action } });
      client.rekey();
      await rule.struck();
      t.match((await client.fetch(WHOAMI)).body.toString(), /alice/, action);
      t.equal(sim.journal.count({ name: 'session.connect', since: mark }), 0);
    }
    const renewed = sim.journal.waitFor({
      name: 'session.connect',
      fields: { session: id, resumed: true },
      since: mark,
    });
    // The client has to learn first that it failed; until then it does not begin again.
    for (let tries = 0; tries < 200; tries++) {
      client.rekey();
      const done = await Promise.race([renewed.then(() => true), client.fetch(WHOAMI).then(() => false)]);
      if (done) break;
    }
    await renewed;
    t.match((await client.fetch(WHOAMI)).body.toString(), /alice/, `${action}: with new keys`);
  }
});

t.test('a rekey that is stalled waits for its answer, while the old tunnel goes on', async (t) => {
  const sim = await start(t);
  const { client, id } = await connect(t, sim);
  const mark = sim.journal.mark();
  const rule = sim.faults.add({ on: REKEY, then: { do: 'stall' } });
  client.rekey();
  await rule.struck();
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/);
  t.equal(sim.journal.count({ name: 'session.connect', since: mark }), 0);
  rule.remove();
  await sim.journal.waitFor({ name: 'session.connect', fields: { session: id, resumed: true }, since: mark });
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/);
});

t.test('who comes back because the gateway had it renew is at a rekey; who lost its connection is not', async (t) => {
  const sim = await start(t);
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  const { fields } = await sim.journal.waitFor({ name: 'session.connect' });
  const { session } = fields;
  const resumed = (since: number) =>
    sim.journal.waitFor({ name: 'session.connect', fields: { session, resumed: true }, since });

  await using cookie = sim.faults.add({ on: { seam: 'decision', kind: 'cookie' }, then: { do: 'stall', ms: 0 } });
  await using rule = sim.faults.add({ on: REKEY, then: { do: 'stall', ms: 0 } });
  const lost = sim.journal.mark();
  await using cut = sim.faults.add({ on: { seam: 'decision', kind: 'session', session }, then: { do: 'reset' } });
  await resumed(lost);
  t.strictSame([cut.hits(), cookie.seen(), rule.seen()], [1, 1, 0]);

  const renewed = sim.journal.mark();
  sim.sessions.rekey(session);
  await resumed(renewed);
  t.strictSame([cookie.hits(), rule.hits()], [2, 1]);
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/);
});
