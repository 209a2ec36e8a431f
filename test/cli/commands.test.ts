import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SAMPLE } from '../../src/cli/commands/init.ts';
import type { Command } from '../../src/cli/context/command.ts';
import { root } from '../../src/cli/root.ts';
import { configJsonSchema, loadConfig, resolveConfig } from '../../src/config/index.ts';
import { cli } from '../support/cli.ts';

const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
).version;

const QUERIED = [
  'msauthv2',
  'msauthv3',
  'http-intunemam',
  'https-intunemam',
  'microsoft-edge-http-intunemam',
  'microsoft-edge-https-intunemam',
  'ms-outlook-intunemam',
];

t.test('every command explains itself, without colours where there is no terminal', async (t) => {
  const names = Object.keys(root.subCommands ?? {});
  const { code, out } = await cli(['--help']);
  t.equal(code, 0);
  for (const name of names) t.match(out, new RegExp(`^ *${name} +\\S`, 'm'), name);
  for (const name of names) {
    const help = await cli([name, '--help']);
    t.equal(help.code, 0, name);
    t.match(help.out, new RegExp(`USAGE tunnelite ${name}`), name);
    t.notMatch(help.out, /\u001b/);
    t.equal((await cli([name, '-h'])).out, help.out);
  }
  t.match((await cli(['config', '--help'])).out, /check\|show\|schema/);
});

t.test('the version is the package’s', async (t) => {
  t.same(await cli(['--version']), { code: 0, out: `${version}\n`, err: '' });
});

t.test('a command line that is not understood ends with 2, a hint and no stack', async (t) => {
  const cases: [string[], RegExp][] = [
    [['tokn'], /There is no command "tokn"\.\nDid you mean "token"\?/],
    [['xyzzyx'], /Run "tunnelite --help"/],
    [['config', 'chek'], /Did you mean "check"\?/],
    [['start', '--prot', '1'], /There is no option --prot\.\nDid you mean --port\?/],
    [['start', '--port'], /The option --port needs a value/],
    [['start', '--certs', '--port', '1'], /The option --certs needs a value/],
    [['ca', 'extra'], /The argument "extra" is unexpected\.\nFor a configuration file use --config extra/],
    [['demo', 'x'], /The argument "x" is unexpected/],
    [['profile', 'use', '4g'], /Did you mean "3g"\? There are edge, 3g, lte/],
    [['app', 'check', '/nonexistent.plist'], /cannot be read: no such file or directory.*\nUse a readable Info\.plist/],
    [['start', '--set', 'gateway'], /Write --set key=value/],
    [['start', '--set', 'gateway.dpdd=1'], /Did you mean "dpd"\?/],
    [['start', '--port', 'http'], /--port gateway\.port: "http" is not valid here/],
    [['start', '--config', '/nonexistent.yaml'], /cannot be read/],
    [['token', '--claims', 'x'], /The value of --claims is not valid/],
    [['token', '--claim', 'x'], /Write --claim name=value/],
    [['token', '--expires-in', 'soon'], /not a number of seconds/],
  ];
  for (const [argv, expected] of cases) {
    const { code, out, err } = await cli(argv);
    t.equal(code, 2, argv.join(' '));
    t.equal(out, '');
    t.match(err, expected);
    t.notMatch(err, /^ +at /m);
  }
});

t.test('no command at all shows the help and ends with 2', async (t) => {
  const { code, out } = await cli([]);
  t.equal(code, 2);
  t.match(out, /COMMANDS/);
});

t.test('with --json an error is JSON; with TUNNELITE_DEBUG it has a stack', async (t) => {
  const { out, err } = await cli(['config', 'check', '--json', '--set', 'log.level=loud']);
  t.equal(err, '');
  t.match(JSON.parse(out), { error: { code: 'ERR_CONFIG_INVALID', message: /loud/, hint: String } });
  t.match((await cli(['tokn'], { TUNNELITE_DEBUG: '1' })).err, /^ +at /m);
});

