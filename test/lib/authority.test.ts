import t from 'tap';
import { parseAuthority } from '../../src/lib/authority.ts';

t.test('host and port are read, in one spelling each', async (t) => {
  for (const [text, host, port] of [
    ['intranet.contoso.internal:443', 'intranet.contoso.internal', 443],
    ['INTRANET.Contoso.Internal.:443', 'intranet.contoso.internal', 443],
    ['intranet:1', 'intranet', 1],
    ['10.20.0.10:65535', '10.20.0.10', 65_535],
    ['[fd10:20::10]:443', 'fd10:20::10', 443],
    ['[FD10:20:0:0::0:10]:443', 'fd10:20::10', 443],
    ['[::1]:80', '::1', 80],
  ] as const) {
    t.strictSame(parseAuthority(text), { host, port }, text);
  }
});

t.test('anything else is refused, and the reason says what it is', async (t) => {
  for (const [text, problem] of [
    ['http://intranet.contoso.internal/', /is a URL/],
    ['https://intranet:443', /is a URL/],
    ['alice@intranet:443', /user name/],
    ['10.20.0.10@evil.example.com:443', /user name/],
    ['intranet', /not a host and a port/],
    ['intranet:', /not a host and a port/],
    ['intranet:0', /not a host and a port/],
    ['intranet:65536', /not a host and a port/],
    ['intranet:443x', /not a host and a port/],
    ['intranet:443/path', /not a host and a port/],
    ['intranet:80:443', /not a host and a port/],
    ['/CSCOSSLC/other', /not a host and a port/],
    ['*', /not a host and a port/],
    [':443', /no host name/],
    ['fd10:20::10:443', /not a host and a port/],
    ['[fd10::zz]:443', /not an IPv6 address/],
    ['[fe80::1%eth0]:443', /not an IPv6 address/],
    ['[10.20.0.10]:443', /not an IPv6 address/],
    ['2130706433:80', /programs interpret differently/],
    ['0x7f000001:80', /programs interpret differently/],
    ['0x7f.0.0.1:80', /programs interpret differently/],
    ['0177.0.0.1:80', /programs interpret differently/],
    ['127.1:80', /programs interpret differently/],
    ['010.020.000.010:80', /programs interpret differently/],
    ['10.20.0.256:80', /programs interpret differently/],
    ['[::ffff:10.20.0.10]:80', /is the IPv4 address 10\.20\.0\.10/],
    ['[::ffff:7f00:1]:80', /is the IPv4 address 127\.0\.0\.1/],
    ['[64:ff9b::7f00:1]:80', /is the IPv4 address 127\.0\.0\.1/],
    ['-x:80', /no host name/],
    ['a..b:80', /no host name/],
    [`${'a'.repeat(300)}:80`, /no host name/],
    ['пример:80', /no host name/],
    ['', /not a host and a port/],
  ] as const) {
    t.match(parseAuthority(text), { problem }, text);
  }
});
