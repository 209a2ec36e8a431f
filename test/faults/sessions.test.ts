import t from 'tap';
import { TunnelClient } from '../../src/index.ts';
import { connect, start } from '../support/running-simulator.ts';

t.setTimeout(240_000);

const WHOAMI = 'http://intranet.contoso.internal/whoami';

t.test(
  'without a kind a session ends, or renews its keys, at once, and the rule is good for those that come',
  async (t) => {
    const sim = await start(t);
    const [one, two] = [await connect(t, sim), await connect(t, sim, 'bob@contoso.com')];
    const rule = sim.faults.add({
      on: { seam: 'decision', session: one.id },
      then: { do: 'terminate', reason: 'Enough.' },
    });
    t.strictSame([rule.seen(), rule.hits()], [1, 1], 'the other session is not selected');
    t.match((await sim.journal.waitFor({ name: 'session.disconnect' })).fields, {
      session: one.id,
      explanation: 'Enough.',
    });
    t.match(rule.events(), [{ kind: 'session', session: one.id }]);
    await one.ended;

    await using late = sim.faults.add({ on: { seam: 'decision', session: ['k3', 'k4'] }, then: { do: 'terminate' } });
    t.strictSame(late.status.notes, ['There is no session k3, k4, and ids are not reused.']);
    const rekey = sim.faults.add({ on: { seam: 'decision', user: 'bob@contoso.com' }, then: { do: 'rekey_now' } });
    t.equal(rekey.hits(), 1);
    t.match((await sim.journal.waitFor({ name: 'session.rekey' })).fields, { session: two.id });

    const bob = await connect(t, sim, 'bob@contoso.com');
    await rekey.struck(2);
    t.match(rekey.events(), [{ session: two.id }, { session: bob.id }], 'a session that comes later');
  },
);

t.test('a client comes back after a rekey, and its second tunnel is not struck again', async (t) => {
  const sim = await start(t);
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  await sim.journal.waitFor({ name: 'session.connect' });
  const mark = sim.journal.mark();
  await using rekey = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'rekey_now' } });
  await sim.journal.waitFor({ name: 'session.connect', fields: { resumed: true }, since: mark });
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/);
  t.equal(rekey.hits(), 1);
});

t.test('an expired cookie leaves the tunnel alone, and is refused when the client comes back', async (t) => {
  const sim = await start(t);
  const { client, ended, id } = await connect(t, sim);
  await using rule = sim.faults.add({ on: { seam: 'decision', session: id }, then: { do: 'cookie_expire' } });
  t.equal(rule.hits(), 1);
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/, 'the tunnel goes on');
  sim.sessions.rekey(id);
  await ended;
  t.match(sim.journal.query({ name: 'session.disconnect' }), [{ fields: { session: id, reason: 'rekey' } }]);
  t.strictSame(sim.sessions.list(), [], 'nobody waits for a client that cannot come back');

  const again = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => again.close());
  await sim.journal.waitFor({
    name: 'session.connect',
    fields: { resumed: false },
    since: sim.journal.query({ name: 'session.disconnect' })[0]!.seq,
  });
  await using late = sim.faults.add({ on: { seam: 'decision', kind: 'cookie' }, then: { do: 'cookie_expire' } });
  const refused = sim.journal.mark();
  sim.sessions.rekey(sim.sessions.list()[0]!.id);
  await late.struck();
  t.match((await sim.journal.waitFor({ name: 'session.refused', since: refused })).fields, {
    reason: 'unknown-cookie',
  });
});

t.test('a rule about sessions waits for its time', async (t) => {
  const sim = await start(t, { clock: 'manual' });
  const { id, ended } = await connect(t, sim);
  const rule = sim.faults.add({
    on: { seam: 'decision', session: id },
    when: { after: '10s' },
    then: { do: 'terminate' },
  });
  t.equal(rule.hits(), 0);
  await sim.clock.advance('11s');
  await rule.struck();
  await ended;
  const never = sim.faults.add({ on: { seam: 'decision' }, when: { after: '10s' }, then: { do: 'terminate' } });
  never.remove();
  await sim.clock.advance('11s');
  t.equal(never.hits(), 0, 'a rule that was removed looks at nobody');
});

t.test('the connection of a session is reset, closed or stalled at once', async (t) => {
  const sim = await start(t, { gateway: { disableUdp: true } });
  for (const action of ['reset', 'close'] as const) {
    const { ended, id } = await connect(t, sim);
    await using rule = sim.faults.add({ on: { seam: 'decision', session: id }, then: { do: action } });
    t.equal(rule.hits(), 1, action);
    await ended;
    await sim.journal.waitFor({ name: 'session.disconnect', fields: { session: id, reason: 'connection-lost' } });
  }
  const { client, id } = await connect(t, sim);
  const stalled = sim.faults.add({ on: { seam: 'decision', kind: 'session', session: id }, then: { do: 'stall' } });
  let arrived = false;
  const page = client.fetch(WHOAMI).then((answer) => {
    arrived = true;
    return answer.body.toString();
  });
  const { client: other } = await connect(t, sim, 'bob@contoso.com');
  t.match((await other.fetch(WHOAMI)).body.toString(), /bob/, 'others are served');
  t.notOk(arrived);
  stalled.remove();
  t.match(await page, /alice/);
});

