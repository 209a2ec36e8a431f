import t from 'tap';
import { parseNameServer } from '../../src/lib/name-server.ts';
import { problems, warned } from '../support/config-problems.ts';

const SPLIT = ['contoso.internal', 'corp.example'];

t.test('a name server is an address, with or without a port', async (t) => {
  for (const [text, expected] of [
    ['192.0.2.53', { host: '192.0.2.53', port: 53 }],
    ['192.0.2.53:5353', { host: '192.0.2.53', port: 5353 }],
    ['FD00:0::53', { host: 'fd00::53', port: 53 }],
    ['[fd00::53]', { host: 'fd00::53', port: 53 }],
    ['[fd00::53]:5353', { host: 'fd00::53', port: 5353 }],
  ] as const) {
    t.same(parseNameServer(text), expected, text);
  }
  for (const text of [
    '',
    'dns.example',
    'dns.example:53',
    '192.0.2.53:0',
    '192.0.2.53:65536',
    '192.0.2.53:53:53',
    '[192.0.2.53]:53',
    'fe80::1%eth0',
    '[fe80::1%eth0]:53',
    '2130706433',
    '0177.0.0.1',
    '127.1:53',
    'udp://192.0.2.53',
    '192.0.2.53 ',
    '__proto__',
  ]) {
    t.equal(parseNameServer(text), undefined, text);
    t.match(
      problems({ resources: { dns: { servers: [text] } } }),
      [{ path: 'resources.dns.servers[0]', expected: /an IP address, with a port/ }],
      text,
    );
  }
});

t.test('name servers that contradict something are refused or warned of', async (t) => {
  const servers = ['192.0.2.53'];
  const domains = ['corp.example'];
  t.same(warned({ 'resources.dns.servers': servers, 'gateway.splitDns': [] }), []);
  t.same(warned({ 'resources.dns.servers': servers, 'resources.dns.domains': domains, 'gateway.splitDns': SPLIT }), []);
  t.match(problems({ resources: { dns: { domains } } }), [
    { path: 'resources.dns.domains', message: /no name servers/, hint: /resources\.dns\.servers/ },
  ]);
  t.match(problems({ resources: { dns: { servers: ['192.0.2.53', '192.0.2.53:53'] } } }), [
    { path: 'resources.dns.servers[1]', message: /is repeated/ },
  ]);
  t.match(problems({ resources: { dns: { servers: Array.from({ length: 9 }, (_, i) => `192.0.2.${i + 1}`) } } }), [
    { path: 'resources.dns.servers' },
  ]);
  t.match(warned({ 'resources.dns.servers': servers }), [/follow gateway\.splitDns ask the tunnel only for contoso/]);
  t.match(warned({ 'resources.dns.servers': servers, 'resources.dns.domains': domains }), [
    /has corp\.example, which is outside gateway\.splitDns/,
  ]);
  t.match(warned({ 'resources.dns.servers': ['10.20.0.53'], 'gateway.splitDns': [] }), [/queries loop/]);
  t.match(warned({ 'resources.dns.servers': servers, 'gateway.splitDns': [], 'gateway.dnsServers': [] }), [
    /gateway\.dnsServers is empty/,
  ]);
});
