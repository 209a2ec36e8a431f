import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {
  CONFIG_KEYS,
  type ConfigProblem,
  configJsonSchema,
  IN_PROCESS_DEFAULTS,
  type LoadOptions,
  loadConfig,
  resolveConfig,
  tunnelSettings,
} from '../../src/config/index.ts';
import { isTunneliteError, type TunneliteError } from '../../src/lib/errors.ts';

function refusal(work: () => unknown): TunneliteError {
  try {
    work();
  } catch (error) {
    if (isTunneliteError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function problems(options: LoadOptions): ConfigProblem[] {
  const error = refusal(() => loadConfig(options));
  if (error.code !== 'ERR_CONFIG_INVALID') throw error;
  return error.details.problems as ConfigProblem[];
}

t.test('without anything, every setting has a default that listens on loopback only', async (t) => {
  const config = resolveConfig();
  t.match(config, {
    gateway: { host: '127.0.0.1', port: 8443, network: '169.254.0.0/16', sessionTimeout: 3600, disableUdp: false },
    identity: { host: '127.0.0.1', audience: '3678c9e9-9681-447a-974d-d19f668fcd88', policy: 'gateway' },
    admin: { host: '127.0.0.1' },
    certs: { directory: 'certs' },
  });
  const { config: loaded, warnings, file } = loadConfig();
  t.same(loaded, config);
  t.same(warnings, []);
  t.equal(file, undefined);
});

t.test('defaults are made anew each time, so that changing one configuration leaves others alone', async (t) => {
  resolveConfig().gateway.dnsServers.push('192.0.2.1');
  t.same(resolveConfig().gateway.dnsServers, ['10.20.0.53']);
});

t.test('flags win over the environment, which wins over the file, which wins over the defaults', async (t) => {
  const file = join(
    t.testdir({ 'a.yaml': 'gateway: { port: 1001, dpd: 11, keepalive: 21 }\nlog: { level: debug }\n' }),
    'a.yaml',
  );
  const { config } = loadConfig({
    file,
    env: { TUNNELITE_GATEWAY_PORT: '1002', TUNNELITE_GATEWAY_DPD: '12', OTHER: 'x' },
    flags: [{ key: 'gateway.port', text: '1003', flag: '--port' }],
  });
  t.match(config.gateway, { port: 1003, dpd: 12, keepalive: 21, mobileDpd: 1800 });
  t.equal(config.log.level, 'debug');
});

t.test('a program gives a part and gets the whole, with its own base under it', async (t) => {
  const config = resolveConfig({ gateway: { dpd: 5, ipv6Network: 'fd00:1::/64' } }, IN_PROCESS_DEFAULTS);
  t.match(config, { gateway: { dpd: 5, port: 0 }, identity: { port: 0 }, certs: { directory: null } });
  t.equal(resolveConfig({ gateway: { port: 9 } }, IN_PROCESS_DEFAULTS).gateway.port, 9);
  const settings = tunnelSettings(config);
  t.equal(settings.ipv6Network, 'fd00:1::/64');
  t.equal(settings.idleTimeout, undefined, 'null of the file is undefined in code');
});

t.test('lists are replaced, not joined; objects are joined', async (t) => {
  const config = resolveConfig({
    gateway: { routesInclude: ['10.9.0.0/16'], dnsServers: ['10.9.0.1'], tls: { minVersion: 'TLSv1.3' } },
  });
  t.same(config.gateway.routesInclude, ['10.9.0.0/16']);
  t.match(config.gateway.tls, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' });
});

t.test('each mistake is told with line, column, member, expectation and a suggestion', async (t) => {
  const text = [
    'gateway:',
    '  prot: 8443',
    '  dpd: soon',
    '  dnsServers: [10.20.0.53, 1.2.3]',
    'identity:',
    '  policy: strikt',
    'services:',
    '  hosts:',
    '    - names: [a.contoso.internal]',
    '      adresses: [10.20.1.1]',
    '',
  ].join('\n');
  const file = join(t.testdir({ 'tunnelite.yaml': text }), 'tunnelite.yaml');
  const found = problems({ file });
  const brief = found.map(({ where, path, hint }) => [where.split(':').slice(-2).join(':'), path, hint]);
  t.same(brief, [
    ['2:3', 'gateway.prot', 'Did you mean "port"?'],
    ['3:8', 'gateway.dpd', undefined],
    ['4:28', 'gateway.dnsServers[1]', undefined],
    ['6:11', 'identity.policy', 'Did you mean "strict"?'],
    ['10:7', 'services.hosts[0].adresses', 'Did you mean "addresses"?'],
    ['9:7', 'services.hosts[0]', undefined],
  ]);
  t.match(found[1], { message: '"soon" is not valid here', expected: 'a whole number from 1 to 31536000' });
  t.match(found[5], { message: '"addresses" is missing' });
  t.ok(found.every(({ where }) => where.includes('tunnelite.yaml:')));
});

t.test('JSON is read as well, tabs and all, and its mistakes have lines too', async (t) => {
  const file = join(t.testdir({ 'a.json': '{\n\t"gateway": {\n\t\t"port": "x"\n\t}\n}\n' }), 'a.json');
  t.match(problems({ file }), [{ where: /a\.json:3:11$/, path: 'gateway.port' }]);
});

t.test('a file that is no YAML, is not there, or holds no object, says so', async (t) => {
  const folder = t.testdir({
    'bad.yaml': 'a: [1\nb: 2\n',
    'twice.yaml': 'log: {}\nlog: {}\n',
    'list.yaml': '- 1\n',
    'empty.yaml': '',
  });
  t.match(
    refusal(() => loadConfig({ file: join(folder, 'bad.yaml') })),
    { code: 'ERR_CONFIG_SYNTAX', message: /bad\.yaml:\d+:\d+: / },
  );
  t.match(
    refusal(() => loadConfig({ file: join(folder, 'twice.yaml') })),
    { code: 'ERR_CONFIG_SYNTAX', message: /twice\.yaml:2:1: the key "log" is repeated\.$/ },
  );
  t.equal(refusal(() => loadConfig({ file: join(folder, 'none.yaml') })).code, 'ERR_CONFIG_FILE');
  t.match(
    refusal(() => loadConfig({ file: join(folder, 'list.yaml') })),
    { code: 'ERR_CONFIG_INVALID', message: /does not contain an object/ },
  );
  t.same(loadConfig({ file: join(folder, 'empty.yaml') }).config, resolveConfig());
});

t.test('whatever a file holds, it is read or refused with one of the three codes', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'any.yaml');
  const word = fc.constantFrom(
    'gateway',
    'port',
    ':',
    ' ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '"',
    '- ',
    '&a ',
    '*a',
    '!!binary ',
    '0',
    '\t',
    '? ',
    '<<',
  );
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(text, (content) => {
        writeFileSync(file, content);
        try {
          loadConfig({ file });
        } catch (error) {
          if (!isTunneliteError(error)) throw error;
          return ['ERR_CONFIG_SYNTAX', 'ERR_CONFIG_INVALID', 'ERR_CONFIG_FILE'].includes(error.code);
        }
        return true;
      }),
      { numRuns: Math.min(Number(process.env.TUNNELITE_FUZZ ?? 300), 2000) },
    ),
  );
});

