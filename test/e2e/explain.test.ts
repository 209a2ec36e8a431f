import t from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { connect, start } from '../support/running-simulator.ts';

// The same explanation in process and over REST, of the bundled client.

t.test('in process and over REST the explanation is the same', async (t) => {
  const sim = await start(t);
  const remote = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
  t.teardown(() => remote.close());
  const { id, client } = await connect(t, sim);
  await sim.journal.waitFor({ name: 'channel.switch', fields: { session: id, to: 'dtls' } });
  const here = sim.explain(id);
  t.match(here, {
    session: id,
    address: '127.0.0.1',
    outcome: 'connected',
    client: { kind: 'tunnelite', library: 'OpenSSL' },
    summary: new RegExp(`is connected as alice@contoso\\.com, session ${id}; data goes over `),
    lost: 0,
  });
  t.strictSame(await remote.explain(id), JSON.parse(JSON.stringify(sim.explain(id))));
  await client.close();
  await sim.journal.waitFor({ name: 'session.disconnect' });
  for (const who of [id, 'last', '127.0.0.1']) {
    t.match(await remote.explain(who), { session: id, outcome: 'ended', findings: [{ cause: 'end-user' }] }, who);
  }
  t.match(sim.explain(), { summary: `The session ${id} of alice@contoso.com has ended: the client disconnected.` });
});

t.test('who is not known is told so, with what to do', async (t) => {
  const sim = await start(t);
  const remote = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
  t.teardown(() => remote.close());
  await t.rejects(remote.explain('nobody'), {
    code: 'ERR_EXPLAIN_UNKNOWN',
    message: /no events of the session nobody/,
  });
  await t.rejects(remote.explain('192.0.2.1:5'), { code: 'ERR_EXPLAIN_UNKNOWN', message: /192\.0\.2\.1 port 5/ });
  await t.rejects(remote.explain('not a name'), { code: 'ERR_EXPLAIN_SUBJECT', hint: /short id/ });
  const ask = async (query: string) => {
    const answer = await fetch(`${sim.admin.url}/api/explain?${query}`, {
      headers: { authorization: `Bearer ${sim.admin.secret}` },
    });
    const body = (await answer.json()) as { error?: { code: string } };
    return [answer.status, body.error?.code];
  };
  t.strictSame(await ask('session=a&address=127.0.0.1'), [400, 'ERR_EXPLAIN_SUBJECT']);
  t.strictSame(await ask('session=127.0.0.1'), [400, 'ERR_EXPLAIN_SUBJECT']);
  t.strictSame(await ask('address=x'), [400, 'ERR_EXPLAIN_SUBJECT']);
  t.strictSame(await ask('other=1'), [400, 'ERR_REQUEST_INVALID']);
});
