import t, { type Test } from 'tap';
import { createWorld, type World, type WorldOptions } from '../../src/world/index.ts';

t.setTimeout(120_000);

async function worldOf(t: Test, options: WorldOptions): Promise<World> {
  const world = await createWorld(options);
  t.teardown(() => world.close());
  return world;
}

t.test('clients connect by themselves, and get pages by DTLS', async (t) => {
  const world = await worldOf(t, { seed: 2, clients: 3, link: '3g', nat: 'easy' });
  await world.run('10s');
  t.equal(new Set(world.clients.map(({ address }) => address)).size, 3);
  for (const client of world.clients) {
    t.equal(client.channel, 'dtls');
    const page = await world.until(client.fetch('/whoami'));
    t.match(page, { status: 200, failure: undefined });
    t.match(JSON.parse(page.body), { source: { address: client.address } });
    t.ok(page.milliseconds >= 500, 'two round trips of 3G');
    t.strictSame(client.pages, { fetched: 1, failed: 0 });
  }
  t.equal(world.journal.query({ name: 'session.connect' }).length, 3);
  t.ok(world.now >= 10_000);
});

t.test('without UDP pages go by TLS, and by DTLS again when it is back', async (t) => {
  const world = await worldOf(t, { browse: '2s', link: 'lte', config: { gateway: { dpd: 10 } } });
  const [client] = world.clients;
  await world.run('20s');
  t.equal(client!.channel, 'dtls');
  client!.cutUdp();
  await world.run('1m');
  t.equal(client!.channel, 'tls');
  t.equal((await world.until(client!.fetch())).status, 200);
  client!.restoreUdp();
  await world.run('3m');
  t.equal(client!.channel, 'dtls');
  t.equal(client!.pages.failed, 0, 'no page was lost');
  t.ok(world.journal.query({ name: 'channel.switch' }).length >= 2);
});

t.test('a NAT that rebinds and a client that roams keep session and address', async (t) => {
  const world = await worldOf(t, { browse: '5s', nat: 'easy', config: { gateway: { dpd: 10 } } });
  const [client] = world.clients;
  await world.run('30s');
  const { address } = client!;
  client!.rebind();
  await world.run('30s');
  t.equal(world.journal.query({ name: 'channel.dtls.move' }).length, 1);
  client!.roam();
  await world.run('1m');
  t.ok(client!.connected);
  t.equal(client!.address, address);
  t.equal(client!.channel, 'dtls');
  t.equal(world.journal.query({ name: 'auth.accepted' }).length, 1, 'the cookie was enough');
  t.equal((await world.until(client!.fetch())).status, 200);
});

t.test('whoever loses its network waits, and goes on when it is back', async (t) => {
  const world = await worldOf(t, { config: { gateway: { dpd: 20 } } });
  const [client] = world.clients;
  await world.run('10s');
  client!.cut();
  const page = client!.fetch('/whoami', { timeout: '30s' });
  await world.run('10s');
  client!.restore();
  t.equal((await world.until(page)).status, 200);
  client!.cut();
  t.match(await world.until(client!.fetch('/whoami', { timeout: '5s' })), { status: undefined, failure: 'timeout' });
});

t.test('a gateway that restarts has its clients back, and an ended session is had anew', async (t) => {
  const world = await worldOf(t, { clients: 2, link: { delay: 10 } });
  await world.run('10s');
  const [first, second] = world.clients;
  await world.until(world.sim.gateway.restart());
  await world.run('1m');
  t.ok(first!.connected && second!.connected);
  const { address } = first!;
  for (const session of world.sim.gateway.sessions()) {
    if (session.address4 === address) world.sim.gateway.disconnect(session.id);
  }
  await world.run('1s');
  t.notOk(first!.connected);
  await world.run('1m');
  t.ok(first!.connected, 'it signed in again');
  await world.until(second!.disconnect());
  await world.run('1m');
  t.notOk(second!.connected, 'who leaves stays away');
  t.equal((await world.until(second!.fetch())).failure, 'no tunnel');
});

t.test('a working day of keys that are renewed each hour takes no page', async (t) => {
  const world = await worldOf(t, {
    browse: '5m',
    link: 'dsl',
    config: { gateway: { rekeyTime: 3600, sessionTimeout: null } },
  });
  const begin = world.clock.now();
  await world.run('8h');
  t.equal(world.clock.now() - begin, 8 * 3_600_000);
  t.match(world.clients[0]!.pages, { failed: 0 });
  t.ok(world.clients[0]!.pages.fetched >= 94);
  t.ok(world.notes.filter((note) => note.endsWith('is rekeying')).length >= 7);
});

t.test('faults by rules strike in virtual time too', async (t) => {
  const world = await worldOf(t, { connect: false });
  world.sim.faults.add({ name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } });
  const [client] = world.clients;
  await world.until(client!.connect());
  await world.run('20s');
  t.equal(client!.channel, 'tls');
  t.ok(world.journal.query({ name: 'fault.injected' }).length > 0);
});

t.test('what cannot be done is told', async (t) => {
  await t.rejects(createWorld({ link: '5g' as never }), { code: 'ERR_NETWORK_LINK' });
  for (const wrong of [
    { clients: Number.NaN },
    { clients: -1 },
    { clients: 1.5 },
    { seed: Number.NaN },
    { seed: -1 },
  ]) {
    await t.rejects(createWorld(wrong), { code: 'ERR_COUNT_INVALID' }, JSON.stringify(wrong));
  }
  const world = await worldOf(t, { connect: false });
  await t.rejects(world.until(new Promise(() => {}), '10s'), { code: 'ERR_WORLD_LIMIT' });
  const run = world.run('1m');
  await t.rejects(world.run('1m'), { code: 'ERR_WORLD_BUSY' });
  await run;
  await t.rejects(world.run('soon'), { code: 'ERR_DURATION_INVALID' });
  world.after('1s', () => {
    throw new Error('from a timer');
  });
  await t.rejects(world.run('2s'), { message: 'from a timer' });
  await world.run('1s');
});
