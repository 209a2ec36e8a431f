import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

/* What an operator does to one session, and what its client sees of it. */

t.test('sessions are listed, and one is found by its id', async (t) => {
  const sim = await start(t);
  t.strictSame(sim.sessions.list(), []);
  const alice = await connect(t, sim);
  const bob = await connect(t, sim, 'bob@contoso.com');
  t.strictSame(
    sim.sessions.list().map(({ id, signInName, state }) => [id, signInName, state]),
    [
      [alice.id, 'alice@contoso.com', 'connected'],
      [bob.id, 'bob@contoso.com', 'connected'],
    ],
  );
  t.match(sim.sessions.get(bob.id), { signInName: 'bob@contoso.com', address4: '169.254.0.3' });
  for (const unknown of ['zzzzzz', '', '__proto__']) {
    for (const work of ['get', 'disconnect', 'expire', 'rekey'] as const) {
      t.throws(() => sim.sessions[work](unknown), { code: 'ERR_SESSION_UNKNOWN', hint: /sessions\.list/ });
    }
  }
});

t.test('a session that is disconnected is over, with the reason in the journal', async (t) => {
  const sim = await start(t);
  const { id, ended } = await connect(t, sim);
  sim.sessions.disconnect(id, { reason: 'Maintenance in the cellar.' });
  t.match(await ended, { code: 'ERR_CLIENT_DISCONNECTED', message: /ended the session/ });
  sim.journal.expect({
    name: 'session.disconnect',
    fields: { session: id, reason: 'admin', explanation: 'Maintenance in the cellar.' },
  });
  t.throws(() => sim.sessions.get(id), { code: 'ERR_SESSION_UNKNOWN' });
});

t.test('a session that expires ends as by its limit; one without a tunnel loses its cookie', async (t) => {
  const sim = await start(t);
  const first = await connect(t, sim);
  sim.sessions.expire(first.id);
  t.match(await first.ended, { code: 'ERR_CLIENT_DISCONNECTED', message: /ended the session/ });
  sim.journal.expect({ name: 'session.disconnect', fields: { session: first.id, reason: 'session-timeout' } });
  const second = await connect(t, sim);
  sim.sessions.rekey(second.id);
  await second.ended;
  t.match(sim.sessions.get(second.id), { state: 'disconnected' });
  sim.sessions.expire(second.id);
  sim.journal.expect({ name: 'session.expired', fields: { session: second.id, reason: 'expired' } });
  t.strictSame(sim.sessions.list(), []);
});

t.test(
  'a rekey ends the connection without a word, and keeps the cookie; without a tunnel there is none',
  async (t) => {
    const sim = await start(t);
    const { id, ended } = await connect(t, sim);
    sim.sessions.rekey(id);
    t.match(await ended, { message: /closed the connection/ });
    sim.journal.expect({ name: 'session.rekey', fields: { session: id } });
    sim.journal.expect({ name: 'session.disconnect', fields: { session: id, reason: 'rekey' } });
    t.match(sim.sessions.get(id), { state: 'disconnected' });
    t.throws(() => sim.sessions.rekey(id), { code: 'ERR_SESSION_NOT_CONNECTED' });
  },
);

t.test('while the gateway drains or is stopped, the simulator is not ready, and says why', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const ready = async () => {
    const answer = await fetch(`${sim.urls.admin}/readyz`);
    const { checks } = (await answer.json()) as { checks: { name: string; explanation: string }[] };
    return [answer.status, checks.find((check) => check.name === 'gateway')?.explanation];
  };
  const drained = sim.gateway.drain();
  await sim.journal.waitFor({ name: 'gateway.draining' });
  t.match(await ready(), [503, /draining.* 1 are still connected/]);
  await client.close();
  await drained;
  await sim.gateway.stop();
  t.match(await ready(), [503, 'The gateway is stopped. Run "tunnelite gateway start" to start it again.']);
  await sim.gateway.start();
  t.match(await ready(), [200, /is alive/]);
  await connect(t, sim);
});
