import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { type Simulator, startSimulator } from '../../src/index.ts';
import { login } from '../support/bearer-login.ts';
import { askToken, connect, PASSWORD, start } from '../support/running-simulator.ts';

/* One simulator for a whole suite: after a reset it is as it was at the start. */

t.test('sessions end, their clients are told so and end, and the next one gets the first address', async (t) => {
  const sim = await start(t);
  const clients = [await connect(t, sim), await connect(t, sim, 'bob@contoso.com')];
  const { sessions, mark } = await sim.reset();
  t.equal(sessions, 2);
  t.strictSame(sim.sessions.list(), []);
  t.equal(sim.gateway.stats()['addresses4'], 0);
  for (const { ended } of clients)
    t.match(await ended, { code: 'ERR_CLIENT_DISCONNECTED', message: /ended the session/ });
  t.strictSame(
    sim.journal.query({ name: 'session.disconnect' }).map(({ fields }) => [fields.reason, fields.explanation]),
    [
      ['reset', 'The simulator was reset.'],
      ['reset', 'The simulator was reset.'],
    ],
  );
  t.match(sim.journal.query({ name: 'simulator.reset', until: mark }).at(-1), { fields: { sessions: 2 } });
  t.strictSame(sim.journal.query({ since: mark }), []);
  const { client } = await connect(t, sim);
  t.equal(client.configuration.address4, '169.254.0.2', 'as at the start');
  t.equal((await client.fetch('http://intranet.contoso.internal/whoami')).status, 200);
});

t.test('the clock shows the machine’s time again, in the mode that was configured', async (t) => {
  for (const clock of ['real', 'manual'] as const) {
    const sim = await start(t, { clock });
    await sim.clock.advance('400d');
    sim.clock.set(clock === 'real' ? 'manual' : 'real');
    const future = await sim.token();
    t.equal(sim.journal.count({ name: 'certificate.renewed' }), 3);
    await sim.reset();
    t.equal(sim.clock.mode, clock);
    t.ok(Math.abs(sim.clock.now() - Date.now()) < 3_600_000);
    t.match(await login(sim.urls.gateway, sim.ca, future), / 401 /);
    sim.journal.expect({ name: 'auth.refused', fields: { reason: 'not-yet-valid' } });
    t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
    const { client } = await connect(t, sim);
    t.equal((await client.fetch('https://intranet.contoso.internal/whoami', { ca: sim.ca })).status, 200);
    t.ok((await sim.check()).every((one) => one.ok));
  }
});

t.test('limits that were set under the moved clock hold nobody up, and new ones count from now', async (t) => {
  const sim = await start(t, { gateway: { sessionTimeout: 3600, bans: { maxScore: 20 } } });
  await sim.clock.advance('10d');
  for (let i = 0; i < 2; i++) await login(sim.urls.gateway, sim.ca, 'wrong').catch(() => '');
  await t.rejects(login(sim.urls.gateway, sim.ca, 'wrong'), 'banned');
  await sim.reset();
  const { client, ended } = await connect(t, sim);
  await sim.clock.advance('59m');
  t.ok(client.connected);
  await sim.clock.advance('1m');
  await ended;
  sim.journal.expect({ name: 'session.disconnect', fields: { reason: 'session-timeout' } });
});

t.test('directory, grants, ordered failures, outages and locked accounts are as configured', async (t) => {
  const sim = await start(t);
  const { directory } = sim.identity;
  const before = JSON.stringify(directory.export());
  const refresh = (await askToken(t, sim, PASSWORD)).body['refresh_token']!;
  const tenant = directory.tenant('contoso.com');
  tenant.users.update('alice@contoso.com', { locked: true });
  tenant.users.remove('bob@contoso.com');
  tenant.users.add({ userPrincipalName: 'eve@contoso.com', password: 'x' });
  directory.updateTenant('contoso.com', { displayName: 'Evil' });
  directory.addTenant({ id: '99999999-0000-4000-8000-000000000001', domains: ['evil.test'] });
  sim.identity.failNext({ code: 50076, times: 5 });
  sim.identity.disturb('token', { status: 503 });
  await sim.reset();
  t.equal(JSON.stringify(directory.export()), before);
  t.equal((await askToken(t, sim, PASSWORD)).status, 200, 'no failure, no outage, not locked');
  t.match(await askToken(t, sim, { grant_type: 'refresh_token', refresh_token: refresh }), { status: 400 });
  for (let i = 0; i < 10; i++) await askToken(t, sim, { ...PASSWORD, password: 'wrong' });
  t.match((await askToken(t, sim, PASSWORD)).body['error_description'], /^AADSTS50053/);
  await sim.reset();
  t.equal((await askToken(t, sim, PASSWORD)).status, 200);
});

for (const policy of ['gateway', 'strict'] as const) {
  t.test(
    `keys go back to those of the start, with the policy ${policy}: tokens of before are good, those of later keys are not`,
    async (t) => {
      const sim = await start(t, { identity: { policy, keyRefreshInterval: 0 } });
      const first = await sim.token();
      await sim.identity.keys.emergencyRotate();
      const later = await sim.token();
      // The gateway learns of the new keys, and forgets the old ones.
      await login(sim.urls.gateway, sim.ca, later);
      t.match(await login(sim.urls.gateway, sim.ca, later), / 200 /);
      await sim.reset();
      t.match(await login(sim.urls.gateway, sim.ca, first), / 200 /);
      t.match(await login(sim.urls.gateway, sim.ca, later), / 401 /);
      t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
    },
  );
}

