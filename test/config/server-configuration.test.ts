import { join } from 'node:path';
import t from 'tap';
import { type ConfigProblem, loadConfig, resolveConfig } from '../../src/config/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

/** The sample of reference graph-resources.md §2. */
const GRAPH = {
  '@odata.type': '#microsoft.graph.microsoftTunnelConfiguration',
  id: '00000000-0000-0000-0000-000000000000',
  displayName: 'cfg',
  description: '',
  network: '172.30.0.0/16',
  ipv6Network: null,
  dnsServers: ['10.0.0.53'],
  defaultDomainSuffix: 'corp.example',
  routesInclude: [],
  routesExclude: [],
  routeIncludes: ['10.0.0.0/8'],
  routeExcludes: ['10.5.0.0/16'],
  splitDNS: ['corp.example'],
  listenPort: 443,
  advancedSettings: [{ '@odata.type': 'microsoft.graph.keyValuePair', name: 'session-timeout', value: '300' }],
  lastUpdateDateTime: '2026-01-01T00:00:00Z',
  roleScopeTagIds: ['0'],
  disableUdpConnections: true,
};

t.test('a Graph microsoftTunnelConfiguration is a configuration file as it is', async (t) => {
  const folder = t.testdir({
    'bare.json': JSON.stringify(GRAPH),
    'wrapped.json': JSON.stringify({ value: GRAPH }),
    'listed.json': JSON.stringify({ '@odata.context': 'x', value: [GRAPH] }),
  });
  for (const name of ['bare.json', 'wrapped.json', 'listed.json']) {
    const { config, warnings } = loadConfig({ file: join(folder, name) });
    t.match(config.gateway, {
      network: '172.30.0.0/16',
      ipv6Network: null,
      dnsServers: ['10.0.0.53'],
      defaultDomain: 'corp.example',
      splitDns: ['corp.example'],
      routesInclude: ['10.0.0.0/8'],
      routesExclude: ['10.5.0.0/16'],
      port: 443,
      disableUdp: true,
      sessionTimeout: 300,
    });
    t.same(warnings, []);
    t.match(config.serverConfiguration, { displayName: 'cfg' }, 'the object itself is kept');
  }
});

t.test('flags win over a Graph object, so that port 443 needs no root', async (t) => {
  const file = join(t.testdir({ 'a.json': JSON.stringify(GRAPH) }), 'a.json');
  const { config } = loadConfig({ file, flags: [{ key: 'gateway.port', text: '0', flag: '--port' }] });
  t.match(config.gateway, { port: 0, network: '172.30.0.0/16' });
});

t.test('an admin-settings.json is one too', async (t) => {
  const settings = {
    PolicyName: 'p',
    DisplayName: 'd',
    Description: '',
    Network: '169.100.0.0/16',
    DNSServers: ['168.63.129.16'],
    DefaultDomainSuffix: '',
    RoutesInclude: ['default'],
    RoutesExclude: [],
    ListenPort: 443,
  };
  const { config, warnings } = loadConfig({ file: join(t.testdir({ 'a.json': JSON.stringify(settings) }), 'a.json') });
  t.match(config.gateway, {
    network: '169.100.0.0/16',
    dnsServers: ['168.63.129.16'],
    defaultDomain: null,
    routesInclude: [],
    splitDns: [],
  });
  t.same(warnings, []);
});

t.test('our own file may name one, and overrides it', async (t) => {
  const folder = t.testdir({
    'graph.json': JSON.stringify(GRAPH),
    'tunnelite.yaml': 'serverConfiguration: graph.json\ngateway: { port: 9443 }\n',
  });
  const { config } = loadConfig({ file: join(folder, 'tunnelite.yaml') });
  t.match(config.gateway, { port: 9443, network: '172.30.0.0/16' });
  t.equal(resolveConfig({ serverConfiguration: { ListenPort: 8000 } }).gateway.port, 8000);
});

t.test('a mistake in it is told by its own property and line', async (t) => {
  const text = JSON.stringify({ ...GRAPH, network: '172.30.0.0', routeIncludes: ['0.0.0.0/0'] }, undefined, 2);
  const file = join(t.testdir({ 'a.json': text }), 'a.json');
  const line = text.split('\n').findIndex((one) => one.includes('"network"')) + 1;
  t.throws(() => loadConfig({ file }), { message: new RegExp(`a\\.json:${line}:14 network gateway\\.network: "172`) });
});

t.test('both route lists count, masks are read, and advanced settings are understood or told', async (t) => {
  const object = {
    ...GRAPH,
    routesInclude: ['10.0.0.0/255.0.0.0', '192.168.0.0/16'],
    advancedSettings: [
      { name: 'dpd', value: '30' },
      { name: 'idle-timeout', value: '0' },
      { name: 'session-timeout', value: 'soon' },
      { name: 'no-such-option', value: '1' },
    ],
    surprise: 1,
  };
  const file = join(t.testdir({ 'a.json': JSON.stringify(object) }), 'a.json');
  try {
    loadConfig({ file });
    t.fail('a time in words was accepted');
  } catch (error) {
    t.ok(isTunneliteError(error, 'ERR_CONFIG_INVALID'));
    const [problem] = (error as { details: { problems: ConfigProblem[] } }).details.problems;
    t.match(problem, { path: 'gateway.sessionTimeout', where: /advancedSettings$/ });
  }
  object.advancedSettings.splice(2, 1);
  const good = join(t.testdir({ 'b.json': JSON.stringify(object) }), 'b.json');
  const { config, warnings } = loadConfig({ file: good });
  t.same(config.gateway.routesInclude, ['10.0.0.0/8', '192.168.0.0/16']);
  t.match(config.gateway, { dpd: 30, idleTimeout: null });
  t.match(warnings, [/"no-such-option" is unknown/, /"surprise" is not a property/]);
});

t.test('a key of the product that strayed into a file of ours is a mistake, not a server configuration', async (t) => {
  const file = join(t.testdir({ 'a.yaml': 'gateway: { port: 1 }\nnetwork: 10.0.0.0/8\n' }), 'a.yaml');
  t.throws(() => loadConfig({ file }), {
    code: 'ERR_CONFIG_INVALID',
    message: /a\.yaml:2:1 network: "network" is not a key here/,
  });
});

t.test('something else in its place is refused', async (t) => {
  t.throws(() => resolveConfig({ serverConfiguration: { '@odata.type': '#microsoft.graph.user' } }), {
    code: 'ERR_CONFIG_INVALID',
    message: /not a server configuration/,
  });
});

t.test('an advanced setting whose value is an object with strange members is told like any other', async (t) => {
  const value = JSON.parse('{"toString":1}') as object;
  const advancedSettings = [{ name: 'dpd', value }];
  t.throws(() => resolveConfig({ serverConfiguration: { ...GRAPH, advancedSettings } as never }), {
    code: 'ERR_CONFIG_INVALID',
    message: /dpd/,
  });
});
