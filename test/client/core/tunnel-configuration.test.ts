import t from 'tap';
import { parseTunnelConfiguration } from '../../../src/client/core/tunnel-configuration.ts';
import { ResponseReader } from '../../../src/wire/http1/index.ts';

const connected = [
  'HTTP/1.1 200 CONNECTED',
  'X-CSTP-Version: 1',
  'X-CSTP-DPD: 90',
  'X-CSTP-Default-Domain: corp.example.com',
  'X-CSTP-Address: 192.168.77.72',
  'X-CSTP-Netmask: 255.255.255.0',
  'X-CSTP-Address-IP6: fda9:4efe:7e3b:1ba5:e1ae:7644:9dfb:872/128',
  'X-CSTP-DNS: 192.168.77.1',
  'X-CSTP-Split-Include: 192.168.77.0/255.255.255.0',
  'X-CSTP-Split-Include: 10.20.0.0/255.255.0.0',
  'X-CSTP-Idle-Timeout: none',
  'X-DTLS-Port: 4443',
  'X-DTLS-App-ID: f15b7f6f928d4cab75342770c996a545d398ca118f72625cf6c5a2b8d9c83282',
  'X-CSTP-MTU: 1434',
  '',
  '',
].join('\r\n');

t.test('the configuration of a real CONNECT answer is understood', async (t) => {
  const reader = new ResponseReader('CONNECT', { target: 255, head: 4096, headerCount: 64, body: 0 });
  reader.feed(Buffer.from(connected));
  const result = reader.next();
  if (!result || !('message' in result)) throw new Error('no answer');
  t.equal(result.message.text, 'CONNECTED');
  t.match(parseTunnelConfiguration(result.message.headers), {
    address4: '192.168.77.72',
    netmask4: '255.255.255.0',
    address6: 'fda9:4efe:7e3b:1ba5:e1ae:7644:9dfb:872',
    prefix6: 128,
    mtu: 1434,
    dnsServers: ['192.168.77.1'],
    routesInclude: ['192.168.77.0/255.255.255.0', '10.20.0.0/255.255.0.0'],
    dpd: 90,
    idleTimeout: 0,
    dtls: { port: 4443 },
  });
});

t.test('an answer without address or MTU makes no tunnel', async (t) => {
  t.throws(() => parseTunnelConfiguration([['x-cstp-mtu', '1400']]), {
    code: 'ERR_CLIENT_PROTOCOL',
    message: /address/,
  });
  t.throws(() => parseTunnelConfiguration([['x-cstp-address', '10.0.0.1']]), {
    code: 'ERR_CLIENT_PROTOCOL',
    message: /MTU/,
  });
});

t.test(
  'the MTU may be as small as IPv4 allows, and IPv6 goes without a tunnel that is too narrow for it',
  async (t) => {
    const parse = (mtu: string, ...addresses: string[]) =>
      parseTunnelConfiguration([
        ['x-cstp-mtu', mtu],
        ...addresses.map((address) => ['x-cstp-address', address] as const),
      ]);
    t.match(parse('68', '10.0.0.1'), { mtu: 68, address4: '10.0.0.1' });
    t.match(parse('16376', '10.0.0.1'), { mtu: 16_376 });
    for (const mtu of ['67', '16377', '0', '-5', '1e3', '1400 bytes', '']) {
      t.throws(() => parse(mtu, '10.0.0.1'), { code: 'ERR_CLIENT_PROTOCOL', message: /68 to 16376/ }, mtu);
    }
    t.match(parse('1280', '10.0.0.1', 'fd00::1/64'), { address4: '10.0.0.1', address6: 'fd00::1', prefix6: 64 });
    t.match(parse('1279', '10.0.0.1', 'fd00::1/64'), { address4: '10.0.0.1', address6: undefined, prefix6: undefined });
    t.match(parse('1280', 'fd00::1/64'), { address4: undefined, address6: 'fd00::1' });
    t.throws(() => parse('1279', 'fd00::1/64'), { code: 'ERR_CLIENT_PROTOCOL', message: /IPv6 requires 1280/ });
  },
);

t.test('what an answer leaves out, or writes otherwise, is off', async (t) => {
  const least = [
    ['x-cstp-mtu', '1400'],
    ['x-cstp-address', '10.0.0.1'],
  ] as const;
  const parse = (...lines: (readonly [string, string])[]) => parseTunnelConfiguration([...least, ...lines]);
  t.strictSame(parse(), {
    address4: '10.0.0.1',
    netmask4: undefined,
    address6: undefined,
    prefix6: undefined,
    mtu: 1400,
    baseMtu: undefined,
    dnsServers: [],
    defaultDomain: undefined,
    splitDns: [],
    routesInclude: [],
    routesExclude: [],
    dpd: 0,
    keepalive: 0,
    idleTimeout: 0,
    sessionTimeout: 0,
    rekeyTime: 0,
    rekeyMethod: undefined,
    banner: undefined,
    proxyPac: undefined,
    dtls: undefined,
  });
  for (const [method, read] of [
    ['ssl', 'ssl'],
    ['new-tunnel', 'new-tunnel'],
    ['none', undefined],
  ] as const) {
    t.equal(parse(['x-cstp-rekey-method', method]).rekeyMethod, read, method);
  }
  for (const [url, read] of [
    ['http://pac.contoso.internal/p', 'http://pac.contoso.internal/p'],
    ['https://pac.contoso.internal/p', 'https://pac.contoso.internal/p'],
    ['file:///etc/passwd', undefined],
    ['pac.contoso.internal', undefined],
  ] as const) {
    t.equal(parse(['x-cstp-msie-proxy-pac-url', url]).proxyPac, read, url);
  }
  for (const [prefix, read] of [
    ['/48', 48],
    ['/128', 128],
    ['/129', 128],
    ['/x', 128],
    ['', 128],
  ] as const) {
    t.match(parse(['x-cstp-address-ip6', `fd00::1${prefix}`]), { address6: 'fd00::1', prefix6: read }, prefix);
  }
});

t.test('an offer of DTLS names the newer suite if there are two [§5.2]', async (t) => {
  const offer = (...lines: (readonly [string, string])[]) =>
    parseTunnelConfiguration([['x-cstp-mtu', '1400'], ['x-cstp-address', '10.0.0.1'], ['x-dtls-port', '443'], ...lines])
      .dtls;
  const [old, newer] = [
    ['x-dtls-ciphersuite', 'AES128-SHA'],
    ['x-dtls12-ciphersuite', 'AES256-GCM-SHA384'],
  ] as const;
  t.match(offer(old, newer), { port: 443, cipher: 'AES256-GCM-SHA384', dpd: 0, keepalive: 0 });
  t.match(offer(old), { cipher: 'AES128-SHA' });
  t.match(offer(newer), { cipher: 'AES256-GCM-SHA384' });
  t.match(offer(), { cipher: undefined });
  for (const port of ['0', '65536', 'x']) {
    const lines = [
      ...[
        ['x-cstp-mtu', '1400'],
        ['x-cstp-address', '10.0.0.1'],
      ],
      ['x-dtls-port', port],
    ] as [string, string][];
    t.equal(parseTunnelConfiguration(lines).dtls, undefined, port);
  }
});
