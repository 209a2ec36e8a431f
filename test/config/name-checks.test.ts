import { join } from 'node:path';
import t from 'tap';
import { type ConfigInput, type ConfigProblem, loadConfig } from '../../src/config/index.ts';
import { problems, warned } from '../support/config-problems.ts';

const api = { match: 'orders.contoso.internal' };
const byName = (input: ConfigInput, ...upstreams: { match: string }[]): ConfigProblem[] =>
  problems({ ...input, resources: { ...input.resources, upstreams: upstreams.length > 0 ? upstreams : [api] } });

t.test('rules by name need nothing else by default, in both families', async (t) => {
  t.same(byName({}), []);
  t.same(byName({ gateway: { ipv6Network: 'fd00:aaaa::/112', routesInclude: ['10.20.0.0/16', 'fd10:20::/64'] } }), []);
  t.same(byName({ gateway: { routesInclude: [] } }), []);
  t.same(warned({ 'resources.upstreams': [api, { match: '*.contoso.internal' }] }), []);
});

t.test('addresses of names have to go through the tunnel', async (t) => {
  t.match(byName({ gateway: { routesInclude: ['10.30.0.0/16'], dnsServers: ['10.30.0.53'] } }), [
    {
      path: 'resources.names.network',
      message: /10\.20\.240\.0\/20.*is not in gateway\.routesInclude/,
      hint: 'Add 10.20.240.0/20 to gateway.routesInclude, or choose a free part of an existing network.',
    },
  ]);
  t.same(byName({ gateway: { routesInclude: ['10.20.0.53/32', '10.20.240.0/21', '10.20.248.0/21'] } }), []);
  t.match(byName({ gateway: { routesInclude: ['10.20.0.0/17', '10.20.240.0/21'] } }), [
    { path: 'resources.names.network' },
  ]);
  t.match(byName({ gateway: { routesInclude: [], routesExclude: ['10.20.241.0/24'] } }), [
    { path: 'resources.names.network', message: /overlaps 10\.20\.241\.0\/24 in gateway\.routesExclude/ },
  ]);
  const gateway = { ipv6Network: 'fd00:aaaa::/112', routesInclude: ['10.20.0.0/16', 'fd77::/64'] };
  t.match(byName({ gateway }), [{ path: 'resources.names.ipv6Network', message: /IPv6 traffic/ }]);
  t.same(byName({ gateway, resources: { names: { ipv6Network: 'FD77:0::a:0/112' } } }), []);
  t.same(byName({ gateway, resources: { names: { ipv6Network: null } } }), []);
  t.same(
    byName({ gateway: { routesInclude: ['10.30.0.0/16'] } }, { match: '10.30.0.1' }),
    [],
    'without a name there is no need',
  );
  t.same(
    byName({ gateway: { routesInclude: ['10.20.0.0/24'] } }, { match: 'Tools.contoso.internal' }),
    [],
    'nor for a mock host',
  );
});

t.test('where the network is the default, the place is that of what it does not fit', async (t) => {
  const file = join(
    t.testdir({
      'tunnelite.yaml':
        'gateway:\n  routesInclude: [10.20.0.53/32]\nresources:\n  upstreams: [{ match: a.contoso.internal }]\n',
    }),
    'tunnelite.yaml',
  );
  t.throws(() => loadConfig({ file }), {
    message: /tunnelite\.yaml:2:18 .*resources\.names\.network: 10\.20\.240\.0\/20/,
  });
  t.throws(
    () =>
      loadConfig({
        file,
        flags: [{ key: 'resources.names.network', text: '10.20.99.0/24', flag: '--set resources.names.network' }],
      }),
    {
      message: /^--set resources\.names\.network/,
    },
  );
});

t.test('addresses of names are nobody else’s', async (t) => {
  const names = (network: string): ConfigInput => ({ resources: { names: { network } } });
  t.match(byName({ gateway: { routesInclude: [] }, ...names('169.254.3.0/24') }), [
    { message: /overlaps the clients’ pool 169\.254\.0\.0\/16/ },
  ]);
  t.match(byName(names('10.20.0.0/24')), [
    { message: /has the address 10\.20\.0\.10 of intranet\.contoso\.internal/ },
    { message: /has the DNS server 10\.20\.0\.53/ },
  ]);
  t.match(
    byName({
      gateway: { ipv6Network: 'fd00:aaaa::/112', routesInclude: [] },
      services: { hosts: [{ names: ['a.contoso.internal'], addresses: ['FD10:0020::A:00FF'] }] },
    }),
    [{ path: 'resources.names.ipv6Network', message: /has the address FD10:0020::A:00FF of a\.contoso\.internal/ }],
  );
  t.match(warned({ 'resources.upstreams': [{ match: '10.0.0.0/8' }, api] }), [
    /The upstream rule 10\.0\.0\.0\/8 does not apply to addresses in 10\.20\.240\.0\/20/,
  ]);
});

