import t, { type Test } from 'tap';
import { createWorld, type World, type WorldOptions } from '../../src/world/index.ts';

// Faults of connections and handshakes on virtual time.

t.setTimeout(120_000);

async function worldOf(t: Test, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ config: { gateway: { disableUdp: true } }, ...options });
  t.teardown(() => world.close());
  return world;
}

t.test('latency takes virtual time, to the millisecond', async (t) => {
  const world = await worldOf(t);
  const [client] = world.clients;
  await world.run('10s');
  const before = await world.until(client!.fetch('/whoami'));
  const rule = world.sim.faults.add({
    on: { seam: 'tcp', kind: 'tunnel', direction: 'out' },
    then: { do: 'latency', latency: 700 },
  });
  const begin = performance.now();
  const page = await world.until(client!.fetch('/whoami'));
  t.equal(page.status, 200);
  const flights = Math.round((page.milliseconds - before.milliseconds) / 700);
  t.ok(flights >= 2, `${page.milliseconds} ms: an answer to the SYN, and the page`);
  t.ok(performance.now() - begin < 20_000);
  t.equal(rule.hits(), 1);
});

t.test('a connection is stalled for twenty seconds, and nothing is lost', async (t) => {
  const world = await worldOf(t, { config: { gateway: { disableUdp: true, dpd: 3600 } } });
  const [client] = world.clients;
  await world.run('10s');
  world.sim.faults.add({ on: { seam: 'tcp', kind: 'tunnel' }, when: { during: '20s' }, then: { do: 'stall' } });
  const page = client!.fetch('/whoami', { timeout: '2m' });
  await world.run('19s');
  t.equal(client!.pages.fetched, 0);
  t.equal((await world.until(page)).status, 200);
  t.equal(world.journal.query({ name: 'auth.accepted' }).length, 1);
});

t.test('a client that is reset comes back', async (t) => {
  const world = await worldOf(t);
  const [client] = world.clients;
  await world.run('10s');
  const rule = world.sim.faults.add({
    on: { seam: 'tcp', kind: 'tunnel' },
    when: { times: 1 },
    then: { do: 'reset_peer', timeout: 500 },
  });
  await world.run('1m');
  t.equal(rule.hits(), 1);
  t.equal(world.journal.query({ name: 'session.connect' }).length, 2);
  t.equal((await world.until(client!.fetch())).status, 200);
});

t.test('TLS is broken up by somebody, until it is not', async (t) => {
  const rules = [
    { name: 'broken-up', on: { seam: 'decision', kind: 'tls' }, then: { do: 'certificate', flaw: 'untrusted' } },
  ] as const;
  const world = await worldOf(t, { config: { faults: { rules: [...rules] } } });
  const [client] = world.clients;
  const rule = world.sim.faults.get('broken-up');
  await world.run('1m');
  t.notOk(client!.connected);
  t.ok(rule.hits() >= 1);
  // Node's TLS leaves without an alert.
  t.match(world.journal.query({ name: 'tls.failed' })[0], { fields: { reason: 'abandoned' } });
  rule.remove();
  await world.run('10m');
  t.ok(client!.connected);
});

t.test('the same seed, the same journal', async (t) => {
  const story = async () => {
    const world = await worldOf(t, { seed: 7, clients: 3, browse: '2s', link: 'lte' });
    const { faults } = world.sim;
    faults.add({ on: { seam: 'tcp' }, then: { do: 'latency', latency: 80, jitter: 60 } });
    faults.add({ on: { seam: 'tcp', kind: 'tunnel' }, then: { do: 'bandwidth', rate: 50 } });
    faults.add({
      on: { seam: 'tcp', kind: 'tunnel' },
      when: { chance: 0.5 },
      then: { do: 'reset_peer', timeout: 20_000 },
    });
    await world.run('2m');
    const lines = world.journal.query({}).map(({ time, name, fields }) => JSON.stringify([time, name, fields]));
    await world.close();
    return lines;
  };
  const first = await story();
  t.ok(first.length > 50);
  t.strictSame(await story(), first);
});
