import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  BlockKind,
  blockAt,
  PCAPNG_SNAP_LENGTH,
  packetBlockLength,
  pcapngHeader,
  pcapngInterface,
  pcapngPacket,
  pcapngSecrets,
  pcapngStatistics,
  writePacketBlock,
} from '../../src/wire/pcapng.ts';
import { skipUnless } from '../support/interop.ts';
import { run } from '../support/namespace.ts';
import { serializeIp } from '../support/packets/ip.ts';
import { serializeUdp } from '../support/packets/udp.ts';

const hex = (...lines: string[]) => Buffer.from(lines.join('').replaceAll(' ', ''), 'hex');

t.test('a file begins with a section header and one description for each interface', async (t) => {
  t.same(
    pcapngHeader('app', ['t0']),
    hex(
      '0a0d0d0a 28000000', // section header block of 40 bytes
      '4d3c2b1a 0100 0000', // byte order; version 1.0
      'ffffffffffffffff', // section of unknown length
      '0400 0300 61707000', // option shb_userappl: "app"
      '00000000 28000000', // end of options; length again
      '01000000 28000000', // interface description block of 40 bytes
      '6500 0000 27000100', // LINKTYPE_RAW; snap length 65 575
      '0200 0200 74300000', // option if_name: "t0"
      '0900 0100 06000000', // option if_tsresol: microseconds
      '00000000 28000000',
    ),
  );
});

t.test('a packet keeps its time, direction and comment', async (t) => {
  t.same(
    pcapngPacket({
      time: 1_700_000_000_000.001,
      bytes: Buffer.from('45000001', 'hex').subarray(0, 3),
      direction: 'out',
      comment: 'lost',
    }),
    hex(
      '06000000 38000000', // enhanced packet block of 56 bytes
      '00000000', // interface 0
      '240a0600 01401e18', // high and low half of 1 700 000 000 000 001 microseconds
      '03000000 03000000', // three bytes captured, three on the wire
      '45000000', // padded to four
      '0100 0400 6c6f7374', // option opt_comment: "lost"
      '0200 0400 02000000', // option epb_flags: outbound
      '00000000 38000000',
    ),
  );
});

t.test(
  'a block written in place is the same as one that is made, byte by byte, and nothing beside it is touched',
  async (t) => {
    const packet = Buffer.from('45000001020304050607', 'hex');
    for (const direction of ['in', 'out'] as const) {
      for (let headLength = 0; headLength <= 5; headLength++) {
        for (let length = 1; length <= 5; length++) {
          const head = packet.subarray(0, headLength);
          const bytes = packet.subarray(headLength, headLength + length);
          const rest = { interfaceId: 3, time: 1_700_000_000_000.001, direction } as const;
          const made = pcapngPacket({ ...rest, bytes: Buffer.concat([head, bytes]) });
          const size = packetBlockLength(headLength + length);
          t.equal(size, made.length);
          const target = Buffer.alloc(size + 14, 0xee);
          const block = { ...rest, head: packet, headLength, bytes: packet, offset: headLength, length };
          writePacketBlock(target, 7, block);
          t.same(target.subarray(7, 7 + size), made, `${headLength} and ${length} bytes, ${direction}`);
          t.same(target.subarray(0, 7), Buffer.alloc(7, 0xee));
          t.same(target.subarray(7 + size), Buffer.alloc(7, 0xee));
        }
      }
    }
  },
);

t.test('what is longer than the snap length is cut, and says so', async (t) => {
  const block = pcapngPacket({ time: 0, bytes: Buffer.alloc(70_000) });
  t.equal(block.readUInt32LE(20), PCAPNG_SNAP_LENGTH);
  t.equal(block.readUInt32LE(24), 70_000);
});

t.test(
  'tshark reads the file: packets, comments, directions, secrets',
  { skip: skipUnless({ programs: ['tshark'] }) },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tunnelite-pcapng-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'capture.pcapng');
    const ends = { source: 'fd77::1', destination: 'fd01::3' };
    const udp = serializeUdp({ sourcePort: 1000, destinationPort: 2000, payload: Buffer.from('hello') }, ends);
    const packet = serializeIp({ version: 6, ...ends, protocol: 17, payload: udp });
    writeFileSync(
      file,
      Buffer.concat([
        pcapngHeader('Tunnelite', ['tunnel', 'other'], 'a test'),
        pcapngSecrets(`CLIENT_RANDOM ${'ab'.repeat(32)} ${'cd'.repeat(48)}\n`),
        pcapngPacket({ time: 1_700_000_000_123.456, bytes: packet, direction: 'in', comment: 'duplicated by a fault' }),
        pcapngPacket({ time: 1_700_000_001_000, bytes: packet, direction: 'out', interfaceId: 1 }),
      ]),
    );
    const fields = [
      'frame.time_epoch',
      'ipv6.src',
      'udp.dstport',
      'udp.checksum.status',
      'frame.comment',
      'frame.packet_flags_direction',
      'frame.interface_name',
    ];
    const out = run('tshark', [
      '-r',
      file,
      '-o',
      'udp.check_checksum:TRUE',
      '-T',
      'fields',
      ...fields.flatMap((field) => ['-e', field]),
    ]);
    t.same(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')),
      [
        ['1700000000.123456000', 'fd77::1', '2000', '1', 'duplicated by a fault', '0x00000001', 'tunnel'],
        ['1700000001.000000000', 'fd77::1', '2000', '1', '', '0x00000002', 'other'],
      ],
    );
  },
);

t.test('a block tells its kind and its length, and what is none is refused', async (t) => {
  const at = (bytes: Buffer) => blockAt(Buffer.concat([Buffer.alloc(3), bytes]), 3);
  const head = (type: number, length: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(type, 0);
    bytes.writeUInt32LE(length, 4);
    return bytes;
  };
  const packet = pcapngPacket({ time: 0, bytes: Buffer.alloc(5) });
  t.strictSame(at(packet), { kind: BlockKind.Packet, length: packet.length });
  for (const block of [pcapngHeader('x', []), pcapngInterface('tunnel'), pcapngSecrets('x\n')])
    t.equal(at(block).kind, BlockKind.Preamble);
  t.strictSame(at(head(5, 12)), { kind: BlockKind.Other, length: 12 });
  t.equal(at(head(6, 1 << 24)).length, 1 << 24);
  for (const length of [0, 8, 13, 14, 15, (1 << 24) + 4]) t.throws(() => at(head(6, length)), RangeError, `${length}`);
});

t.test('a capture ends with how many packets came, and how many are missing', async (t) => {
  t.same(
    pcapngStatistics(2, { time: 1_700_000_000_000.001, received: 5_000_000_000, dropped: 7 }),
    hex(
      '05000000 34000000', // interface statistics block of 52 bytes
      '02000000', // interface 2
      '240a0600 01401e18',
      '0400 0800 00f2052a 01000000', // option isb_ifrecv
      '0500 0800 07000000 00000000', // option isb_ifdrop
      '0000 0000 34000000',
    ),
  );
});
