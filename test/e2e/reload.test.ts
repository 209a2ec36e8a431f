import { once } from 'node:events';
import { createServer } from 'node:http';
import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

/* A running simulator that reads another configuration. */

t.setTimeout(60_000);

t.test('new sessions are told the new values, and those that are there go on with the old ones', async (t) => {
  const sim = await start(t, { gateway: { dpd: 30, sessionTimeout: 3600 } });
  const before = await connect(t, sim);
  const result = await sim.reload({
    gateway: {
      dpd: 7,
      sessionTimeout: 1800,
      routesInclude: ['10.20.0.0/16', '192.0.2.0/24'],
      dnsServers: ['192.0.2.53'],
      splitDns: ['example.com'],
      banner: 'New rules',
      mtu: 1400,
    },
    journal: { level: 'info' },
  });
  const applied = new Map(result.applied.map((one) => [one.member, one]));
  t.match(applied.get('gateway.dpd'), { from: 30, to: 7, takesEffect: 'new sessions' });
  t.match(applied.get('journal.level'), { takesEffect: 'at once' });
  t.strictSame(
    result.needsRestart,
    [{ member: 'gateway.mtu', from: 1500, to: 1400, takesEffect: 'restart' }],
    'told, with old and new value',
  );
  t.equal(sim.config.gateway.dpd, 7);
  t.equal(sim.config.gateway.mtu, 1500, 'what is in force is shown');
  sim.journal.expect({ name: 'config.reloaded', fields: { needsRestart: 'gateway.mtu' } }, 1);

  const after = await connect(t, sim, 'bob@contoso.com');
  t.match(after.client.configuration, { dpd: 7, dnsServers: ['192.0.2.53'], splitDns: ['example.com'] });
  t.strictSame(after.client.configuration.routesInclude, ['10.20.0.0/255.255.0.0', '192.0.2.0/255.255.255.0']);
  t.equal(before.client.configuration.dpd, 30);
  for (const { client } of [before, after]) {
    t.strictSame(await client.resolve('intranet.contoso.internal'), ['10.20.0.10'], 'each asks its own server');
  }
  t.equal(sim.journal.count({ name: 'session.connect' }), 2);
  t.equal(sim.journal.count({ name: 'dns.query' }), 0, 'the journal begins at info');
  await sim.clock.advance('1801s');
  t.match(sim.sessions.list(), [{ id: before.id }], 'each has the limit that it was told');
});

t.test('users, lifetimes, limits and upstreams change at once, and a reset goes back to them', async (t) => {
  const web = createServer((_, response) => response.end('mine'));
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  t.teardown(() => {
    web.closeAllConnections();
    web.close();
  });
  const sim = await start(t);
  const carol = { userPrincipalName: 'carol@contoso.com', displayName: 'Carol', password: 'S3cret-of-Carol!' };
  const directory = { tenants: [{ ...sim.identity.directory.export().tenants[0]!, users: [carol] }] };
  const upstream = {
    match: 'orders.contoso.internal',
    to: { host: '127.0.0.1', port: (web.address() as { port: number }).port },
  };
  const result = await sim.reload({
    gateway: { maxSessions: 1 },
    identity: { directory, lifetimes: { accessToken: 77 } },
    resources: { upstreams: [upstream], denyWith: 'reset' },
  });
  t.strictSame(result.needsRestart, []);
  t.notMatch(JSON.stringify(result), /S3cret/);
  t.strictSame(
    result.applied.find(({ member }) => member === 'identity.directory'),
    { member: 'identity.directory', takesEffect: 'at once' },
  );
  for (const round of ['first', 'after a reset']) {
    await t.rejects(sim.token({ user: 'alice@contoso.com' }), round);
    const { expiresIn } = await sim.mintToken({ user: 'carol@contoso.com' });
    t.ok(expiresIn > 70 && expiresIn <= 77, round);
    const { client } = await connect(t, sim, 'carol@contoso.com');
    t.equal((await client.fetch('http://orders.contoso.internal/')).body.toString(), 'mine', round);
    await t.rejects(client.openTcp('192.0.2.1', 80), round);
    await t.rejects(connect(t, sim, 'carol@contoso.com'), 'one session at a time');
    await sim.reset();
  }
});

t.test('the members of a contradiction are not taken over, nor is anything beside them', async (t) => {
  const sim = await start(t, { gateway: { dpd: 30 } });
  const before = structuredClone(sim.config);
  await t.rejects(
    sim.reload({ gateway: { dpd: 0, routesInclude: ['0.0.0.0/0'] }, resources: { upstreams: [{ match: 'a b' }] } }),
    {
      code: 'ERR_CONFIG_INVALID',
      details: { problems: [{ path: 'gateway.dpd' }, { path: 'resources.upstreams[0].match' }] },
    },
  );
  await t.rejects(
    sim.reload({
      gateway: { network: '10.9.0.0/16', routesInclude: ['169.254.7.0/24', '10.20.0.0/16'] },
    }),
    { code: 'ERR_CONFIG_RELOAD', message: /only after a restart: gateway\.routesInclude\.0: .*overlaps/ },
  );
  await t.rejects(sim.reload(), { code: 'ERR_CONFIG_RELOAD', message: /started by a program/ });
  t.strictSame(sim.config, before);
  t.equal(sim.journal.count({ name: 'config.refused' }), 3);
});

t.test('another first tenant needs a restart', async (t) => {
  const sim = await start(t);
  const tenant = { id: '99999999-2222-4333-8444-555555555555', displayName: 'Other', domains: ['other.example'] };
  const result = await sim.reload({ gateway: { dpd: 5 }, identity: { directory: { tenants: [tenant] } } });
  t.strictSame(result.needsRestart, [{ member: 'identity.directory', takesEffect: 'restart' }]);
  t.strictSame(
    result.applied.map(({ member }) => member),
    ['gateway.dpd'],
  );
  t.ok(await sim.token({ user: 'alice@contoso.com' }));
});
