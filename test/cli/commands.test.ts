import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SAMPLE } from '../../src/cli/commands/init.ts';
import { root } from '../../src/cli/root.ts';
import { configJsonSchema, defaultConfig, loadConfig } from '../../src/config/index.ts';
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
    [['start', '--certs', '--json'], /The option --certs needs a value/],
    [['ca', 'extra'], /"extra" is one argument too many/],
    [['start', '--set', 'gateway'], /Write --set key=value/],
    [['start', '--set', 'gateway.dpdd=1'], /Did you mean "dpd"\?/],
    [['start', '--port', 'http'], /--port gateway\.port: "http" is not possible here/],
    [['start', '--config', '/nonexistent.yaml'], /cannot be read/],
    [['token', '--claims', 'x'], /The value of --claims is not understood/],
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
  const { err } = await cli(['config', 'check', '--json', '--set', 'log.level=loud']);
  t.match(JSON.parse(err), { error: { code: 'ERR_CONFIG_INVALID', message: /loud/, hint: String } });
  t.match((await cli(['tokn'], { TUNNELITE_DEBUG: '1' })).err, /^ +at /m);
});

t.test('config check, show and schema say what the configuration is', async (t) => {
  const folder = t.testdir({
    'good.yaml': 'gateway: { dpd: 7 }\n',
    'bad.yaml': 'gateway:\n  dpd: x\n',
    'odd.yaml': 'gateway: { dnsServers: [8.8.8.8] }\n',
  });
  const good = join(folder, 'good.yaml');
  t.match(await cli(['config', 'check', '-c', good]), { code: 0, out: `The configuration is valid (${good}).\n` });
  const bad = await cli(['config', 'check', '--config', join(folder, 'bad.yaml')]);
  t.equal(bad.code, 2);
  t.match(bad.err, /bad\.yaml:2:8 gateway\.dpd: "x" is not possible here\. Expected: a whole number/);
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
  const { certs: _, ...defaults } = defaultConfig();
  t.same(rest, defaults, 'it changes nothing');
  t.match(certs.directory, /certs$/);
  writeFileSync(file, 'mine');
  t.match(await cli(['init', file]), { code: 1, err: /is there already.*\nAdd --force/ });
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
});

t.test('where nothing runs, token and healthcheck say so and end with 1', async (t) => {
  const certs = t.testdir();
  t.match(await cli(['token', '--certs', certs]), {
    code: 1,
    out: '',
    err: /does not run here.*\nRun "tunnelite start"/,
  });
  t.match(await cli(['healthcheck', '--certs', certs]), { code: 1, err: /does not run here/ });
  t.match(JSON.parse((await cli(['healthcheck', '--json', '--certs', certs])).out), { ready: false });
  writeFileSync(join(certs, 'instance.json'), '{');
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /instance\.json, where .*\n.*start it again/ });
  const gone = { pid: 1, gateway: '', authority: '', admin: 'http://127.0.0.1:9', secret: 'x' };
  writeFileSync(join(certs, 'instance.json'), JSON.stringify(gone));
  t.match(await cli(['token', '--certs', certs]), { code: 1, err: /nothing answers at http:\/\/127\.0\.0\.1:9/ });
});

t.test(
  'app check compares an Info.plist with the configured app, and ends with 1 when something is wrong',
  async (t) => {
    const plist = (clientId: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
  <key>CFBundleIdentifier</key><string>$(PRODUCT_BUNDLE_IDENTIFIER)</string>
  <key>CFBundleURLTypes</key><array><dict><key>CFBundleURLSchemes</key>
    <array><string>msauth.$(PRODUCT_BUNDLE_IDENTIFIER)</string><string>msauth.com.contoso.lob-intunemam</string></array></dict></array>
  <key>LSApplicationQueriesSchemes</key><array>${QUERIED.map((one) => `<string>${one}</string>`).join('')}</array>
  <key>IntuneMAMSettings</key><dict>
    <key>ADALClientId</key><string>${clientId}</string>
    <key>ADALAuthority</key><string>https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555</string>
    <key>ADALRedirectUri</key><string>msauth.com.contoso.lob://auth</string>
  </dict></dict></plist>`;
    const folder = t.testdir({
      'good.plist': plist('1f6a7e3c-0000-4000-8000-0000000010b0'),
      'bad.plist': plist('00000000-0000-4000-8000-000000000000'),
      'app.json': JSON.stringify({ appId: '1f6a7e3c-0000-4000-8000-0000000010b0', displayName: 'From Graph' }),
    });
    const bundle = ['--bundle-id', 'com.contoso.lob'];
    const good = await cli(['app', 'check', join(folder, 'good.plist'), ...bundle]);
    t.equal(good.code, 0, good.out + good.err);
    t.match(good.out, /Everything fits\.|0 errors/);
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
});
