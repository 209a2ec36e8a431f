import fc from 'fast-check';
import t from 'tap';
import { ResponseReader } from '../../src/client/response-reader.ts';
import { parseTunnelConfiguration } from '../../src/client/tunnel-configuration.ts';

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

t.test('an answer is read whatever the boundaries, and the bytes after it are given back', async () => {
  const bytes = Buffer.from(`${connected}STF\x01`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const reader = new ResponseReader({ bodyless: true });
      const complete = bytes.length - 4;
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const next = Math.min(bytes.length, at + sizes[i % sizes.length]!);
        const result = reader.push(bytes.subarray(at, next));
        if (result) return next >= complete && result.rest.equals(bytes.subarray(complete, next));
        at = next;
      }
      return false;
    }),
  );
});

t.test('the configuration of a real CONNECT answer is understood', async (t) => {
  const { response } = new ResponseReader({ bodyless: true }).push(Buffer.from(connected))!;
  t.equal(response.statusText, 'CONNECTED');
  t.match(parseTunnelConfiguration(response.headers), {
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

t.test('a body is waited for and cut at its length', async (t) => {
  const reader = new ResponseReader({ bodyless: false });
  t.notOk(reader.push(Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nab')));
  const { response, rest } = reader.push(Buffer.from('cdeXY'))!;
  t.equal(response.body.toString(), 'abcde');
  t.equal(rest.toString(), 'XY');
});

for (const [name, text] of [
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
  ['a length beyond the limit', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n'],
  ['headers without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(200_000)}`],
] as const) {
  t.test(`${name} is a protocol error with a code`, async (t) => {
    t.throws(() => new ResponseReader({ bodyless: false }).push(Buffer.from(text)), { code: 'ERR_CLIENT_PROTOCOL' });
  });
}

t.test('an answer without address or MTU makes no tunnel', async (t) => {
  t.throws(() => parseTunnelConfiguration(new Map([['x-cstp-mtu', ['1400']]])), {
    code: 'ERR_CLIENT_PROTOCOL',
    message: /address/,
  });
  t.throws(() => parseTunnelConfiguration(new Map([['x-cstp-address', ['10.0.0.1']]])), {
    code: 'ERR_CLIENT_PROTOCOL',
    message: /MTU/,
  });
});