t.test('no key reaches an object’s prototype', async (t) => {
  const file = join(
    t.testdir({ 'p.json': '{"__proto__":{"x":1},"gateway":{"__proto__":{"port":1}},"constructor":{}}' }),
    'p.json',
  );
  t.same(
    problems({ file }).map(({ path }) => path),
    ['__proto__', 'gateway.__proto__', 'constructor'],
  );
  t.equal(({} as { x?: number }).x, undefined);
});

t.test('mistakes in variables and flags name the variable or flag', async (t) => {
  t.match(problems({ env: { TUNNELITE_GATEWAY_PORT: '99999' } }), [
    { where: 'TUNNELITE_GATEWAY_PORT (environment)', path: 'gateway.port', message: '99999 is out of range' },
  ]);
  t.match(problems({ flags: [{ key: 'gateway.dpdd', text: '1', flag: '--set gateway.dpdd' }] }), [
    { where: '--set gateway.dpdd', hint: 'Did you mean "dpd"?' },
  ]);
  t.same(loadConfig({ env: { TUNNELITE_GATEWAY_PROT: '1', TUNNELITE_DEBUG: '1' } }).warnings, [
    'The variable TUNNELITE_GATEWAY_PROT is unknown; did you mean TUNNELITE_GATEWAY_PORT?',
  ]);
});

t.test('variables take lists, none, truth values and JSON', async (t) => {
  const { config } = loadConfig({
    env: {
      TUNNELITE_GATEWAY_DNS_SERVERS: '10.20.0.53, 10.20.0.54',
      TUNNELITE_GATEWAY_SESSION_TIMEOUT: 'none',
      TUNNELITE_GATEWAY_DISABLE_UDP: 'yes',
      TUNNELITE_GATEWAY_SPLIT_DNS: '',
      TUNNELITE_GATEWAY_ROUTES_EXCLUDE: 'none',
      TUNNELITE_RESOURCES_UPSTREAMS: '[{"match":"example.com"}]',
      TUNNELITE_GATEWAY_TLS_MIN_VERSION: 'TLSv1.3',
    },
  });
  t.match(config, {
    gateway: {
      dnsServers: ['10.20.0.53', '10.20.0.54'],
      sessionTimeout: null,
      disableUdp: true,
      splitDns: ['contoso.internal'],
      routesExclude: [],
      tls: { minVersion: 'TLSv1.3' },
    },
    resources: { upstreams: [{ match: 'example.com', ports: [], to: null }] },
  });
});

t.test('every setting has its own variable', async (t) => {
  t.equal(new Set(CONFIG_KEYS.map((key) => key.variable)).size, CONFIG_KEYS.length);
  t.ok(CONFIG_KEYS.every((key) => /^TUNNELITE_[A-Z0-9_]+$/.test(key.variable)));
});

t.test('file names in a file are meant from that file; a directory of users may be a file', async (t) => {
  const folder = t.testdir({
    sub: {
      'a.yaml':
        'certs: { directory: keys }\nidentity: { directory: users.yaml }\ngateway: { tls: { keylogFile: ../k } }\n',
      'users.yaml': 'tenants: []\n',
    },
  });
  const { config } = loadConfig({ file: join(folder, 'sub', 'a.yaml') });
  t.equal(config.certs.directory, join(folder, 'sub', 'keys'));
  t.equal(config.gateway.tls.keylogFile, join(folder, 'k'));
  t.same(config.identity.directory, { tenants: [] });
});

t.test('the committed JSON Schema is the one that the code emits', async (t) => {
  const committed = readFileSync(join(import.meta.dirname, '../../docs/config.schema.json'), 'utf8');
  t.equal(committed, `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`, 'if not: node scripts/generate-docs.ts');
});

t.test('the JSON Schema insists on nothing that has a default', async (t) => {
  const schema = configJsonSchema() as { required?: string[]; properties: Record<string, { required?: string[] }> };
  t.equal(schema.required, undefined);
  t.equal(schema.properties.gateway?.required, undefined);
  const host = (schema.properties.services as { properties: { hosts: { items: { required: string[] } } } }).properties
    .hosts;
  t.same(host.items.required, ['names', 'addresses']);
});