t.test('config check, show and schema say what the configuration is', async (t) => {
  const folder = t.testdir({
    'good.yaml': 'gateway: { dpd: 7 }\n',
    'bad.yaml': 'gateway:\n  dpd: x\n',
    'worse.yaml': 'gateway:\n  dpd: x\n  prt: 1\nlog:\n  level: loud\n',
    'odd.yaml': 'gateway: { dnsServers: [8.8.8.8] }\n',
  });
  const good = join(folder, 'good.yaml');
  t.match(await cli(['config', 'check', '-c', good]), { code: 0, out: `The configuration is valid (${good}).\n` });
  const bad = await cli(['config', 'check', '--config', join(folder, 'bad.yaml')]);
  t.equal(bad.code, 2);
  t.match(bad.err, /bad\.yaml:2:8 gateway\.dpd: "x" is not valid here\. Expected: a whole number/);
  const worse = join(folder, 'worse.yaml');
  const asJson = await cli(['config', 'check', '--json', '-c', worse]);
  t.equal(asJson.code, 2);
  t.match(JSON.parse(asJson.out), {
    error: {
      code: 'ERR_CONFIG_INVALID',
      details: {
        problems: [
          { where: /worse\.yaml:2:8$/, path: 'gateway.dpd', expected: /whole number/ },
          { where: /worse\.yaml:3:3$/, path: 'gateway.prt', hint: /Did you mean "port"/ },
          { where: /worse\.yaml:5:10$/, path: 'log.level' },
        ],
      },
    },
  });
  t.match((await cli(['config', 'check', '-c', join(folder, 'odd.yaml')])).out, /^Warning: The DNS server 8\.8\.8\.8/);
  t.equal(JSON.parse((await cli(['config', 'show', '--json', '-c', good])).out).gateway.dpd, 7);
  t.equal(JSON.parse((await cli(['config', 'show', '--json'], { TUNNELITE_CONFIG: good })).out).gateway.dpd, 7);
  t.match((await cli(['config', 'show', '-c', good, '--set', 'gateway.dpd=8'])).out, /^ {2}dpd: 8$/m);
  t.same(JSON.parse((await cli(['config', 'schema'])).out), configJsonSchema());
});

t.test('--port 0 frees every port, --host moves every listener', async (t) => {
  const { out } = await cli(['config', 'show', '--json', '--port', '0', '--host', '::1', '--admin-port', '7']);
  t.match(JSON.parse(out), {
    gateway: { port: 0, host: '::1' },
    identity: { port: 0, host: '::1' },
    admin: { port: 7, host: '::1' },
  });
});

t.test('init writes the defaults with comments, and never over a file that is there', async (t) => {
  const file = join(t.testdir(), 'tunnelite.yaml');
  t.match(await cli(['init', file]), { code: 0, out: /^Wrote / });
  t.equal(readFileSync(file, 'utf8'), SAMPLE);
  const { certs, ...rest } = loadConfig({ file }).config;
  const { certs: _, ...defaults } = resolveConfig();
  t.same(rest, defaults, 'it changes nothing');
  t.match(certs.directory, /certs$/);
  writeFileSync(file, 'mine');
  t.match(await cli(['init', file]), { code: 1, err: /already exists.*\nAdd --force/ });
  t.equal(readFileSync(file, 'utf8'), 'mine');
  t.equal((await cli(['init', file, '--force'])).code, 0);
  t.equal(readFileSync(file, 'utf8'), SAMPLE);
  t.match(await cli(['init', join(file, 'below')]), { code: 1, err: /ERR_CLI_FILE/ });
});

t.test('ca makes the CA when there is none, and tells path, fingerprint and how to trust it', async (t) => {
  const certs = join(t.testdir(), 'certs');
  const { code, out } = await cli(['ca', '--certs', certs]);
  t.equal(code, 0);
  const [path, fingerprint] = out.trimEnd().split('\n');
  t.equal(path, join(certs, 'ca.pem'));
  t.ok(existsSync(path!));
  t.match(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  t.same(JSON.parse((await cli(['ca', '--certs', certs, '--json'])).out), {
    path,
    fingerprint,
    certPem: readFileSync(path!, 'utf8'),
  });
  t.equal((await cli(['ca', '--certs', certs, '--pem'])).out, readFileSync(path!, 'utf8'));
  t.match((await cli(['ca', '--certs', certs, '--trust'])).out, /update-ca-certificates/);
  const other = ['ca', '--certs', certs, '--set', 'gateway.names=10.0.2.2'];
  t.match(await cli(other), {
    code: 0,
    err: /^Warning: Renewed the CA .* 10\.0\.2\.2\/32, .* must trust the new one/,
  });
  t.equal((await cli(other)).err, '');
});

t.test('where nothing runs, token and healthcheck say so and end with 1', async (t) => {
  const certs = t.testdir();
  t.match(await cli(['token', '--certs', certs]), {
    code: 1,
    out: '',
    err: /is not running.*\nRun "tunnelite start"/,
  });
  t.match(await cli(['healthcheck', '--certs', certs]), { code: 1, err: /is not running/ });
  t.match(JSON.parse((await cli(['healthcheck', '--json', '--certs', certs])).out), { ready: false });
  writeFileSync(join(certs, 'instance.json'), '{');
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /instance\.json, where .*\n.*start it again/ });
  const gone = { pid: 1, gateway: '', authority: '', admin: 'http://127.0.0.1:9', secret: 'x' };
  writeFileSync(join(certs, 'instance.json'), JSON.stringify(gone));
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /there is no answer at http:\/\/127\.0\.0\.1:9/ });
});

