import t from 'tap';
import { type ConfigInput, type ConfigProblem, loadConfig, resolveConfig } from '../../src/config/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

function problems(input: ConfigInput): ConfigProblem[] {
  try {
    resolveConfig(input);
  } catch (error) {
    if (isTunneliteError(error, 'ERR_CONFIG_INVALID')) return error.details.problems as ConfigProblem[];
    throw error;
  }
  return [];
}

const first = (input: ConfigInput): ConfigProblem | undefined => problems(input)[0];

t.test('0.0.0.0 and :: are refused in either list of routes', async (t) => {
  for (const list of ['routesInclude', 'routesExclude'] as const) {
    for (const route of ['0.0.0.0/0', '0.0.0.0/1', '::/0']) {
      t.match(first({ gateway: { [list]: [route] } }), {
        path: `gateway.${list}[0]`,
        message: /must not stand/,
        hint: String,
      });
    }
  }
});

t.test('more than 500 routes, includes and excludes together, are refused', async (t) => {
  const routes = (count: number, second: number): string[] =>
    Array.from({ length: count }, (_, i) => `10.${second + (i >> 8)}.${i & 255}.0/24`);
  const dnsServers: string[] = [];
  t.same(problems({ gateway: { dnsServers, routesInclude: routes(300, 0), routesExclude: routes(200, 100) } }), []);
  t.match(first({ gateway: { dnsServers, routesInclude: routes(300, 0), routesExclude: routes(201, 100) } }), {
    path: 'gateway.routesInclude',
    message: '501 routes are included and excluded',
    expected: 'at most 500 together',
  });
});

t.test('a pool may not overlap an included route, a DNS server or a mock host', async (t) => {
  const network = '10.20.0.0/16';
  t.match(first({ gateway: { network: '10.0.0.0/8' } }), {
    path: 'gateway.routesInclude[0]',
    message: /would loop back/,
  });
  t.match(first({ gateway: { network, routesInclude: [] } }), {
    path: 'gateway.dnsServers[0]',
    hint: /10\.20\.0\.1, the gateway’s own/,
  });
  t.match(first({ gateway: { network, routesInclude: [], dnsServers: ['10.20.0.1'] } }), {
    path: 'services.hosts[0].addresses[0]',
  });
  t.same(problems({ gateway: { network: '10.99.0.0/16', dnsServers: ['10.99.0.1'], routesInclude: [] } }), []);
});

t.test('a configuration without any pool, or with one too small, is refused', async (t) => {
  t.match(first({ gateway: { network: null } }), { path: 'gateway.network' });
  t.same(problems({ gateway: { network: null, ipv6Network: 'fd00:1::/64' } }), []);
  t.match(first({ gateway: { network: '192.0.2.0/31' } }), { expected: 'a prefix length of 30 or less' });
  t.match(first({ gateway: { ipv6Network: 'fd00:1::/127' } }), { expected: 'a prefix length of 126 or less' });
});

t.test('certificate and key come together, TLS versions in order', async (t) => {
  t.match(first({ gateway: { tls: { certFile: 'a.pem' } } }), {
    path: 'gateway.tls.certFile',
    message: /keyFile, is not|keyFile is not/,
  });
  t.match(first({ gateway: { tls: { keyFile: 'a.pem' } } }), { path: 'gateway.tls.keyFile' });
  t.match(first({ gateway: { tls: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' } } }), {
    path: 'gateway.tls.minVersion',
  });
});

t.test('two listeners may not want one port, unless one of them is not started', async (t) => {
  t.match(first({ identity: { port: 8443 } }), {
    path: 'identity.port',
    message: /identity and gateway both want port 8443/,
  });
  t.same(problems({ identity: { port: 8443, authority: 'https://login.microsoftonline.com/contoso.com' } }), []);
  t.same(problems({ gateway: { port: 0 }, identity: { port: 0 }, admin: { port: 0 } }), []);
});

t.test('mock hosts need addresses of their own and real ports', async (t) => {
  const host = { names: ['a.contoso.internal'], addresses: ['10.20.1.1'] };
  t.match(first({ services: { hosts: [host, { ...host, names: ['b.contoso.internal'] }] } }), {
    path: 'services.hosts[1].addresses[0]',
    message: '10.20.1.1 is given to both a.contoso.internal and b.contoso.internal',
  });
  t.match(first({ services: { hosts: [{ ...host, tcp: { 70000: 'echo' } }] } }), {
    path: 'services.hosts[0].tcp.70000',
  });
});

t.test('what is possible but probably not meant is a warning', async (t) => {
  const warned = (...flags: [string, string][]): readonly string[] =>
    loadConfig({ flags: flags.map(([key, text]) => ({ key, text, flag: `--set ${key}` })) }).warnings;
  t.match(warned(['gateway.dnsServers', '8.8.8.8']), [/8\.8\.8\.8 is in none of gateway\.routesInclude/]);
  t.match(warned(['gateway.host', '0.0.0.0']), [/other machines can connect/]);
  t.same(warned(['gateway.host', '::1']), []);
});
