import t from 'tap';
import { ByteReader } from '../../../src/dtls/protocol/byte-reader.ts';

const BYTES = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]);

t.test('fields are read one after the other, and no further than the end that was given', async (t) => {
  const reader = new ByteReader(BYTES, 1, 7);
  t.equal(reader.remaining, 6);
  t.equal(reader.uint(1), 1);
  t.equal(reader.uint(2), 0x0203);
  t.strictSame(reader.bytes(2), Buffer.from([4, 5]));
  t.equal(reader.complete, false, 'one byte is left');
  t.equal(reader.uint(1), 6);
  t.equal(reader.complete, true);
  t.equal(reader.uint(1), 0, 'though the buffer goes on');
  t.equal(reader.failed, true);
});

t.test('after a field that does not fit, everything reads as zero or empty', async (t) => {
  for (const fail of [
    (reader: ByteReader) => void reader.bytes(9),
    (reader: ByteReader) => {
      reader.bytes(6);
      reader.uint(3);
    },
    // A vector longer than allowed: its length is 1.
    (reader: ByteReader) => void reader.vector(2, 0),
    // Numbers of an odd number of bytes.
    (reader: ByteReader) => void reader.numbers(2),
  ]) {
    const reader = new ByteReader(BYTES);
    fail(reader);
    t.equal(reader.failed, true);
    t.equal(reader.uint(1), 0);
    t.equal(reader.bytes(1).length, 0);
    t.equal(reader.vector(1).length, 0);
    t.strictSame(reader.numbers(1), []);
    t.equal(reader.complete, false);
  }
});

t.test('a vector has its length before it, in bytes', async (t) => {
  t.strictSame(new ByteReader(Buffer.from([2, 8, 9, 7])).vector(1), Buffer.from([8, 9]));
  t.strictSame(new ByteReader(Buffer.from([0, 2, 8, 9])).vector(2, 2), Buffer.from([8, 9]));
  t.strictSame(new ByteReader(Buffer.from([0, 0, 1, 8])).vector(3), Buffer.from([8]));
  t.strictSame(new ByteReader(Buffer.from([4, 0, 1, 2, 3])).numbers(1), [1, 0x0203]);
});