t.test('an address is shut out at once, or gets points, or nobody is when points mean nothing', async (t) => {
  const sim = await start(t, { gateway: { bans: { maxScore: 30, banTime: 60 } } });
  const { client } = await connect(t, sim);
  const points = sim.faults.add({
    on: { seam: 'decision', kind: 'tls' },
    when: { times: 1 },
    then: { do: 'ban', points: 9 },
  });
  t.strictSame(points.status.notes, []);
  const { client: fine } = await connect(t, sim);
  await fine.close();
  t.equal(points.hits(), 1);
  points.remove();
  const rule = sim.faults.add({ on: { seam: 'decision' }, when: { times: 1 }, then: { do: 'ban' } });
  t.equal(rule.hits(), 1);
  const token = await sim.token();
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token }));
  t.match(await sim.journal.waitFor({ name: 'http.rejected' }), { fields: { reason: 'banned' } });
  t.match((await client.fetch(WHOAMI)).body.toString(), /alice/, 'who is in stays');
  await sim.reset();
  await connect(t, sim);

  const without = await start(t);
  const vain = without.faults.add({ on: { seam: 'decision' }, then: { do: 'ban', points: 5 } });
  t.match(vain.status.notes, [/Points never cause a ban/]);
  const accept = without.faults.add({
    on: { seam: 'decision', kind: 'accept' },
    when: { times: 1 },
    then: { do: 'ban' },
  });
  for (const attempt of ['that brings the ban', 'after it']) {
    const token = await without.token();
    await t.rejects(TunnelClient.connect({ server: without.urls.gateway, ca: without.ca, token }), attempt);
  }
  t.equal(accept.hits(), 1);
});

t.test('questions whether the gateway lives get no answer', async (t) => {
  for (const disableUdp of [true, false]) {
    const sim = await start(t, { gateway: { dpd: 2, disableUdp } });
    const { ended } = await connect(t, sim);
    if (!disableUdp) await sim.journal.waitFor({ name: 'channel.dtls.open' });
    await using mute = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'dpd_mute' } });
    await mute.struck(2, { timeout: 60_000 });
    t.ok(mute.events().every(({ kind }) => kind === 'dpd'));
    if (disableUdp) t.match(await ended, { code: /ERR_/ });
    else await sim.journal.waitFor({ name: 'channel.dtls.close' }, { timeout: 60_000 });
  }
});

t.test('a login is chosen by what its token says', async (t) => {
  const sim = await start(t);
  const claims = { groups: ['a1', 'b2'], app: { tier: 'gold', tags: ['x'] }, level: 3 };
  const login = async (given: Record<string, unknown> = claims) => {
    const token = await sim.token({ claims: given });
    const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token, reconnectTimeout: 0 });
    await client.close();
  };
  const refused: Record<string, unknown>[] = [
    { groups: 'a1' },
    { groups: ['b2', 'a1'] },
    { app: { tier: 'gold' } },
    { app: { tags: 'x' } },
    { level: 3, scp: 'Tunnel_Allow' },
  ];
  for (const wanted of refused) {
    await using rule = sim.faults.add({
      on: { seam: 'decision', kind: 'authenticate', claims: wanted },
      then: { do: 'refuse' },
    });
    await t.rejects(login(), JSON.stringify(wanted));
    t.equal(rule.hits(), 1);
  }
  const passed: Record<string, unknown>[] = [
    { groups: 'c3' },
    { groups: ['a1', 'c3'] },
    { app: { tier: 'silver' } },
    { app: 'gold' },
    { level: '3' },
    { scp: 'Tunnel' },
    { toString: 'x' },
  ];
  for (const wanted of passed) {
    await using rule = sim.faults.add({
      on: { seam: 'decision', kind: 'authenticate', claims: wanted },
      then: { do: 'refuse' },
    });
    await login();
    t.equal(rule.seen(), 0, JSON.stringify(wanted));
  }
  t.throws(
    () => sim.faults.add({ on: { seam: 'decision', kind: 'connect', claims: { a: 1 } }, then: { do: 'refuse' } }),
    { code: 'ERR_FAULT_RULE', message: /only authenticate has a claims/ },
  );
  {
    await using slow = sim.faults.add({ on: { seam: 'decision', kind: 'authenticate' }, then: { do: 'stall' } });
    let done = false;
    const waiting = login().then(() => {
      done = true;
    });
    await slow.struck();
    t.notOk(done, 'the answer waits');
    t.equal(slow.held(), 1);
    slow.release();
    await waiting;
  }
  await using gone = sim.faults.add({ on: { seam: 'decision', kind: 'authenticate' }, then: { do: 'reset' } });
  await t.rejects(login());
  t.equal(gone.hits(), 1);
});
