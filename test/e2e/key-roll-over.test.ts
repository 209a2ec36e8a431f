import t from 'tap';
import { startSimulator } from '../../src/index.ts';
import { login } from '../support/bearer-login.ts';

t.test(
  'gateway: the first login after a roll-over fails, the second succeeds, and old tokens still count',
  async (t) => {
    await using sim = await startSimulator({ identity: { keyRefreshInterval: 0 } });
    const old = await sim.token();
    await sim.identity.keys.rotate();
    const fresh = await sim.token();
    t.match(await login(sim.urls.gateway, sim.ca, fresh), / 401 /);
    const { fields } = await sim.journal.waitFor({ name: 'auth.refused' });
    t.match(fields, { reason: 'unknown-key', explanation: /now include the key: try again/ });
    t.match(await login(sim.urls.gateway, sim.ca, fresh), / 200 /);
    t.match(await login(sim.urls.gateway, sim.ca, old), / 200 /);
  },
);

t.test('gateway: by default keys are not looked up again for 900 s', async (t) => {
  await using sim = await startSimulator();
  await sim.identity.keys.rotate();
  const token = await sim.token();
  for (let i = 0; i < 2; i++) t.match(await login(sim.urls.gateway, sim.ca, token), / 401 /);
  const [event] = sim.journal.query({ name: 'auth.refused' });
  t.match(event?.fields.explanation, /not downloaded again for another \d+ s/);
});

t.test('strict: the first login after an emergency roll-over succeeds, and old tokens end with it', async (t) => {
  await using sim = await startSimulator({ identity: { policy: 'strict', keyRefreshInterval: 0 } });
  const old = await sim.token();
  await sim.identity.keys.emergencyRotate();
  t.match(await login(sim.urls.gateway, sim.ca, old), / 200 /, 'until the gateway looks at the keys again');
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
  t.match(await login(sim.urls.gateway, sim.ca, old), / 401 /);
  const [event] = sim.journal.query({ name: 'auth.refused' });
  t.match(event?.fields.reason, 'unknown-key');
  t.match(sim.journal.query({ name: 'identity.keys.rotated' }), [{ fields: { emergency: true } }]);
});

t.test('while the key set is down, known keys serve and the log says what is wrong', async (t) => {
  await using sim = await startSimulator({ identity: { policy: 'strict', keyRefreshInterval: 0 } });
  const idp = sim.identity;
  const good = await sim.token();
  await idp.keys.rotate();
  idp.disturb('keys', { status: 503 });
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 401 /);
  t.match(sim.journal.query({ name: 'identity.keys.failed' }), [
    { fields: { reason: 'status', explanation: /discovery(\/v2\.0)?\/keys answered with status 503/ } },
  ]);
  t.match(sim.journal.query({ name: 'auth.refused' }), [{ fields: { explanation: /again failed: .*status 503/ } }]);
  t.match(await login(sim.urls.gateway, sim.ca, good), / 200 /);
});

t.test('a stale key set makes a new token be refused right after a download, and the log says so', async (t) => {
  await using sim = await startSimulator({ identity: { policy: 'strict', keyRefreshInterval: 0 } });
  const idp = sim.identity;
  const old = JSON.stringify(idp.keys.keySet(2, `${idp.origin}/{tenantid}/v2.0`));
  await idp.keys.rotate();
  idp.disturb('keys', { body: old });
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 401 /);
  t.match(sim.journal.query({ name: 'auth.refused' }), [
    { fields: { reason: 'unknown-key', explanation: /just downloaded again and still do not include it/ } },
  ]);
  idp.outages.clear('keys');
  t.match(await login(sim.urls.gateway, sim.ca, await sim.token()), / 200 /);
});
