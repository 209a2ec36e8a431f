import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ConfigInput, type ConfigProblem, loadConfig } from '../../src/config/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { problems } from '../support/config-problems.ts';

const first = (input: ConfigInput): ConfigProblem | undefined => problems(input)[0];

t.test('0.0.0.0 and :: are refused in either list of routes', async (t) => {
  for (const list of ['routesInclude', 'routesExclude'] as const) {
    for (const route of ['0.0.0.0/0', '0.0.0.0/1', '::/0']) {
      t.match(first({ gateway: { [list]: [route] } }), {
        path: `gateway.${list}[0]`,
        message: /must not be/,
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
    message: '501 routes to include and exclude',
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
  t.match(first({ gateway: { network: '192.0.2.0/31' } }), { expected: 'a prefix length of at most 30' });
  t.match(first({ gateway: { ipv6Network: 'fd00:1::/127' } }), { expected: 'a prefix length of at most 126' });
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
    message: /identity and gateway both use port 8443/,
  });
  t.same(problems({ identity: { port: 8443, authority: 'https://login.microsoftonline.com/contoso.com' } }), []);
  t.same(problems({ gateway: { port: 0 }, identity: { port: 0 }, admin: { port: 0 } }), []);
});

t.test('mock hosts need addresses of their own and real ports', async (t) => {
  const host = { names: ['a.contoso.internal'], addresses: ['10.20.1.1'] };
  t.match(first({ services: { hosts: [host, { ...host, names: ['b.contoso.internal'] }] } }), {
    path: 'services.hosts[1].addresses[0]',
    message: '10.20.1.1 is assigned to both a.contoso.internal and b.contoso.internal',
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
  const own = /the real gateway’s server uses that network for its own containers/;
  t.match(warned(['gateway.network', '172.17.0.0/16']), [own]);
  t.match(warned(['gateway.network', '10.88.4.0/24']), [own]);
  t.match(warned(['gateway.routesInclude', '10.20.0.0/16,172.17.3.0/24,10.88.0.0/16']), [own, own]);
  const alone: [string, string][] = [
    ['gateway.routesInclude', ''],
    ['gateway.dnsServers', '192.0.2.53'],
    ['services.hosts', '[]'],
  ];
  t.match(warned(['gateway.network', '172.16.0.0/12'], ...alone), [/172\.16\.0\.0\/12, in which is 172\.17\.0\.0\/16/]);
  t.match(warned(['gateway.network', '10.0.0.0/8'], ...alone), [own], 'a wide pool has addresses there');
  t.same(warned(['gateway.network', '172.18.0.0/16']), []);
  t.same(warned(['gateway.routesInclude', '10.0.0.0/8']), [], 'a wide route is meant for what else is in it');
});

t.test('what an address family lacks is told in words', async (t) => {
  const warned = (...flags: [string, string][]): readonly string[] =>
    loadConfig({ flags: flags.map(([key, text]) => ({ key, text, flag: `--set ${key}` })) }).warnings;
  const ipv6: [string, string] = ['gateway.ipv6Network', 'fd00:77::/64'];
  t.match(warned(ipv6), [/no IPv6 network.*all their IPv6 traffic/]);
  t.same(warned(ipv6, ['gateway.routesInclude', '10.20.0.0/16,fd00:20::/64']), []);
  t.same(warned(ipv6, ['gateway.routesInclude', '']), [], 'everything goes through the tunnel on purpose');
  t.match(warned(ipv6, ['gateway.routesInclude', 'fd00:20::/64'], ['gateway.dnsServers', 'fd00:20::53']), [
    /no IPv4 network.*all their IPv4 traffic/,
  ]);
  const alone: [string, string][] = [['gateway.network', 'none'], ipv6, ['gateway.routesInclude', 'fd00:20::/64']];
  t.same(warned(...alone, ['gateway.dnsServers', 'fd00:20::53']), []);
  t.match(warned(...alone, ['gateway.dnsServers', '10.20.0.53']), [
    /10\.20\.0\.53 is in none/,
    /gateway\.dnsServers has IPv4 addresses only/,
  ]);
  const hosts = '[{"names":["a.contoso.internal"],"addresses":["10.20.0.10"]}]';
  t.match(warned(...alone, ['gateway.dnsServers', 'fd00:20::53'], ['services.hosts', hosts]), [
    /No host of services\.hosts has an IPv6 address/,
  ]);
});

t.test('a dead-peer interval that clients choke on is a warning', async (t) => {
  const warned = (key: string, text: string): readonly string[] =>
    loadConfig({ flags: [{ key, text, flag: key }] }).warnings;
  t.match(warned('gateway.dpd', '1'), [/gateway\.dpd is 1, with which openconnect.*Use 2 or more/]);
  t.match(warned('gateway.mobileDpd', '1'), [/gateway\.mobileDpd is 1/]);
  t.same(warned('gateway.dpd', '2'), []);
});

t.test('a CA without name constraints is warned of', async (t) => {
  const warnings = (text: string): readonly string[] =>
    loadConfig({ flags: [{ key: 'certs.nameConstraints', text, flag: '--set certs.nameConstraints' }] }).warnings;
  t.match(warnings('off'), [/anyone with the key of the CA can impersonate any site/]);
  for (const kind of ['keep', 'full', 'dns']) t.strictSame(warnings(kind), []);
});

t.test('a contradiction with a default is told at what was set', async (t) => {
  const told = (text: string): string[] => {
    const file = join(t.testdir(), 'a.yaml');
    writeFileSync(file, text);
    try {
      loadConfig({ file });
    } catch (error) {
      if (!isTunneliteError(error, 'ERR_CONFIG_INVALID')) throw error;
      const found = error.details.problems as ConfigProblem[];
      return found.map(({ where, path }) => `${where.split('a.yaml').at(-1)} ${path}`);
    }
    return [];
  };
  t.same(told('gateway:\n  network: 10.20.0.0/24\n').slice(0, 2), [
    ':2:12 gateway.routesInclude[0]',
    ':2:12 gateway.dnsServers[0]',
  ]);
  t.same(told('gateway:\n  port: 8445\n'), [':2:9 admin.port']);
  t.same(
    told('gateway: { network: 10.20.0.0/24, dnsServers: [], routesInclude: [10.20.0.0/25] }\n')[0],
    ':1:67 gateway.routesInclude[0]',
  );
  t.same(told('gateway: { tls: { maxVersion: TLSv1.2 } }\n'), []);
});

t.test('one port of every address and of one of them is one port twice', async (t) => {
  const ports = (gateway: string, admin: string): string[] =>
    problems({ gateway: { host: gateway, port: 9000 }, admin: { host: admin, port: 9000 } }).map(
      ({ message }) => message,
    );
  t.same(ports('0.0.0.0', '127.0.0.1'), ['admin and gateway both use port 9000 of 127.0.0.1']);
  t.same(ports('127.0.0.1', '0.0.0.0'), ['admin and gateway both use port 9000 of 127.0.0.1']);
  t.same(ports('::', '127.0.0.1'), ['admin and gateway both use port 9000 of 127.0.0.1']);
  t.same(ports('0.0.0.0', '::1'), []);
  t.same(ports('127.0.0.1', '127.0.0.2'), []);
});
