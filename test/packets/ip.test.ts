import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { describeIcmp, type IcmpMessage, parseIcmp, serializeIcmp } from '../support/packets/icmp.ts';
import { describeIp, type IpPacket, IpProtocol, parseIp, serializeIp } from '../support/packets/ip.ts';
import { MalformedPacket } from '../support/packets/malformed.ts';
import {
  describeTcp,
  parseTcp,
  serializeTcp,
  TcpFlag,
  type TcpOption,
  type TcpSegment,
} from '../support/packets/tcp.ts';
import { describeUdp, parseUdp, serializeUdp, type UdpDatagram } from '../support/packets/udp.ts';

const RUNS = Math.min(100_000, Number(process.env.TUNNELITE_FUZZ ?? 500));
const hex = (...lines: string[]) =>
  Buffer.from(
    lines
      .map((line) => line.replace(/\/\/.*/, ''))
      .join('')
      .replaceAll(' ', ''),
    'hex',
  );

/** A SYN as Linux sends it through a TUN device. */
const SYN = hex(
  '45 00 00 3c', // IPv4, header of 20 bytes; no DSCP; 60 bytes in all
  '1c 46 40 00', // identification 7238; don't fragment
  '40 06 09 8d', // 64 hops; TCP; header checksum
  '0a 4d 00 01', // 10.77.0.1
  '0a 01 02 03', // to 10.1.2.3
  'dc f6 00 50', // port 56566 to 80
  '9a 3b 1c 01', // sequence 2587565057
  '00 00 00 00', // acknowledges nothing
  'a0 02 fb 28', // header of 40 bytes; SYN; window 64296
  '00 00 00 00', // checksum, filled in below; no urgent data
  '02 04 05 50', // MSS 1360
  '04 02', // SACK permitted
  '08 0a 5e 5b 1a 02 00 00 00 00', // timestamp 1583028738, echo 0
  '01', // no operation
  '03 03 07', // window scale 7
);

t.test('a SYN of Linux is read field by field, and written back byte by byte', async (t) => {
  const bytes = Buffer.from(SYN);
  const ip = parseIp(fixed(bytes));
  t.match(ip, {
    version: 4,
    source: '10.77.0.1',
    destination: '10.1.2.3',
    protocol: IpProtocol.Tcp,
    ttl: 64,
    identification: 7238,
    dontFragment: true,
  });
  t.notOk('fragment' in ip);
  const tcp = parseTcp(ip.payload, ip);
  t.match(tcp, {
    sourcePort: 56_566,
    destinationPort: 80,
    sequence: 2_587_565_057,
    flags: TcpFlag.Syn,
    window: 64_296,
  });
  t.same(tcp.options, [
    { name: 'mss', value: 1360 },
    { name: 'sackPermitted' },
    { name: 'timestamps', value: 1_583_028_738, echo: 0 },
    { name: 'nop' },
    { name: 'windowScale', shift: 7 },
  ]);
  t.same(serializeIp({ ...ip, payload: serializeTcp(tcp, ip) }), bytes);
  t.equal(describeIp(ip), 'IPv4 10.77.0.1 > 10.1.2.3 TCP, 40 bytes');
  t.equal(describeTcp(tcp), 'TCP 56566 > 80 SYN seq 2587565057 win 64296, 0 bytes');
});

t.test('a DNS query over IPv6 is read and written', async (t) => {
  const bytes = hex(
    '60 0a bc de', // IPv6, no traffic class, flow label abcde
    '00 10 11 40', // 16 bytes follow; UDP; 64 hops
    'fd 77 00 00 00 00 00 00 00 00 00 00 00 00 00 01', // fd77::1
    'fd 01 00 00 00 00 00 00 00 00 00 00 00 00 00 03', // fd01::3
    'c0 00 00 35 00 10 1b 99', // port 49152 to 53, 16 bytes, checksum
    '01 02 03 04 05 06 07 08',
  );
  const ip = parseIp(bytes);
  t.match(ip, { version: 6, source: 'fd77::1', destination: 'fd01::3', flowLabel: 0xabcde, ttl: 64 });
  const udp = parseUdp(ip.payload);
  t.match(udp, { sourcePort: 49_152, destinationPort: 53 });
  const again = serializeIp({ ...ip, payload: serializeUdp(udp, ip) });
  t.same(parseUdp(parseIp(again).payload, ip), udp, 'with a checksum that is right');
  t.same(again.subarray(0, 46), bytes.subarray(0, 46));
  t.equal(describeUdp(udp), 'UDP 49152 > 53, 8 bytes');
});

