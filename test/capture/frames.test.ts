import t from 'tap';
import { FrameHead, frameEnd, sameFamily, TcpFlag } from '../../src/capture/frames.ts';

/** The one's-complement sum of all 16-bit words: 0xffff where a checksum is right. */
function sum(...parts: Buffer[]): number {
  let total = 0;
  for (const part of parts) {
    const even = part.length & 1 ? Buffer.concat([part, Buffer.alloc(1)]) : part;
    for (let at = 0; at < even.length; at += 2) total += even.readUInt16BE(at);
  }
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

for (const [family, from, to, ip] of [
  ['IPv4', '192.0.2.7', '127.0.0.1', 20],
  ['IPv6', '2001:db8::7', '::1', 40],
] as const) {
  t.test(`headers over ${family} have right lengths and checksums, whatever the payload`, async (t) => {
    const head = new FrameHead();
    const ends = [frameEnd(from, 5000), frameEnd(to, 8443)] as const;
    for (const length of [0, 1, 2, 3, 1399, 1400, 65_000]) {
      const buffer = Buffer.alloc(length + 5);
      for (let i = 0; i < buffer.length; i++) buffer[i] = (i * 31 + length) & 0xff;
      const payload = { buffer, offset: 3, length };
      const data = buffer.subarray(3, 3 + length);
      for (const protocol of [6, 17]) {
        if (protocol === 17) head.udp(ends, payload);
        else head.tcp(ends, { sequence: 0xffff_ffff, acknowledged: 7, flags: TcpFlag.Ack }, payload);
        const header = head.bytes.subarray(ip, head.length);
        const pseudo = Buffer.alloc(6);
        pseudo.writeUInt16BE(protocol, 0);
        pseudo.writeUInt32BE(header.length + length, 2);
        t.equal(sum(ends[0].address, ends[1].address, pseudo, header, data), 0xffff, `${protocol}, ${length} bytes`);
        if (ip === 20) t.equal(sum(head.bytes.subarray(0, 20)), 0xffff);
        const total = ip === 20 ? head.bytes.readUInt16BE(2) : head.bytes.readUInt16BE(4) + 40;
        t.equal(total, head.length + length);
      }
    }
  });
}

t.test('ends of any spelling are read, and brought to one family', async (t) => {
  t.same(frameEnd('::ffff:192.0.2.7', 1).address, Buffer.from([192, 0, 2, 7]));
  t.equal(frameEnd('fe80::1%eth0', 1).address.length, 16);
  t.same(frameEnd(undefined, undefined), { address: Buffer.alloc(4), port: 0 });
  t.same(frameEnd('what', 1).address, Buffer.alloc(4));
  const [a, b] = sameFamily(frameEnd('192.0.2.7', 1), frameEnd('::1', 2));
  t.equal(a.address.toString('hex'), '00000000000000000000ffffc0000207');
  t.equal(b.address.length, 16);
});
