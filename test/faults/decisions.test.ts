import t from 'tap';
import { metadataUrl, parseAuthority } from '../../src/bearer/authority.ts';
import { KINDS } from '../../src/config/fault-actions.ts';
import { ENDPOINTS } from '../../src/entra/context/outages.ts';
import { TunnelClient } from '../../src/index.ts';
import { exchange } from '../../src/lib/http-exchange.ts';
import { askToken, connect, PASSWORD, start } from '../support/running-simulator.ts';

t.test('the endpoints of Entra ID are kinds of requests, all of them', async (t) => {
  t.strictSame([...KINDS.http].sort(), [...ENDPOINTS].sort());
});

t.test('answers of Entra ID have another status, are garbage, come late, or do not come', async (t) => {
  const sim = await start(t);
  const get = (url: string) => exchange(url, { ca: sim.ca, maxBytes: 100_000, timeout: 10_000 });
  const metadata = metadataUrl(parseAuthority(sim.urls.authority), 2);
  const keys = JSON.parse((await get(metadata)).body.toString()).jwks_uri as string;
  {
    await using busy = sim.faults.add({
      on: { seam: 'http', kind: 'token' },
      when: { times: 1 },
      then: { do: 'status', status: 503, retryAfter: 3 },
    });
    t.equal((await askToken(t, sim, PASSWORD)).status, 503);
    t.equal((await askToken(t, sim, PASSWORD)).status, 200);
    t.strictSame([busy.seen(), busy.hits()], [2, 1]);
  }
  {
    await using garbage = sim.faults.add({
      on: { seam: 'http', kind: 'keys' },
      then: { do: 'body', body: 'not keys' },
    });
    t.equal((await get(keys)).body.toString(), 'not keys');
    t.equal(garbage.hits(), 1);
  }
  {
    await using late = sim.faults.add({ on: { seam: 'http', kind: 'metadata' }, then: { do: 'delay', ms: 1 } });
    t.equal((await get(metadata)).status, 200, 'late, and as it should be');
    t.equal(late.hits(), 1);
  }
  {
    await using gone = sim.faults.add({ on: { seam: 'http' }, then: { do: 'close' } });
    await t.rejects(get(metadata));
    t.equal(gone.hits(), 1);
  }
  t.equal((await get(keys)).status, 200);
});

t.test('a session ends, or renews its keys, as its client sends something', async (t) => {
  const sim = await start(t);
  for (const action of ['terminate', 'rekey_now'] as const) {
    const { client } = await connect(t, sim);
    await using rule = sim.faults.add({
      on: { seam: 'decision', kind: 'traffic', user: 'alice@contoso.com' },
      when: { times: 1 },
      then: action === 'terminate' ? { do: action, reason: 'Enough.' } : { do: action },
    });
    void client.fetch('http://intranet.contoso.internal/whoami').catch(() => {});
    await rule.struck();
    const name = action === 'terminate' ? 'session.disconnect' : 'session.rekey';
    const { fields } = await sim.journal.waitFor({ name });
    t.match(fields, { explanation: action === 'terminate' ? 'Enough.' : /fault rule decision-rekey_now/ });
    await client.close();
  }
});

t.test('no tunnel, as when the pool is empty', async (t) => {
  const sim = await start(t);
  await using empty = sim.faults.add({ on: { seam: 'decision', kind: 'connect' }, then: { do: 'pool_exhausted' } });
  const token = await sim.token();
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca }), {
    message: /401|refused|cookie/i,
  });
  t.equal(empty.hits(), 1);
  t.match(sim.journal.query({ name: 'session.refused' }), [
    { fields: { reason: 'fault', explanation: /^All addresses of the pool are in use/ } },
  ]);
  sim.journal.expectNoProblems();
});

t.test(
  'rules of the configuration are for clients: a start is not kept by them, and does not use them up',
  async (t) => {
    const rules = [
      { name: 'once', on: { seam: 'decision', kind: 'accept' }, when: { times: 1 }, then: { do: 'reset' } },
      { name: 'silent', on: { seam: 'tcp' }, then: { do: 'timeout', timeout: 0 } },
      { name: 'strange', on: { seam: 'decision' }, then: { do: 'certificate', flaw: 'expired' } },
    ] as const;
    const sim = await start(t, { faults: { rules: [...rules], profile: 'captive' } });
    t.strictSame(
      sim.faults.list().map(({ name, seen }) => [name, seen]),
      [...rules.map(({ name }) => [name, 0]), ['captive.1', 0], ['captive.2', 0]],
    );
  },
);
