import t from 'tap';
import { mergeClientHeaders, noClientHeaders } from '../../src/wire/cstp-headers.ts';

const merge = (...headers: [string, string][]) => mergeClientHeaders(noClientHeaders(), headers, 'CONNECT');

t.test('the headers of a stock CONNECT are understood', async (t) => {
  const secret = 'A1'.repeat(48);
  const seen = merge(
    ['user-agent', 'Open AnyConnect VPN Agent v9.01-3'],
    ['cookie', 'openconnect_strapkey=x=; webvpn=abc=; webvpncontext=def'],
    ['x-cstp-hostname', 'client1'],
    ['x-cstp-base-mtu', '1500'],
    ['x-cstp-mtu', '1390'],
    ['x-cstp-address-type', 'IPv6,IPv4'],
    ['x-cstp-full-ipv6-capability', 'true'],
    ['x-dtls-master-secret', secret],
    ['x-dtls-ciphersuite', 'PSK-NEGOTIATE:AES256-SHA'],
    ['x-dtls12-ciphersuite', 'AES128-GCM-SHA256'],
    ['x-cstp-accept-encoding', 'oc-lz4,lzs'],
  );
  t.match(seen, {
    webvpn: 'abc=',
    hostname: 'client1',
    baseMtu: 1500,
    mtu: 1390,
    wantsIpv4: true,
    wantsIpv6: true,
    fullIpv6: true,
    asksDtls: true,
    dtlsCiphers: ['PSK-NEGOTIATE', 'AES256-SHA'],
    dtls12Ciphers: ['AES128-GCM-SHA256'],
  });
  t.equal(seen.dtlsMasterSecret?.toString('hex').toUpperCase(), secret);
});

t.test('nonsense values are as if they had not come', async (t) => {
  t.match(merge(['x-cstp-base-mtu', '-5'], ['x-cstp-mtu', '1e9'], ['x-cstp-hostname', 'a.b'], ['cookie', 'webvpn']), {
    baseMtu: undefined,
    mtu: undefined,
    hostname: undefined,
    webvpn: undefined,
  });
  t.equal(merge(['x-dtls-master-secret', 'AB']).dtlsMasterSecret, undefined);
  t.equal(merge(['user-agent', 'a'.repeat(500)]).userAgent?.length, 63);
  t.match(merge(['constructor', 'x'], ['__proto__', 'y']), noClientHeaders());
});

t.test('what was said before holds, except for DTLS', async (t) => {
  const before = mergeClientHeaders(
    noClientHeaders(),
    [
      ['user-agent', 'MobileAccess iOS 1.1'],
      ['x-cstp-hostname', 'device-1'],
      ['x-dtls-ciphersuite', 'PSK-NEGOTIATE'],
    ],
    'POST',
  );
  t.equal(before.asksDtls, false);
  const after = mergeClientHeaders(before, [['x-cstp-base-mtu', '1400']], 'CONNECT');
  t.match(after, { userAgent: 'MobileAccess iOS 1.1', hostname: 'device-1', baseMtu: 1400, asksDtls: false });
});