t.test('an echo request is read and written (RFC 792)', async (t) => {
  const bytes = hex(
    '08 00 e5 ca', // echo, code 0, checksum
    '12 34 00 01', // identifier 0x1234, sequence number 1
    '00 00', // data
  );
  const message = parseIcmp(4, bytes, { source: '10.0.0.1', destination: '10.0.0.2' });
  t.equal(message.rest, 0x1234_0001);
  t.same(serializeIcmp(message, { source: '10.0.0.1', destination: '10.0.0.2' }), bytes);
  t.equal(describeIcmp(message), 'ICMP Echo (8/0), id 4660 seq 1, 2 bytes');
});

t.test('IPv6 extension headers and the fragment header are told apart from the payload (RFC 8200 §4)', async (t) => {
  const bytes = hex(
    '60 00 00 00 00 1c 00 40', // 28 bytes follow; hop-by-hop options first
    'fd77 0000 0000 0000 0000 0000 0000 0001',
    'fd01 0000 0000 0000 0000 0000 0000 0003',
    '3c 00 01 04 00 00 00 00', // next: destination options; 8 bytes; PadN of 4
    '2c 00 01 04 00 00 00 00', // next: fragment
    '11 00 05 a9 de ad be ef', // next: UDP; offset 1448, more follow; identification
    '61 62 63 64',
  );
  const ip = parseIp(bytes);
  t.equal(ip.protocol, IpProtocol.Udp);
  t.same(ip.fragment, { offset: 1448, more: true, identification: 0xdeadbeef });
  t.equal(ip.payload.toString(), 'abcd');
  t.same(serializeIp(ip), bytes);
});

function fixed(bytes: Buffer): Buffer {
  // The transport checksum of the vector is made by what the other tests hold against the kernel and tshark.
  bytes.writeUInt16BE(0, 10);
  const plain = serializeIp({
    ...parseUnchecked(bytes),
    payload: serializeTcp(parseTcp(bytes.subarray(20)), { source: '10.77.0.1', destination: '10.1.2.3' }),
  });
  plain.copy(bytes);
  return bytes;
}

function parseUnchecked(bytes: Buffer): IpPacket {
  return {
    version: 4,
    source: '10.77.0.1',
    destination: '10.1.2.3',
    protocol: 6,
    ttl: bytes[8]!,
    identification: bytes.readUInt16BE(4),
    dontFragment: true,
    payload: bytes.subarray(20),
  };
}

const code = (run: () => unknown): string => {
  try {
    run();
    return 'no error';
  } catch (error) {
    return error instanceof MalformedPacket ? error.name : String(error);
  }
};

t.test('malformed packets are refused by their own error', async (t) => {
  const good = serializeIp({
    version: 4,
    source: '10.0.0.1',
    destination: '10.0.0.2',
    protocol: 17,
    payload: Buffer.alloc(8),
  });
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = value;
    return bytes;
  };
  const cases: [string, () => unknown][] = [
    ['nothing', () => parseIp(Buffer.alloc(0))],
    ['version 5', () => parseIp(changed(0, 0x55))],
    ['a header that is too short', () => parseIp(changed(0, 0x44))],
    ['a length beyond the end', () => parseIp(changed(3, 200))],
    ['a length within the header', () => parseIp(changed(3, 10))],
    ['a wrong header checksum', () => parseIp(changed(8, 1))],
    ['more than the limit', () => parseIp(good, 20)],
    ['half an IPv6 header', () => parseIp(Buffer.from([0x60, 0, 0, 0]))],
    ['half a TCP header', () => parseTcp(Buffer.alloc(19))],
    [
      'a TCP option without an end',
      () =>
        parseTcp(Buffer.concat([Buffer.alloc(12), Buffer.from([0x60]), Buffer.alloc(7), Buffer.from([2, 40, 0, 0])])),
    ],
    ['a UDP length beyond the end', () => parseUdp(Buffer.from([0, 1, 0, 2, 0, 9, 0, 0]))],
    ['half an ICMP message', () => parseIcmp(4, Buffer.alloc(7))],
    [
      'a name as address',
      () =>
        serializeIp({
          version: 4,
          source: 'localhost',
          destination: '10.0.0.2',
          protocol: 6,
          payload: Buffer.alloc(0),
        }),
    ],
    [
      'addresses of two families',
      () => serializeIp({ version: 4, source: '::1', destination: '10.0.0.2', protocol: 6, payload: Buffer.alloc(0) }),
    ],
    [
      'a payload above 64 KiB',
      () =>
        serializeIp({
          version: 4,
          source: '10.0.0.1',
          destination: '10.0.0.2',
          protocol: 6,
          payload: Buffer.alloc(65_516),
        }),
    ],
  ];
  for (const [name, run] of cases) t.equal(code(run), 'MalformedPacket', name);
});

