import t from 'tap';
import { countsAsUse, sourceOf } from '../../../src/gateway/session/packet-source.ts';
import { ipv4Packet } from '../../support/gateway.ts';

/* Packets are looked at where they lie in a larger buffer: bytes before and after them mean nothing. */

const OWN4 = { index: 2, text: '10.0.0.2', bytes: Buffer.from([10, 0, 0, 2]) };
const OWN6 = { index: 2, text: 'fd00::2', bytes: Buffer.from('fd000000000000000000000000000002', 'hex') };

function ipv6Packet(source: string, nextHeader = 17, length = 48): Buffer {
  const packet = Buffer.alloc(length);
  packet[0] = 0x60;
  packet[6] = nextHeader;
  packet.write(source, 8, 'hex');
  return packet;
}

/** The packet between bytes that would be another answer. */
const within = (packet: Buffer): [buffer: Buffer, offset: number, length: number] => [
  Buffer.concat([Buffer.alloc(64, 0x3a), packet, Buffer.alloc(64, 0x3a)]),
  64,
  packet.length,
];

t.test('ICMP, IGMP, ICMPv6 and multicast reports are no use of a tunnel, everything else is', async (t) => {
  const counts = (packet: Buffer): boolean => countsAsUse(...(within(packet).slice(0, 2) as [Buffer, number]));
  for (const [protocol, use] of [
    [1, false],
    [2, false],
    [6, true],
    [17, true],
  ] as const) {
    t.equal(counts(ipv4Packet('10.0.0.2', '10.0.0.1', 40, protocol)), use, `IPv4, protocol ${protocol}`);
  }
  for (const [header, use] of [
    [0, false],
    [58, false],
    [6, true],
    [17, true],
  ] as const) {
    t.equal(counts(ipv6Packet('fd00', header)), use, `IPv6, next header ${header}`);
  }
});

t.test('whose address a packet carries is told from the packet alone', async (t) => {
  const own = 'fd000000000000000000000000000002';
  const source = (packet: Buffer, own4?: typeof OWN4, own6?: typeof OWN6) => sourceOf(...within(packet), own4, own6);
  t.equal(source(ipv4Packet('10.0.0.2', '10.0.0.1', 20), OWN4, OWN6), 'own');
  t.equal(source(ipv4Packet('10.0.0.3', '10.0.0.1', 40), OWN4, OWN6), 'spoofed');
  t.equal(source(ipv4Packet('10.0.0.2', '10.0.0.1', 40), undefined, OWN6), 'spoofed', 'of a family that it has not');
  t.equal(source(ipv6Packet(own), OWN4, OWN6), 'own');
  t.equal(source(ipv6Packet(own, 17, 40), OWN4, OWN6), 'own', 'a header alone');
  t.equal(source(ipv6Packet('fd000000000000000000000000000003'), OWN4, OWN6), 'spoofed');
  t.equal(source(ipv6Packet(own), OWN4), 'spoofed');
  t.equal(source(ipv6Packet('fe80000000000000000000000000abcd'), OWN4, OWN6), 'strange', 'link-local');
  t.equal(source(ipv6Packet('fec0000000000000000000000000abcd'), OWN4, OWN6), 'spoofed', 'next to link-local');
  t.equal(source(ipv6Packet('00000000000000000000000000000000'), OWN4, OWN6), 'strange', 'unspecified');
});

t.test('what is too short for its header, or of another version, is no packet', async (t) => {
  for (const packet of [
    Buffer.alloc(0),
    ipv4Packet('10.0.0.2', '10.0.0.1', 20).subarray(0, 19),
    ipv6Packet('fd000000000000000000000000000002').subarray(0, 39),
    Buffer.alloc(40, 0x55),
  ]) {
    t.equal(sourceOf(...within(packet), OWN4, OWN6), 'malformed', `${packet.length} bytes`);
  }
});
