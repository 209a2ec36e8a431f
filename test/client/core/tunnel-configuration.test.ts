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
    t.throws(() => parse('1279', 'fd00::1/64'), { code: 'ERR_CLIENT_PROTOCOL', message: /IPv6 needs 1280/ });
  },
);
