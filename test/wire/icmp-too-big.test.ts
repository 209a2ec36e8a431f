import t from 'tap';
import { tooBigMessage } from '../../src/wire/icmp-too-big.ts';
import { internetChecksum } from '../support/packets/checksum.ts';

const ROUTER = { 4: Buffer.from([10, 0, 0, 1]), 6: Buffer.from(`fd${'00'.repeat(14)}01`, 'hex') } as const;
const router = (version: 4 | 6): Buffer => ROUTER[version];

/** A packet of so many bytes with nothing in it but its addresses. */
function packet(version: 4 | 6, length: number, protocol = 17): Buffer {
  const bytes = Buffer.alloc(length, 0xab);
  if (version === 4) {
    bytes[0] = 0x45;
    bytes.writeUInt16BE(0x4000, 6);
    bytes[9] = protocol;
    bytes.set([10, 0, 0, 7], 12);
    bytes.set([10, 20, 0, 10], 16);
  } else {
    bytes[0] = 0x60;
    bytes[6] = protocol;
    for (let at = 8; at < 40; at++) bytes[at] = at;
  }
  return bytes;
}

t.test('the sender of an IPv4 packet is told that fragmentation is needed, and the MTU', async (t) => {
  const message = tooBigMessage(packet(4, 1400), 1300, router)!;
  t.equal(message.length, 576);
  t.equal(message.readUInt16BE(2), 576);
  t.strictSame([...message.subarray(12, 20)], [10, 0, 0, 1, 10, 0, 0, 7], 'from the router to the sender');
  t.strictSame([message[9], message[20], message[21], message.readUInt16BE(26)], [1, 3, 4, 1300]);
  t.equal(internetChecksum(message.subarray(0, 20)), 0);
  t.equal(internetChecksum(message.subarray(20)), 0);
  t.ok(message.subarray(28).equals(packet(4, 1400).subarray(0, 548)));
});

t.test('the sender of an IPv6 packet gets Packet Too Big', async (t) => {
  const message = tooBigMessage(packet(6, 1500), 1280, router)!;
  t.equal(message.length, 1280);
  t.equal(message.readUInt16BE(4), 1240, 'the length behind the header');
  t.ok(message.subarray(48).equals(packet(6, 1500).subarray(0, 1232)));
  t.strictSame([message[6], message[40], message[41], message.readUInt32BE(44)], [58, 2, 0, 1280]);
  t.ok(message.subarray(8, 24).equals(ROUTER[6]));
  t.ok(message.subarray(24, 40).equals(packet(6, 1500).subarray(8, 24)), 'to the sender');
  const pseudo = Buffer.concat([
    message.subarray(8, 40),
    Buffer.from([0, 0, 4, 216, 0, 0, 0, 58]),
    message.subarray(40),
  ]);
  t.equal(internetChecksum(pseudo), 0);
});

t.test('without an address of its own the router speaks as the host that was not reached', async (t) => {
  t.strictSame([...tooBigMessage(packet(4, 100), 50, () => undefined)!.subarray(12, 16)], [10, 20, 0, 10]);
});

t.test('nobody is told about errors, later fragments, and what is no packet', async (t) => {
  const error = packet(4, 100, 1);
  error[20] = 3;
  const echo = packet(4, 100, 1);
  echo[20] = 8;
  const fragment = packet(4, 100);
  fragment.writeUInt16BE(0x0001, 6);
  const error6 = packet(6, 100, 58);
  error6[40] = 1;
  for (const bytes of [error, fragment, error6, Buffer.alloc(0), Buffer.alloc(19, 0x45), Buffer.alloc(39, 0x60)]) {
    t.equal(tooBigMessage(bytes, 50, router), undefined);
  }
  const long = packet(4, 24);
  long[0] = 0x4f;
  t.equal(tooBigMessage(long, 20, router), undefined, 'a header that is longer than the packet');
  t.ok(tooBigMessage(echo, 50, router));
});

t.test('whom a message is about is judged to the byte', async (t) => {
  const told = (bytes: Buffer): boolean => tooBigMessage(bytes, 50, router) !== undefined;
  for (const [type, is] of [
    [127, false],
    [128, true],
    [129, true],
  ] as const) {
    const message = packet(6, 100, 58);
    message[40] = type;
    t.equal(told(message), is, `ICMPv6 type ${type}`);
  }
  const typed = packet(6, 41, 58);
  typed[40] = 128;
  t.equal(told(typed), true, 'of one byte');
  t.equal(told(packet(6, 40, 58)), false, 'a message without a type');
  t.equal(told(packet(6, 40)), true);
  t.equal(told(packet(4, 20)), true, 'nothing but a header');
  const options = packet(4, 24);
  options[0] = 0x46;
  t.equal(told(options), true, 'nothing but a header with options');
  const behind = packet(4, 28, 1);
  behind[0] = 0x46;
  behind[20] = 3;
  behind[24] = 8;
  t.equal(told(behind), true, 'the type stands behind the options');
  const bare = packet(4, 20, 1);
  t.equal(told(bare), false, 'a message without a type');
  const short = packet(4, 20);
  short[0] = 0x44;
  t.equal(told(short), false, 'a header that is too short');
});
