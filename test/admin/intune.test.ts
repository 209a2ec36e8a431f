import t from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { graphClient } from '../support/graph.ts';
import { LOB, makePolicies, managedApp } from '../support/policies.ts';
import { start } from '../support/running-simulator.ts';

/* Policies over REST: by Graph's rules, without Graph's tokens. */

const POLICIES = 'targetedManagedAppConfigurations';
const sim = await start(t);
const { intune } = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
const graph = await graphClient(t, sim);

t.test('an object is made, read, changed and removed, and Graph sees it', async (t) => {
  const made = await intune.create(POLICIES, {
    displayName: 'Tunnel',
    customSettings: [{ name: 'a', value: '1' }],
    assignments: [{ target: { '@odata.type': '#microsoft.graph.allLicensedUsersAssignmentTarget' } }],
  });
  t.match(made, { id: /^A_/, isAssigned: true, assignments: [{ target: Object }], apps: [] });
  const path = `/beta/deviceAppManagement/${POLICIES}/${made.id}`;
  t.match((await graph('GET', path)).body, { displayName: 'Tunnel' });
  t.strictSame(await intune.object(POLICIES, String(made.id)), made);
  const changed = await intune.change(POLICIES, String(made.id), { customSettings: [] });
  t.match(changed, { displayName: 'Tunnel', customSettings: [] });
  await intune.remove(POLICIES, String(made.id));
  t.equal((await graph('GET', path)).status, 404);
  sim.journal.expect({ name: 'intune.changed', fields: { change: 'removed', displayName: 'Tunnel' } });
});

t.test('what is refused is refused in Graph’s words, and changes nothing', async (t) => {
  const before = JSON.stringify((await intune.export()).document);
  const document = { code: 'ERR_INTUNE_DOCUMENT' };
  await t.rejects(intune.create(POLICIES, {}), { ...document, message: /'displayName' is required/ });
  await t.rejects(intune.create(POLICIES, { displayName: 'a', colour: 1 }), { ...document, message: /^colour: / });
  await t.rejects(intune.create('users', { displayName: 'a' }), { code: /^ERR_/, message: /set/ });
  await t.rejects(intune.create('__proto__', { displayName: 'a' }), { code: /^ERR_/ });
  await t.rejects(intune.object(POLICIES, 'A_none'), { code: 'ERR_IDENTITY_NOT_FOUND', message: /A_none/ });
  await t.rejects(intune.change(POLICIES, 'A_none', {}), { code: 'ERR_IDENTITY_NOT_FOUND' });
  await t.rejects(intune.remove(POLICIES, 'A_none'), { code: 'ERR_IDENTITY_NOT_FOUND' });
  const [site] = (await intune.export()).document.microsoftTunnelSites as [{ id: string }];
  await t.rejects(intune.remove('microsoftTunnelSites', site.id), { ...document, message: /belongs to it/ });
  t.equal(JSON.stringify((await intune.export()).document), before);
});

t.test('each app that asked is told, and whether it would get the same now', async (t) => {
  t.teardown(() => sim.reset());
  const ids = await makePolicies(sim, graph);
  await intune.deliver({ user: 'alice@contoso.com', app: LOB, platform: 'ios' });
  t.strictSame(await intune.deliveries(), [], 'who looks at it is no app');
  t.equal(sim.journal.count({ name: 'intune.delivered' }), 0);
  const app = managedApp(t, sim);
  t.match(await app.launch({ username: 'alice@contoso.com', kind: 'work' }), { tunnel: 'connected' });
  const first = { user: 'alice@contoso.com', app: LOB, platform: 'ios', enrolled: false, conflicts: 0 };
  t.match(await intune.deliveries(), [{ ...first, state: 'current', policies: [`Tunnel for ${LOB}`, /Protection/] }]);
  await intune.change(POLICIES, ids.appConfiguration, { displayName: 'Another name' });
  t.match(await intune.deliveries(), [{ state: 'current' }], 'a name is nothing that the app goes by');
  await intune.change(POLICIES, ids.appConfiguration, { assignments: [] });
  t.match(await intune.deliveries(), [{ state: 'outdated' }]);
  await app.launch({ username: 'alice@contoso.com', kind: 'work' });
  t.match(await intune.deliveries(), [{ state: 'current', settings: 0, notes: [/assigned to no one/, /No app/] }]);
  const other = await sim.intune();
  for (let i = 0; i < 300; i++) other.deliver({ user: 'alice@contoso.com', app: `app${i}`, platform: 'android' });
  const kept = await intune.deliveries();
  t.equal(kept.length, 200, 'those that asked last are kept');
  t.match(kept[0], { app: 'app299', platform: 'android' });
  sim.identity.directory.defaultTenant.users.remove('alice@contoso.com');
  t.match((await intune.deliveries())[0], { state: 'no user' });
  await sim.reset();
  t.strictSame(await intune.deliveries(), []);
});
