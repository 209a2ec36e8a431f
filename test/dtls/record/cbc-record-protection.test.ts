import { createCipheriv, createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { cipherSuite } from '../../../src/dtls/protocol/cipher-suites.ts';
import { nodeRecordProtection } from '../../../src/dtls/record/node-record-protection.ts';
import type { RecordKeys } from '../../../src/dtls/record/record-protection.ts';

const suite = cipherSuite('TLS_PSK_WITH_AES_256_CBC_SHA');
const keys: RecordKeys = { key: Buffer.alloc(32, 1), iv: Buffer.alloc(0), mac: Buffer.alloc(20, 2) };
const sealer = nodeRecordProtection.createSealer(suite, keys)!;
const opener = nodeRecordProtection.createOpener(suite, keys)!;

function seal(text: Buffer, sequence = 5): Buffer {
  const out = Buffer.alloc(13 + suite.overhead + text.length);
  return out.subarray(0, sealer.seal(out, 0, 23, 1, sequence, text, 0, text.length));
}

/** The record as RFC 7366 §3 describes it, in the plainest way: padded as told, whether that is right or not. */
function reference(padded: Buffer, sequence = 5): Buffer {
  const iv = Buffer.alloc(16, 9);
  const cipher = createCipheriv('aes-256-cbc', keys.key, iv).setAutoPadding(false);
  const fragment = Buffer.concat([iv, cipher.update(padded), cipher.final()]);
  const number = Buffer.alloc(8);
  number.writeUInt16BE(1, 0);
  number.writeUIntBE(sequence, 2, 6);
  const head = Buffer.from([23, 0xfe, 0xfd]);
  const size = (length: number): Buffer => Buffer.from([length >> 8, length & 255]);
  const mac = createHmac('sha1', keys.mac!);
  mac.update(Buffer.concat([number, head, size(fragment.length), fragment]));
  return Buffer.concat([head, number, size(fragment.length + 20), fragment, mac.digest()]);
}

t.test('what is sealed opens again, whatever its length, and takes no more room than the suite says', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(2 ** 40), (bytes, sequence) => {
      const text = Buffer.from(bytes);
      const record = seal(text, sequence);
      const length = opener.open(record, 0, record.length - 13);
      return (
        record.length <= 13 + suite.overhead + text.length &&
        opener.plaintext.subarray(opener.plaintextOffset, opener.plaintextOffset + length).equals(text)
      );
    }),
    { numRuns: 200 },
  );
  const longest = seal(Buffer.alloc(16_384));
  t.equal(opener.open(longest, 0, longest.length - 13), 16_384);
  t.end();
});

t.test('it opens what others seal, with any padding that is right, and nothing else [RFC 5246 §6.2.3.2]', (t) => {
  const text = Buffer.from('hello');
  for (const padding of [10, 26, 250]) {
    const record = reference(Buffer.concat([text, Buffer.alloc(padding + 1, padding)]));
    t.equal(opener.open(record, 0, record.length - 13), 5, `padding of ${padding}`);
    t.equal(opener.plaintext.toString('latin1', 0, 5), 'hello');
  }
  const empty = reference(Buffer.alloc(16, 15));
  t.equal(opener.open(empty, 0, empty.length - 13), 0);
  const wrong = reference(Buffer.concat([text, Buffer.alloc(9, 1), Buffer.from([3, 10])]));
  t.equal(opener.open(wrong, 0, wrong.length - 13), -1, 'bytes of the padding differ');
  const beyond = reference(Buffer.alloc(16, 200));
  t.equal(opener.open(beyond, 0, beyond.length - 13), -1, 'more padding than there are bytes');
  t.end();
});

t.test('no changed or shortened record opens, and each has an IV of its own', (t) => {
  const record = seal(Buffer.from('some text of more than one block'));
  for (let i = 0; i < record.length; i++) {
    // The length in the header is the caller's business.
    if (i === 11 || i === 12) continue;
    const changed = Buffer.from(record);
    changed[i]! ^= 0x10;
    t.equal(opener.open(changed, 0, changed.length - 13), -1, `byte ${i}`);
  }
  for (let length = 0; length < record.length - 13; length++) t.equal(opener.open(record, 0, length), -1);
  t.notOk(record.equals(seal(Buffer.from('some text of more than one block'))));
  t.equal(opener.open(record, 0, record.length - 13), 32, 'the good one still opens');
  t.equal(opener.open(record.subarray(0, -1), 0, record.length - 13), -1, 'its last byte has not come');
  t.end();
});