t.test('there is an address for each name', async (t) => {
  t.match(byName({ resources: { names: { network: null } } }), [
    {
      path: 'resources.names.network',
      message: /use names \(orders\.contoso\.internal\), but there are no addresses/,
      hint: /resources\.names\.network a network/,
    },
  ]);
  t.match(
    byName({
      gateway: { network: null, ipv6Network: 'fd00:aaaa::/112', routesInclude: [] },
      resources: { names: { ipv6Network: null } },
    }),
    [{ path: 'resources.names.ipv6Network' }],
  );
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ match: `n${i}.contoso.internal` }));
  const small = { resources: { names: { network: '10.20.240.0/29' } } };
  t.same(byName(small, ...many(6), { match: 'N0.contoso.internal' }), []);
  t.match(byName(small, ...many(7)), [{ message: /has 6 addresses, too few for the 7 names/ }]);
  t.match(byName(small, ...many(6), { match: '*.contoso.internal' }), [
    { message: /6 names of resources\.upstreams and those of wildcards/ },
  ]);
  t.match(byName({ resources: { names: { network: '10.20.240.0/31' } } }), [
    { message: /10\.20\.240\.0\/31, .* is too small for them/ },
  ]);
});

t.test('names that clients would ask for elsewhere are warned of', async (t) => {
  t.match(warned({ 'resources.upstreams': [{ match: '*.example.com' }, api] }), [
    /The upstream rule \*\.example\.com has names outside gateway\.splitDns.*Add example\.com to gateway\.splitDns/,
  ]);
  t.same(
    warned({ 'resources.upstreams': [{ match: 'a.Example.com' }], 'gateway.splitDns': 'contoso.internal,EXAMPLE.com' }),
    [],
  );
  t.same(warned({ 'resources.upstreams': [{ match: 'a.example.com' }], 'gateway.splitDns': '' }), []);
  t.match(warned({ 'resources.upstreams': [{ match: 'web' }] }), [
    /append a domain to short names: write web\.contoso\.internal, with to: \{ host: web \}/,
  ]);
  t.match(warned({ 'resources.upstreams': [{ match: 'web' }], 'gateway.defaultDomain': 'none' }), [
    /write a full name, with to/,
  ]);
  t.match(warned({ 'resources.upstreams': [api], 'gateway.dnsServers': '' }), [
    /gateway\.dnsServers is empty.*outside the tunnel/,
  ]);
});

t.test('a DNS server at which nothing answers is warned of', async (t) => {
  t.same(warned({ 'gateway.dnsServers': '10.20.7.53' }), [], 'the tunnel answers there');
  t.match(warned({ 'gateway.dnsServers': '10.30.0.53' }), [
    /10\.30\.0\.53 is in none of gateway\.routesInclude.*where this simulator does not answer\. Add 10\.30\.0\.53\/32/,
  ]);
  t.match(warned({ 'gateway.dnsServers': '10.20.0.53', 'gateway.routesExclude': '10.20.0.48/28' }), [
    /The DNS server 10\.20\.0\.53 is in 10\.20\.0\.48\/28 of gateway\.routesExclude/,
  ]);
  const hosts = [
    {
      names: ['odd.contoso.internal'],
      addresses: ['FD10:20::0:53', '10.20.0.53'],
      udp: { 53: 'echo' },
      tcp: { 53: 'dns' },
    },
  ];
  t.match(warned({ 'services.hosts': hosts }), [
    /10\.20\.0\.53 is odd\.contoso\.internal, which has the service echo on udp port 53, which does not answer DNS/,
  ]);
});

t.test('where an upstream leads to has no wildcard', async (t) => {
  const to = (host: string): ConfigProblem[] => problems({ resources: { upstreams: [{ ...api, to: { host } }] } });
  for (const host of ['api', 'my_api_1', 'host.docker.internal', '192.0.2.1', 'fe80::1%eth0'])
    t.same(to(host), [], host);
  for (const host of ['*.example.com', 'a..b', 'http://a', '10.0.0.0/8', ''])
    t.match(to(host), [{ path: 'resources.upstreams[0].to' }], host);
});
