import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli, spawnCli } from '../support/cli.ts';

t.setTimeout(120_000);

const folder = t.testdir();
const certs = join(folder, 'certs');
const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
t.teardown(() => started.child.kill('SIGKILL'));
const { gateway } = JSON.parse(await started.waitFor(/\n/)) as { gateway: string };
const run = (...argv: string[]) => cli(['intune', ...argv, '--certs', certs]);
const file = (name: string, value: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
const { port } = new URL(gateway);

t.test('what a real tenant or an app needs is printed in each format', async (t) => {
  const graph = JSON.parse((await run('export')).out) as Record<string, Record<string, unknown>[]>;
  t.match(graph, {
    microsoftTunnelSites: [{ displayName: 'Tunnelite', microsoftTunnelConfiguration: { id: String } }],
    microsoftTunnelConfigurations: [{ listenPort: Number(port) }],
    applications: [{ displayName: 'Contoso LOB', optionalClaims: { accessToken: [{ name: 'acct' }] } }],
  });
  t.notOk(JSON.stringify(graph).includes('Passw0rd'), 'nothing of it is a secret');
  t.match(JSON.parse((await run('export', '--format', 'pairs')).out), [
    { name: 'com.microsoft.tunnel.connection_type', value: 'MicrosoftProtect' },
    { name: 'com.microsoft.tunnel.connection_name' },
    { name: 'com.microsoft.tunnel.server_address', value: `localhost:${port}` },
    { name: 'com.microsoft.tunnel.trusted_root_certificates', value: /iosTrustedRootCertificate/ },
  ]);
  t.match((await run('export', '--format', 'swift')).out, /MicrosoftTunnel\.sharedInstance\.setConfig/);
  t.match(
    (await run('export', '--format', 'objc')).out,
    /@"com\.microsoft\.tunnel\.connection_type": @"MicrosoftProtect",/,
  );
  t.match(
    (await run('export', '--format', 'kotlin')).out,
    /"com\.microsoft\.tunnel\.connection_type" to "MicrosoftProtect"/,
  );
  t.match(JSON.parse((await run('export', '--format', 'env')).out), {
    vpnHostname: 'localhost',
    listenPort: Number(port),
    bundleId: 'com.contoso.lob',
    graphUrl: /\/beta$/,
    siteId: graph.microsoftTunnelSites![0]!.id,
    caCertificate: /BEGIN CERTIFICATE/,
  });
  t.match(await run('export', '--format', 'yaml'), { code: 2 });
});

t.test('policies are imported, delivered, linted, exported and imported again', async (t) => {
  const group = '0f3f2a86-5a5c-4b5e-9d5f-000000000001';
  const { users } = (await import('../../src/entra/directory/directory.ts').then(({ Directory }) => new Directory()))
    .defaultTenant;
  const alice = users.get('alice@contoso.com').id;
  const policies = JSON.parse((await run('export', '--format', 'policies', '--group', group)).out) as Record<
    string,
    { path: string; body: object }
  >;
  const setOf = ({ path }: { path: string }) => path.split('/').at(-1)!;
  const document = {
    groups: [{ id: group, displayName: 'users', 'members@odata.bind': [`directoryObjects/${alice}`] }],
    ...Object.fromEntries(Object.values(policies).map((each) => [setOf(each), [each.body]])),
  };
  t.match(await run('import', file('tenant.json', document)), {
    code: 0,
    out: 'Created 4 objects, and changed or kept 0 objects.\n',
  });
  const delivered = await run('deliver', 'alice@contoso.com', 'com.contoso.lob');
  t.match(delivered, { code: 0, out: new RegExp(`com\\.microsoft\\.tunnel\\.server_address +localhost:${port}`) });
  t.match(delivered.out, /App protection policy: there is one\./);
  t.match((await run('deliver', 'bob@contoso.com', 'com.contoso.lob')).out, /in none of the groups/);
  t.match(await run('deliver', 'eve@contoso.com', 'com.contoso.lob'), { code: 1, err: /eve@contoso\.com/ });
  t.match(await run('lint'), { code: 0, out: 'No problems found.\n' });

  const exported = file('exported.json', (await run('export')).out);
  t.match(await cli(['intune', 'lint', exported]), { code: 0, out: 'No problems found.\n' });
  await cli(['reset', '--certs', certs]);
  t.match((await run('deliver', 'alice@contoso.com', 'com.contoso.lob')).out, /No app configuration policy/);
  t.match(await run('import', exported), { code: 0, out: /^Created 4 objects/ });
  t.match(
    (await run('deliver', 'alice@contoso.com', 'com.contoso.lob')).out,
    /localhost/,
    'members of groups came along',
  );
});

t.test('one object is created, shown, changed and removed', async (t) => {
  await cli(['reset', '--certs', certs]);
  const created = await run('create', 'groups', '--body', '{"displayName":"pilots"}');
  t.match(created, { code: 0, out: /^Created [\w-]+ in groups\.\n$/ });
  const id = created.out.split(' ')[1]!;
  t.match(JSON.parse((await run('show', 'groups', id)).out), { id, displayName: 'pilots' });
  const body = file('members.json', { displayName: 'all pilots' });
  t.match(await run('change', 'groups', id, '--body', `@${body}`, '--json'), { code: 0, out: /"all pilots"/ });
  t.match(await run('change', 'groups', id, '--body', '{"colour":1}'), { code: 1, err: /colour/ });
  t.match(await run('change', 'groups', id, '--body', '{'), { code: 2, err: /--body is not JSON.*\n.*single quotes/ });
  t.match(await run('change', 'groups', id, '--body', '[]'), { code: 2, err: /not a JSON object/ });
  t.match(await run('create', 'colours', '--body', '{}'), { code: 1 });
  t.match(await run('remove', 'groups', id), { code: 0, out: `Removed ${id} from groups.\n` });
  t.match(await run('show', 'groups', id), { code: 1, err: new RegExp(id) });
});

t.test('what is exported for an app is imported as it is, for all users', async (t) => {
  await cli(['reset', '--certs', certs]);
  t.match(await run('deliver', 'bob@contoso.com', 'com.contoso.lob'), {
    code: 0,
    out: /^No settings\.\n\nApp protection/,
  });
  const exported = file('policies.json', (await run('export', '--format', 'policies', '--group', 'all')).out);
  t.match(await run('import', exported), { code: 0, out: /^Created 3 objects/ });
  t.match(
    (await run('deliver', 'bob@contoso.com', 'com.contoso.lob')).out,
    new RegExp(`server_address +localhost:${port}`),
  );
  t.match(await run('lint'), { code: 0, out: 'No problems found.\n' });
  const path = '/deviceAppManagement/iosManagedAppProtections';
  t.match(await run('import', file('wrong-body.json', { a: { path, body: { colour: 'red' } } })), {
    code: 1,
    err: /iosManagedAppProtections\.0\.colour/,
  });
  t.match(await run('import', file('wrong-path.json', { a: { path: '/users', body: {} } })), {
    code: 1,
    err: /'a' is not a known collection/,
  });
});

t.test('one object, and the answer to a list, are imported too; what is wrong is refused as a whole', async (t) => {
  await cli(['reset', '--certs', certs]);
  const one = {
    '@odata.type': '#microsoft.graph.targetedManagedAppConfiguration',
    id: 'A_0f3f2a86-5a5c-4b5e-9d5f-000000000009',
    version: '"1"',
    displayName: 'one',
  };
  t.match(await run('import', file('one.json', one)), { code: 0, out: /^Created 1 object,/ });
  t.match(await run('import', file('bare-list.json', [{ ...one, displayName: 'bare' }])), {
    code: 0,
    out: /changed or kept 1 object\./,
  });
  t.match(await run('import', file('list.json', { value: [{ ...one, displayName: 'two' }] })), {
    code: 0,
    out: /changed or kept 1 object\./,
  });
  const wrong = {
    targetedManagedAppConfigurations: [{ displayName: 'three' }, { displayName: 'four', colour: 'red' }],
  };
  t.match(await run('import', file('wrong.json', wrong)), {
    code: 1,
    err: /targetedManagedAppConfigurations\.1\.colour: The property 'colour' does not exist/,
  });
  t.notMatch((await run('export')).out, /"three"/, 'nothing of it was taken over');
  t.match(await run('import', file('other.json', { policies: [] })), {
    code: 1,
    err: /'policies' is not a known collection/,
  });
  t.match(await run('import', file('none.json', '{')), { code: 2, err: /cannot be read/ });
  t.match(await run('import', join(folder, 'absent.json')), { code: 2, err: /cannot be read/ });
});

t.test('lint of an export ends with 1 when something would fail', async (t) => {
  const policy = {
    displayName: 'P',
    apps: [{ mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: 'a.b' } }],
    customSettings: [{ name: 'com.microsoft.tunnel.server_address', value: 'https://192.0.2.1' }],
  };
  const path = file('bad.json', { targetedManagedAppConfigurations: [policy] });
  const { code, out } = await cli(['intune', 'lint', path]);
  t.equal(code, 1);
  t.match(out, /ERROR {3}App configuration policy “P”: .*server_address.*\n +→ Write host:port/);
  const { findings } = JSON.parse((await cli(['intune', 'lint', path, '--json'])).out) as {
    findings: { rule: string }[];
  };
  t.ok(findings.some(({ rule }) => rule === 'unassigned'));
});