const word = fc.nat(0xffff);
const long = fc.nat(0xffff_ffff);
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
const option: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant<TcpOption>({ name: 'nop' }),
  word.map<TcpOption>((value) => ({ name: 'mss', value })),
  fc.nat(14).map<TcpOption>((shift) => ({ name: 'windowScale', shift })),
  fc.constant<TcpOption>({ name: 'sackPermitted' }),
  fc.tuple(long, long).map<TcpOption>(([value, echo]) => ({ name: 'timestamps', value, echo })),
  fc.array(fc.tuple(long, long), { minLength: 1, maxLength: 2 }).map<TcpOption>((blocks) => ({ name: 'sack', blocks })),
  fc
    .tuple(fc.integer({ min: 9, max: 255 }), bytes(6))
    .map<TcpOption>(([kind, data]) => ({ name: 'unknown', kind, data })),
);
const ends4 = fc.record({ source: fc.ipV4(), destination: fc.ipV4() });
const ends = fc.oneof(ends4, fc.constant({ source: 'fd77::1', destination: 'fd01::3' }));

t.test('what is written is read back the same', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        ends,
        fc.record({
          sourcePort: word,
          destinationPort: word,
          sequence: long,
          acknowledgment: long,
          flags: fc.nat(255),
          window: word,
          payload: bytes(200),
        }),
        fc.array(option, { maxLength: 3 }),
        (addresses, fields, options) => {
          const segment: TcpSegment = options.length > 0 ? { ...fields, options } : fields;
          if (code(() => serializeTcp(segment, addresses)) !== 'no error') return true;
          return isDeepStrictEqual(parseTcp(serializeTcp(segment, addresses), addresses), { ...segment });
        },
      ),
      { numRuns: Math.min(RUNS, 2000) },
    ),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        ends,
        fc.record({ sourcePort: word, destinationPort: word, payload: bytes(200) }),
        (addresses, datagram: UdpDatagram) => {
          return isDeepStrictEqual(parseUdp(serializeUdp(datagram, addresses), addresses), { ...datagram });
        },
      ),
      { numRuns: Math.min(RUNS, 2000) },
    ),
  );
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom(4 as const, 6 as const),
          type: fc.nat(255),
          code: fc.nat(255),
          rest: long,
          body: bytes(100),
        }),
        (message: IcmpMessage) => {
          const addresses = { source: 'fd77::1', destination: 'fd01::3' };
          return isDeepStrictEqual(parseIcmp(message.version, serializeIcmp(message, addresses), addresses), {
            ...message,
          });
        },
      ),
      { numRuns: Math.min(RUNS, 2000) },
    ),
  );
});

t.test('any bytes are read or refused by the one error, and never touched', async (t) => {
  const start = fc.constantFrom(
    Buffer.from('45000024', 'hex'),
    Buffer.from('6000000000180040', 'hex'),
    Buffer.alloc(0),
  );
  let parsed = 0;
  fc.assert(
    fc.property(start, bytes(120), (head, tail) => {
      const input = Buffer.concat([head, tail]);
      const copy = Buffer.from(input);
      const outcomes = [
        code(() => parseIp(input)),
        code(() => parseTcp(input)),
        code(() => parseUdp(input)),
        code(() => parseIcmp(6, input)),
      ];
      parsed += outcomes.filter((outcome) => outcome === 'no error').length;
      return input.equals(copy) && outcomes.every((outcome) => outcome === 'no error' || outcome === 'MalformedPacket');
    }),
    { numRuns: RUNS },
  );
  t.ok(parsed > 0, 'some of them are packets');
});

t.test('a packet with one bit turned over is refused (RFC 1071 §1: no single bit escapes)', async (t) => {
  const packet: IpPacket = {
    version: 4,
    source: '10.0.0.1',
    destination: '10.0.0.2',
    protocol: 6,
    payload: Buffer.alloc(0),
  };
  const whole = serializeIp({
    ...packet,
    payload: serializeTcp(
      {
        sourcePort: 1,
        destinationPort: 2,
        sequence: 3,
        acknowledgment: 4,
        flags: TcpFlag.Ack,
        window: 5,
        payload: Buffer.from('some bytes'),
      },
      packet,
    ),
  });
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const harmed = Buffer.from(whole);
    harmed[bit >> 3]! ^= 1 << (bit & 7);
    t.equal(
      code(() => {
        const ip = parseIp(harmed);
        parseTcp(ip.payload, ip);
      }),
      'MalformedPacket',
      `bit ${bit}`,
    );
  }
});
