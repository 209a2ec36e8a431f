import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { createNetstack } from '../../../src/netstack/index.ts';
import { ipPacket, udpDatagram } from '../../support/ip-packets.ts';

const ENDS = {
  4: { source: '169.254.0.2', destination: '10.20.0.10' },
  6: { source: 'fd00::2', destination: 'fd20::10' },
} as const;

/** A good datagram, in a packet without options. */
function good(family: 4 | 6): Buffer {
  const ends = ENDS[family];
  const payload = udpDatagram({ ...ends, sourcePort: 4000, destinationPort: 5000, payload: Buffer.from('x') });
  return ipPacket({ ...ends, protocol: 17, payload });
}

/** Sets the checksum of an IPv4 header right again. */
function summed(packet: Buffer): Buffer {
  packet.writeUInt16BE(0, 10);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  return packet;
}

/** What becomes of a packet: `delivered`, or the counter that tells why it was dropped. */
function fate(packet: Buffer, length = packet.length): string {
  let delivered = false;
  const stack = createNetstack({
    output: () => {},
    random: seededRandom(1),
    now: 0,
    onUdp: (request) =>
      void request.accept(() => {
        delivered = true;
      }),
  });
  // More bytes than the packet has, as in a buffer that is used again.
  stack.input(Buffer.concat([Buffer.alloc(3), packet, Buffer.alloc(60)]), 3, length);
  const drops = Object.entries(stack.stats()).filter(([name, count]) => name.startsWith('drop') && count > 0);
  return delivered ? 'delivered' : drops.map(([name, count]) => `${name} ${count}`).join();
}

const changed = (family: 4 | 6, change: (packet: Buffer) => void): Buffer => {
  const packet = good(family);
  change(packet);
  return family === 4 ? summed(packet) : packet;
};

t.test('a good packet is delivered, also with bytes behind it', async (t) => {
  for (const family of [4, 6] as const) {
    t.equal(fate(good(family)), 'delivered');
    t.equal(fate(good(family), good(family).length + 7), 'delivered', 'padding of a link');
  }
});

t.test('a packet that is too short for its header, or says that its header is, is counted as that', async (t) => {
  t.equal(fate(good(4), 19), 'dropBadHeader 1');
  t.equal(fate(good(6), 39), 'dropBadHeader 1');
  t.equal(fate(changed(4, (packet) => packet.writeUInt8(0x44, 0))), 'dropBadHeader 1');
  t.equal(fate(good(4), 0), 'dropBadVersion 1');
  t.equal(fate(changed(4, (packet) => packet.writeUInt8(0x55, 0))), 'dropBadVersion 1');
});

t.test('a packet that is cut off is counted as that', async (t) => {
  for (const family of [4, 6] as const) t.equal(fate(good(family), good(family).length - 1), 'dropTruncated 1');
  t.equal(fate(changed(4, (packet) => packet.writeUInt16BE(19, 2))), 'dropTruncated 1', 'shorter than its header');
});

t.test('a header with a wrong checksum is counted as that', async (t) => {
  const packet = good(4);
  packet[8]! ^= 1;
  t.equal(fate(packet), 'dropHeaderChecksum 1');
});

t.test('groups and nobody are no ends of a packet', async (t) => {
  const addressed = (family: 4 | 6, at: number, bytes: readonly number[]) =>
    fate(changed(family, (packet) => packet.set(bytes, at)));
  for (const at of [12, 16]) {
    t.equal(addressed(4, at, [224, 0, 0, 0]), 'dropBadAddress 1');
    t.equal(addressed(4, at, [0, 0, 0, 0]), 'dropBadAddress 1');
    t.not(addressed(4, at, [223, 255, 255, 255]), 'dropBadAddress 1', 'the last that is none');
  }
  t.equal(addressed(4, 12, [0, 1, 2, 3]), 'dropBadAddress 1', '“this network” is no source');
  for (const at of [8, 24]) {
    t.equal(addressed(6, at, [0xff]), 'dropBadAddress 1');
    t.equal(addressed(6, at, Array(16).fill(0)), 'dropBadAddress 1');
    for (const one of [0, 4, 8, 12]) {
      const bytes = Array(16).fill(0);
      bytes[one + 3] = 1;
      t.not(addressed(6, at, bytes), 'dropBadAddress 1', `a one in word ${one / 4}`);
    }
  }
});

t.test('a chain of headers that leads nowhere is counted as that', async (t) => {
  t.equal(fate(changed(6, (packet) => packet.writeUInt8(59, 6))), 'dropNoNextHeader 1');
});
