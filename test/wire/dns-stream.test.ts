import fc from 'fast-check';
import t from 'tap';
import { DnsFramer, lengthOf } from '../../src/wire/dns-stream.ts';

t.test('messages come out whole, in whatever pieces they come (RFC 7766 §8)', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (messages, sizes) => {
        const bytes = Buffer.concat(messages.flatMap((message) => [lengthOf(Buffer.from(message)), message]));
        const framer = new DnsFramer(300);
        const out: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          if (!framer.push(bytes.subarray(at, at + size), (message) => out.push(message))) return false;
          at += size;
        }
        return out.length === messages.length && out.every((message, i) => message.equals(messages[i]!));
      },
    ),
  );
});

t.test('a message that is longer than allowed ends the stream, and an empty one is none', async (t) => {
  const none = (): void => {
    t.fail('no message');
  };
  t.notOk(new DnsFramer(300).push(Buffer.from([1, 45]), none));
  t.ok(new DnsFramer(300).push(Buffer.from([1, 44]), none));
  t.ok(new DnsFramer(300).push(Buffer.from([0, 0]), none));
});

t.test('pieces of one byte are copied once each', async (t) => {
  const framer = new DnsFramer(4096);
  let copied = 0;
  const whole = Buffer.concat([lengthOf(Buffer.alloc(4096)), Buffer.alloc(4096, 'q')]);
  for (const byte of whole) {
    const piece = Buffer.of(byte);
    const copy = piece.copy.bind(piece);
    piece.copy = (...args: Parameters<Buffer['copy']>) => {
      const taken = copy(...args);
      copied += taken;
      return taken;
    };
    framer.push(piece, () => {});
  }
  t.equal(copied, whole.length);
});
