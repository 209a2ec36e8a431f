import t from 'tap';
import { graphClient } from '../support/graph.ts';
import { start } from '../support/running-simulator.ts';

/* What an import leaves behind, and what is left where the last of something was removed. */

t.test('an import that fails half-way has not changed the gateway', async (t) => {
  const sim = await start(t);
  const intune = await sim.intune();
  const [configuration] = intune.export().microsoftTunnelConfigurations as readonly { id: string }[];
  const changed = {
    ...configuration,
    defaultDomainSuffix: 'half.example',
    advancedSettings: [{ name: 'session-timeout', value: '77' }],
  };
  const before = JSON.stringify(intune.export());
  const settings = { ...sim.config.gateway };
  const mark = sim.journal.mark();
  t.throws(
    () =>
      intune.import({
        microsoftTunnelConfigurations: [changed],
        targetedManagedAppConfigurations: [{ displayName: 'a', colour: 'red' }],
      }),
    /colour/,
  );
  t.equal(JSON.stringify(intune.export()), before);
  t.strictSame(sim.config.gateway, settings, 'new sessions go by what was there');
  t.strictSame(sim.journal.query({ since: mark, name: 'intune.configuration.applied' }), []);
  t.strictSame(sim.journal.query({ since: mark, name: 'intune.changed' }), [], 'nothing is told that did not happen');

  t.strictSame(intune.import({ microsoftTunnelConfigurations: [changed] }), { created: 0, changed: 1 });
  t.equal(sim.config.gateway.sessionTimeout, 77);
  t.equal(sim.journal.query({ since: mark, name: 'intune.configuration.applied' }).length, 1);
});

t.test('a group of a file may have members and no id', async (t) => {
  const sim = await start(t);
  const intune = await sim.intune();
  const alice = sim.identity.directory.findMember('alice@contoso.com')!.user.id;
  const members = [`directoryObjects/${alice}`];
  intune.import({ groups: [{ displayName: 'nameless', 'members@odata.bind': members }] });
  t.match(intune.export().groups, [{ displayName: 'nameless', 'members@odata.bind': members }]);
});

t.test('sites can all be removed, and one be made again', async (t) => {
  const sim = await start(t);
  const intune = await sim.intune();
  const graph = await graphClient(t, sim);
  const sites = '/beta/deviceManagement/microsoftTunnelSites';
  const site = `${sites}/${intune.site.id}`;
  const servers = (await graph('GET', `${site}/microsoftTunnelServers`)).body.value as { id: string }[];
  t.equal((await graph('DELETE', `${site}/microsoftTunnelServers/${servers[0]!.id}`)).status, 204);
  t.strictSame(await graph('DELETE', site), { status: 204, body: {} });
  t.match((await graph('GET', sites)).body, { value: [] });
  t.throws(() => intune.site, { code: 'ResourceNotFound' });
  t.strictSame(await intune.lint(), []);
  const [configuration] = intune.export().microsoftTunnelConfigurations as readonly { id: string }[];
  t.equal(
    (await graph('DELETE', `/beta/deviceManagement/microsoftTunnelConfigurations/${configuration!.id}`)).status,
    204,
  );
  const made = await graph('POST', sites, { displayName: 'again', publicAddress: 'again.contoso.com' });
  t.equal(made.status, 201);
  t.equal(intune.site.id, made.body.id);
  await sim.reset();
  t.equal(intune.site.displayName, 'Tunnelite');
});

t.test('an address that cannot be decoded is rejected in Graph’s format', async (t) => {
  const sim = await start(t);
  const graph = await graphClient(t, sim);
  for (const path of ['/beta/%', '/v1.0/users/%ff', '/beta/groups%2']) {
    const { status, body } = await graph('GET', path);
    t.match(body, { error: { code: String, message: String, innerError: { 'request-id': String } } }, path);
    t.ok(status === 400 || status === 404, path);
  }
  const { body } = await graph('GET', '/common/v2.0/%ff');
  t.match(body, { error: 'not_found', error_description: /no endpoint/ });
});
