import t from 'tap';
import { embeddedIpv4, specialUse } from '../../src/lib/special-address.ts';

for (const [address, use] of [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'loopback'],
  ['0.1.2.3', 'loopback'],
  ['::1', 'loopback'],
  ['::', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::FFFF:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['::ffff:169.254.1.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['64:ff9b::a9fe:a9fe', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['FD00:0EC2:0::0254', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['10.0.0.1', undefined],
  ['192.0.2.1', undefined],
  ['2001:db8::1', undefined],
  ['fd00::1', undefined],
  ['::ffff:192.0.2.1', undefined],
  // No addresses, though some resolvers take them for one: who asks has to see what they resolve to.
  ['2130706433', undefined],
  ['0x7f.1', undefined],
  ['0177.0.0.1', undefined],
  ['localhost', undefined],
  ['', undefined],
] as const) {
  t.equal(specialUse(address), use, address);
}

t.equal(embeddedIpv4('::ffff:10.20.0.10'), '10.20.0.10');
t.equal(embeddedIpv4('64:ff9b::a14:a'), '10.20.0.10');
t.equal(embeddedIpv4('::1'), undefined);
t.equal(embeddedIpv4('2001:db8::10.20.0.10'), undefined);
t.equal(embeddedIpv4('10.20.0.10'), undefined);
