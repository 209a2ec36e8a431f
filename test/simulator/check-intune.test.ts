import { join } from 'node:path';
import t from 'tap';
import { startSimulator } from '../../src/index.ts';
import { cli } from '../support/cli.ts';

const GROUP = '0f3f2a86-5a5c-4b5e-9d5f-000000000001';

t.test('mistakes in policies are told with their place', async (t) => {
  const folder = t.testdir({
    'tunnelite.yaml': `intune:
  targetedManagedAppConfigurations:
    - displayName: a
    - displayName: b
      colour: red
`,
    'site.yaml': `intune:
  microsoftTunnelConfigurations:
    - id: ${GROUP}
      displayName: a
      network: 10.0.0.0/99
`,
    'outer.yaml': 'intune: policies.json\n',
    'policies.json': '{\n "groups": [{ "displayName": "a", "mailEnabled": "no" }]\n}\n',
    'good.yaml': 'intune: { groups: [{ displayName: a }] }\n',
  });
  const check = (name: string) => cli(['config', 'check', '--config', join(folder, name)]);
  t.match(await check('tunnelite.yaml'), { code: 2, err: /tunnelite\.yaml:5:\d+ .*'colour' does not exist/ });
  t.match(await check('site.yaml'), { code: 2, err: /site\.yaml:3:\d+ .*gateway\.network/ });
  t.match(await check('outer.yaml'), { code: 2, err: /policies\.json:2:\d+ .*'mailEnabled' is not valid/ });
  t.match(await check('good.yaml'), { code: 0 });
  await t.rejects(startSimulator({ intune: { groups: [{ colour: 'red' }] } }), { code: 'ERR_CONFIG_INVALID' });
});

t.test('sessions go by the site of a configuration from the start, and a reset goes back to it', async (t) => {
  await using sim = await startSimulator({
    intune: {
      microsoftTunnelConfigurations: [
        { id: GROUP, displayName: 'mine', network: '169.254.0.0/16', routeIncludes: ['10.20.0.0/24'], listenPort: 443 },
      ],
      microsoftTunnelSites: [
        { displayName: 'site', publicAddress: 'vpn.contoso.com', microsoftTunnelConfiguration: { id: GROUP } },
      ],
    },
  });
  t.strictSame(sim.config.gateway.routesInclude, ['10.20.0.0/24']);
  sim.journal.expect({
    name: 'intune.configuration.applied',
    where: ({ fields }) => fields.needsRestart.includes('gateway.port'),
  });
  const { objects, site } = await sim.intune();
  t.match(site, { displayName: 'site' });
  objects.update('microsoftTunnelConfigurations', GROUP, { routeIncludes: ['10.20.1.0/24'] });
  t.strictSame(sim.config.gateway.routesInclude, ['10.20.1.0/24']);
  await sim.reset();
  t.strictSame(sim.config.gateway.routesInclude, ['10.20.0.0/24']);
});
