import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/index.ts';
import { checkDirectory, runSimulator } from '../../src/simulator/index.ts';

const FREE = {
  TUNNELITE_GATEWAY_PORT: '0',
  TUNNELITE_IDENTITY_PORT: '0',
  TUNNELITE_ADMIN_PORT: '0',
  TUNNELITE_LOG_LEVEL: 'silent',
};

t.test('the directory that was built to be checked is the one that is started', async (t) => {
  const users = '[{ userPrincipalName: eve@example.com }]';
  const text = `certs: { directory: null }\nidentity: { directory: { tenants: [{ id: 11111111-2222-4333-8444-555555555555, displayName: Example, domains: [example.com], users: ${users} }] } }\n`;
  const loaded = loadConfig({ file: join(t.testdir({ 'a.yaml': text }), 'a.yaml'), env: FREE });
  const directory = checkDirectory(loaded);
  await using simulator = await runSimulator(loaded.config, {}, directory);
  t.equal(simulator.identity?.directory, directory);
  t.ok(directory?.findMember('eve@example.com'));
});

t.test('a configuration without a directory means the default one, which nobody has to check', async (t) => {
  t.equal(checkDirectory(loadConfig({ env: FREE })), undefined);
});