t.test(
  'app check compares an Info.plist with the configured app, and ends with 1 when something is wrong',
  async (t) => {
    const plist = (
      clientId: string,
      login = 'login.microsoftonline.com',
    ): string => `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
  <key>CFBundleIdentifier</key><string>$(PRODUCT_BUNDLE_IDENTIFIER)</string>
  <key>CFBundleURLTypes</key><array><dict><key>CFBundleURLSchemes</key>
    <array><string>msauth.$(PRODUCT_BUNDLE_IDENTIFIER)</string><string>msauth.com.contoso.lob-intunemam</string></array></dict></array>
  <key>LSApplicationQueriesSchemes</key><array>${QUERIED.map((one) => `<string>${one}</string>`).join('')}</array>
  <key>IntuneMAMSettings</key><dict>
    <key>ADALClientId</key><string>${clientId}</string>
    <key>ADALAuthority</key><string>https://${login}/11111111-2222-4333-8444-555555555555</string>
    <key>ADALRedirectUri</key><string>msauth.com.contoso.lob://auth</string>
  </dict></dict></plist>`;
    const folder = t.testdir({
      'good.plist': plist('1f6a7e3c-0000-4000-8000-0000000010b0'),
      'local.plist': plist('1f6a7e3c-0000-4000-8000-0000000010b0', 'localhost:8444'),
      'bad.plist': plist('00000000-0000-4000-8000-000000000000'),
      'App.xcconfig': '#include "shared/Base.xcconfig"\nPRODUCT_BUNDLE_IDENTIFIER = $(ORGANIZATION).lob\n',
      shared: { 'Base.xcconfig': '#include? "Local.xcconfig"\nORGANIZATION = com.contoso\n' },
      'wrong.xcconfig': '#include "absent.xcconfig"\n',
      'app.json': JSON.stringify({ appId: '1f6a7e3c-0000-4000-8000-0000000010b0', displayName: 'From Graph' }),
    });
    const bundle = ['--bundle-id', 'com.contoso.lob'];
    const good = await cli(['app', 'check', join(folder, 'good.plist'), ...bundle]);
    t.equal(good.code, 0, good.out + good.err);
    t.match(good.out, /No problems found\.|0 errors/);
    const local = join(folder, 'local.plist');
    const builtIn = await cli(['app', 'check', local, ...bundle]);
    t.equal(builtIn.out, good.out, 'the built-in Entra ID is right for its own directory');
    const elsewhere = await cli(['app', 'check', local, ...bundle, '-r', join(folder, 'app.json')]);
    t.match(elsewhere.out, /host localhost:8444 is not a login host/, 'and for no other');
    const settings = ['--xcconfig', join(folder, 'App.xcconfig')];
    const configured = await cli(['app', 'check', join(folder, 'good.plist'), ...settings]);
    t.equal(configured.out, good.out, 'the build settings of an .xcconfig file give the same');
    const other = await cli([
      'app',
      'check',
      join(folder, 'good.plist'),
      ...settings,
      '--build-setting',
      'ORGANIZATION=x',
    ]);
    t.match(other.out, /bundle id is x\.lob/, 'a build setting counts before the file');
    const broken = await cli([
      'app',
      'check',
      join(folder, 'good.plist'),
      '--xcconfig',
      join(folder, 'wrong.xcconfig'),
    ]);
    t.equal(broken.code, 1);
    t.match(broken.err, /includes "absent\.xcconfig", which does not exist/);
    const bad = await cli(['app', 'check', join(folder, 'bad.plist'), ...bundle]);
    t.equal(bad.code, 1);
    t.match(bad.out, /ERROR +IntuneMAMSettings > ADALClientId/);
    const graph = await cli([
      'app',
      'check',
      join(folder, 'good.plist'),
      '-r',
      join(folder, 'app.json'),
      '--json',
      ...bundle,
    ]);
    t.match(JSON.parse(graph.out).findings, [{ level: 'ok', subject: 'CFBundleIdentifier' }]);
    t.equal((await cli(['app', 'check', join(folder, 'none.plist')])).code, 2);
    t.equal((await cli(['app', 'check'])).code, 2);
  },
);