t.test('a failure to load keys is forgotten too', async (t) => {
  const sim = await start(t, { identity: { policy: 'strict', keyRefreshInterval: 0 } });
  sim.identity.disturb('keys', { status: 503 });
  await sim.identity.keys.rotate();
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 401 /);
  await sim.reset();
  await sim.identity.keys.rotate();
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /, 'looked up at once, without a cool-down');
});

t.test('names of upstreams get their addresses anew, the first name the first address', async (t) => {
  const upstream = createServer((socket) => socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const sim = await start(t, {
    resources: { upstreams: [{ match: '*.example.test', to: { host: '127.0.0.1', port } }] },
  });
  const before = await connect(t, sim);
  const first = await before.client.resolve('one.example.test');
  const second = await before.client.resolve('two.example.test');
  t.not(second[0], first[0]);
  const stream = await before.client.openTcp('one.example.test', 80);
  stream.on('error', () => {});
  await once(stream.resume(), 'end');
  await sim.reset();
  const after = await connect(t, sim);
  t.strictSame(await after.client.resolve('two.example.test'), first);
});

t.test('a gateway that was stopped or is draining takes clients again', async (t) => {
  const sim = await start(t);
  await sim.gateway.stop();
  await sim.reset();
  await connect(t, sim);
  const drained = sim.gateway.drain();
  await sim.journal.waitFor({ name: 'gateway.draining' });
  await sim.reset();
  await drained;
  t.equal(sim.gateway.state, 'listening');
  await connect(t, sim);
});

t.test('rules of the configuration begin anew, with the same luck; all other keys are removed', async (t) => {
  const sim = await start(t, {
    faults: {
      rules: [
        {
          name: 'unlucky',
          on: { seam: 'decision', kind: 'authenticate' },
          when: { chance: 0.5 },
          then: { do: 'refuse' },
        },
      ],
    },
  });
  const run = async (): Promise<number[]> => {
    const struck: number[] = [];
    for (let i = 0; i < 8; i++) {
      await login(sim.urls.gateway, sim.ca, await sim.token()).catch(() => {});
      struck.push(sim.faults.get('unlucky').hits());
    }
    return struck;
  };
  const first = await run();
  const added = sim.faults.add({ on: { seam: 'udp' }, then: { do: 'hold' } });
  await sim.reset();
  t.match(sim.faults.list(), [{ name: 'unlucky', seen: 0, hits: 0 }]);
  t.equal(sim.faults.list().length, 1);
  t.strictSame(await run(), first);
  await t.rejects(added.struck(), { code: 'ERR_FAULT_UNKNOWN' });
});

t.test('what a program registered is reset with the rest, and one that fails keeps nothing else from it', async (t) => {
  const sim = await start(t);
  const order: string[] = [];
  const remove = sim.onReset(
    'a counter',
    () => void order.push(`counter, ${sim.sessions.list().length} sessions left`),
  );
  await connect(t, sim);
  await sim.reset();
  t.strictSame(order, ['counter, 1 sessions left']);
  remove();
  sim.onReset('the broken thing', async () => {
    throw new Error('no way');
  });
  await connect(t, sim);
  await sim.clock.advance('1h');
  await t.rejects(sim.reset(), {
    code: 'ERR_SIMULATOR_RESET',
    message: 'Not everything could be reset: the broken thing (no way).',
    details: { parts: ['the broken thing'] },
  });
  t.strictSame(sim.sessions.list(), []);
  t.equal(sim.clock.offset, 0);
  t.equal(order.length, 1);
});

t.test('resets at the same time do not get into each other’s way, whatever else goes on', async (t) => {
  const sim = await start(t, { gateway: { dpd: 30 } });
  await connect(t, sim);
  const token = await sim.token();
  const logins = Array.from({ length: 10 }, () => login(sim.urls.gateway, sim.ca, token).catch(() => ''));
  const moved = sim.clock.advance('1h').then(
    () => 'moved',
    (error: { code?: string }) => error.code,
  );
  const results = await Promise.all([sim.reset(), sim.reset(), sim.gateway.restart(), sim.reset()]);
  t.equal(results[0].mark, results[1].mark, 'one and the same');
  t.ok(['moved', 'ERR_CLOCK_INTERRUPTED'].includes(String(await moved)));
  await Promise.all(logins);
  await sim.reset();
  t.equal(sim.clock.offset, 0);
  t.strictSame(sim.sessions.list(), []);
  t.equal(sim.gateway.stats()['addresses4'], 0);
  await connect(t, sim);
});

t.test(
  'a reset may be asked for by whoever is told of an event, also in the middle of a batch of packets',
  async (t) => {
    let done: Promise<unknown> | undefined;
    let asked = false;
    const sim: Simulator = await start(
      t,
      {},
      {
        onEvent: (event) => {
          if (event.name !== 'resource.request' || asked) return;
          asked = true;
          done = sim.reset();
        },
      },
    );
    const { client, ended } = await connect(t, sim);
    await t.rejects(client.fetch('http://intranet.contoso.internal/bytes/1000000'));
    await ended;
    await done;
    t.strictSame(sim.sessions.list(), []);
    t.equal(sim.gateway.stats()['addresses4'], 0);
    const again = await connect(t, sim);
    t.equal((await again.client.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  },
);

t.test('a closed simulator cannot be reset', async (t) => {
  const sim = await startSimulator();
  await sim.close();
  await t.rejects(sim.reset(), { code: 'ERR_CLOSED' });
});
