import t from 'tap';
import { addressBytes } from '../../../src/lib/ip-address.ts';
import { firstAddress, PingCodec } from '../../../src/load/engine/ping.ts';
import { internetChecksum } from '../../support/packets/checksum.ts';

const SOURCE = addressBytes('10.0.0.2')!;
const TARGET = addressBytes('10.0.0.1')!;

/** What a host makes of a request. */
function answerTo(codec: PingCodec): Buffer {
  const packet = Buffer.from(codec.buffer.subarray(codec.offset, codec.offset + codec.size));
  packet[20] = 0;
  return packet;
}

t.test('a request is a packet with good checksums, and its answer is known again', async (t) => {
  const codec = new PingCodec(84, 8, 0xdead_beef);
  codec.write(SOURCE, TARGET, 70_000, 123_456);
  const packet = codec.buffer.subarray(codec.offset, codec.offset + codec.size);
  t.equal(packet.length, 84);
  t.equal(packet.readUInt16BE(2), 84);
  t.equal(internetChecksum(packet.subarray(0, 20)), 0);
  t.equal(internetChecksum(packet.subarray(20)), 0);
  t.strictSame(codec.read(answerTo(codec), 0, 84), { client: 70_000, request: 123_456 });
});

t.test('nothing else is taken for an answer, whatever it is', async (t) => {
  const codec = new PingCodec(84, 8, 1);
  codec.write(SOURCE, TARGET, 1, 2);
  const packet = codec.buffer.subarray(codec.offset, codec.offset + codec.size);
  t.equal(codec.read(packet, 0, 84), undefined, 'the request itself');
  t.equal(new PingCodec(84, 8, 2).read(answerTo(codec), 0, 84), undefined, 'of another run');
  for (const change of [
    (bytes: Buffer) => bytes.fill(0x60, 0, 1),
    (bytes: Buffer) => bytes.fill(17, 9, 10),
    (bytes: Buffer) => bytes.fill(0x4f, 0, 1),
  ]) {
    const bytes = answerTo(codec);
    change(bytes);
    t.doesNotThrow(() => codec.read(bytes, 0, 84));
    t.equal(codec.read(bytes, 0, 84), undefined);
  }
  for (let length = 0; length < 40; length++) t.equal(codec.read(answerTo(codec), 0, length), undefined);
});

t.test('a small size is made large enough', async (t) => {
  t.equal(new PingCodec(1, 8, 1).size, 40);
});

t.test('the first address of a network is that of the gateway', async (t) => {
  t.strictSame(firstAddress('192.168.177.77', '255.255.255.0'), addressBytes('192.168.177.1'));
  t.strictSame(firstAddress('169.254.9.2', '255.255.0.0'), addressBytes('169.254.0.1'));
  t.strictSame(firstAddress('255.255.255.255', '255.255.255.0'), addressBytes('255.255.255.1'));
  t.equal(firstAddress('fd00::1', '255.255.0.0'), undefined);
  t.equal(firstAddress('nonsense', '255.255.0.0'), undefined);
});