t.test('the kinds of wrong token are listed without a running instance', async (t) => {
  const { code, out } = await cli(['token', '--wrong', 'list']);
  t.equal(code, 0);
  t.match(out, /^expired +\S/m);
  const json = await cli(['token', '--wrong', 'list', '--json']);
  const { kinds } = JSON.parse(json.out);
  t.equal(kinds.length, out.trimEnd().split('\n').length);
  t.match(
    kinds.find(({ name }: { name: string }) => name === 'expired'),
    { summary: /ten minutes ago/, gateway: 'expired', strict: 'expired' },
  );
});

t.test('a policy about users that are not there is told, with its place', async (t) => {
  const folder = t.testdir({
    'a.yaml': `identity:
  directory:
    tenants:
      - id: 11111111-2222-4333-8444-555555555555
        domains: [contoso.com]
        displayName: Contoso
        users:
          - userPrincipalName: alice@contoso.com
        policies:
          - displayName: MFA for some
            users: [ALICE@contoso.com, alise@contoso.com]
          - displayName: Block
            users: [all]
            excludeUsers: [bob@contoso.com]
`,
  });
  const file = join(folder, 'a.yaml');
  const { code, out } = await cli(['config', 'check', '-c', file]);
  t.equal(code, 0);
  const [first, second, last] = out.split('\n');
  t.match(
    first,
    /^Warning: .*a\.yaml:11:40: The policy “MFA for some” names the user alise@contoso\.com, who does not exist in the tenant Contoso\. Add the user, or correct the name\.$/,
  );
  t.match(second, /^Warning: .*a\.yaml:14:28: The policy “Block” names the user bob@contoso\.com/);
  t.match(last, /^The configuration is valid/);
});

t.test(
  'config check and start tell mistakes in the directory with file, line and column, in a file of its own or not',
  async (t) => {
    const tenant = (users: string): string =>
      `tenants:\n  - id: 11111111-2222-4333-8444-555555555555\n    domains: [contoso.com]\n    users:\n${users}`;
    const user = '      - userPrincipalName: alice@contoso.com\n';
    const folder = t.testdir({
      'users.yaml': tenant(`${user}        mfa: requird\n        lockd: true\n`),
      'twice.yaml': tenant(`${user}${user}`),
      'stray.yaml': `${tenant(user)}    federatedDomains: [fabrikam.com]\n`,
      'file.yaml': 'identity: { directory: users.yaml }\n',
      'inline.yaml': `identity:\n  directory:\n    tenants:\n      - { id: x, domains: [contoso.com] }\n`,
    });
    const at = (file: string): string[] => ['-c', join(folder, file)];
    for (const command of [
      ['config', 'check'],
      ['config', 'show'],
      ['start', '--port', '0', '--certs', join(folder, 'certs')],
    ]) {
      const { code, out, err } = await cli([...command, ...at('file.yaml')]);
      t.equal(code, 2);
      t.equal(out, '');
      t.match(
        err,
        /users\.yaml:6:14 identity\.directory\.tenants\[0\]\.users\[0\]\.mfa: .*Did you mean "required"\?\n/,
      );
      t.match(err, /users\.yaml:7:9 identity\.directory\.tenants\[0\]\.users\[0\]\.lockd: .*Did you mean "locked"\?\n/);
    }
    const inline = await cli(['config', 'check', ...at('inline.yaml')]);
    t.match(inline, {
      code: 2,
      err: /inline\.yaml:4:15 identity\.directory\.tenants\[0\]\.id: "x" is not valid here/,
    });
    const directory = (file: string): string[] => [
      'config',
      'check',
      '--set',
      `identity.directory=${join(folder, file)}`,
    ];
    const twice = await cli(directory('twice.yaml'));
    t.match(twice, {
      code: 2,
      err: /twice\.yaml:6:9 identity\S+users\[1\]: There is already a user 'alice@contoso\.com'\./,
    });
    const stray = await cli(directory('stray.yaml'));
    t.match(stray, {
      code: 2,
      err: /stray\.yaml:2:5 identity\.directory\.tenants\[0\]: The federated domain 'fabrikam\.com'/,
    });
  },
);

t.test('every command that talks to a running instance has --json', async (t) => {
  const { root } = await import('../../src/cli/root.ts');
  const without = new Set(['init', 'ca', 'healthcheck', 'demo', 'schema']);
  const look = async (name: string, load: () => Promise<Command>): Promise<void> => {
    const one = await load();
    const own = name.split(' ').at(-1)!;
    if (one.run && !without.has(own)) t.ok(one.args && 'json' in one.args, name);
    for (const [sub, { load }] of Object.entries(one.subCommands ?? {})) await look(`${name} ${sub}`, load);
  };
  for (const [name, { load }] of Object.entries(root.subCommands!)) await look(name, load);
});
