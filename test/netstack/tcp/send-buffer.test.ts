import { Buffer } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { SendBuffer } from '../../../src/netstack/tcp/send-buffer.ts';

/* Bytes by sequence number, beside one long array of them. */

/** The byte at a position of the stream. */
const byteAt = (position: number): number => (position * 31 + (position >> 8)) & 0xff;

function bytes(from: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => byteAt(from + i)));
}

/** A buffer with the positions of the stream in place of sequence numbers, which begin shortly before they wrap. */
class Stream {
  readonly #isn: number;
  readonly buffer: SendBuffer;
  written = 0;
  released = 0;

  constructor(isn: number) {
    this.#isn = isn | 0;
    this.buffer = new SendBuffer(this.#isn);
  }

  write(length: number): void {
    this.buffer.push(bytes(this.written, length));
    this.written += length;
  }

  read(from: number, length: number): Buffer {
    const target = Buffer.alloc(length + 2, 0xee);
    this.buffer.copy((this.#isn + from) | 0, length, target, 1);
    return target;
  }

  release(to: number): void {
    this.buffer.release((this.#isn + to) | 0);
    this.released = Math.max(this.released, to);
  }

  get end(): number {
    return (this.buffer.end - this.#isn) >>> 0;
  }
}

/** What `read` should have brought: nothing before and behind the range is touched. */
const expected = (from: number, length: number): Buffer =>
  Buffer.concat([Buffer.from([0xee]), bytes(from, length), Buffer.from([0xee])]);

t.test('any range that is not released is read as it was written, in any order', async (t) => {
  for (const isn of [0, 0x7fff_f000, 0xffff_f000]) {
    const random = seededRandom(isn + 1);
    const below = (n: number): number => random.uint32() % n;
    const stream = new Stream(isn);
    let wrong = 0;
    let reads = 0;
    for (let step = 0; step < 3000; step++) {
      for (let i = below(4); i > 0; i--) stream.write(1 + below(40));
      const held = stream.written - stream.released;
      for (let i = 0; i < 3 && held > 0; i++) {
        const from = stream.released + below(held);
        const length = 1 + below(Math.min(200, stream.written - from));
        reads++;
        if (!stream.read(from, length).equals(expected(from, length))) wrong++;
      }
      // Often a little, sometimes nearly all, and at times everything.
      const part = [below(20), below(20), below(200), held][below(4)]!;
      if (below(3) > 0) stream.release(stream.released + Math.min(part, held));
      if (stream.end !== stream.written) wrong++;
    }
    t.ok(reads > 1000);
    t.equal(wrong, 0, `from ${isn}`);
  }
});

t.test('many small pieces that are read and released one by one, as a slow download does', async (t) => {
  const stream = new Stream(0xffff_ff00);
  for (let i = 0; i < 1000; i++) stream.write(3);
  for (let i = 0; i < 1000; i++) {
    const length = Math.min(6, stream.written - 3 * i);
    if (!stream.read(3 * i, length).equals(expected(3 * i, length))) t.fail(`piece ${i}`);
    stream.release(3 * i + 2);
    if (!stream.read(3 * i + 2, 1).equals(expected(3 * i + 2, 1))) t.fail(`the last byte of piece ${i}`);
    stream.release(3 * i + 3);
  }
  stream.write(5);
  t.strictSame(stream.read(3000, 5), expected(3000, 5), 'an empty buffer begins again');
});

t.test('a release that is repeated, or older, changes nothing', async (t) => {
  const stream = new Stream(10);
  for (let i = 0; i < 10; i++) stream.write(10);
  stream.release(55);
  stream.release(55);
  stream.release(20);
  t.strictSame(stream.read(50, 50), expected(50, 50));
  t.equal(stream.end, 100);
});

t.test('what was read before a release does not matter, however much is released at once', async (t) => {
  const wrong: string[] = [];
  for (const read of [0, 1, 62, 63, 64, 65, 100, 150, 198]) {
    for (const released of [1, 63, 64, 65, 99, 100, 101, 149, 150, 151, 199]) {
      const stream = new Stream(0xffff_ff00);
      for (let i = 0; i < 200; i++) stream.write(3);
      stream.read(3 * read, 4);
      stream.release(3 * released);
      for (const from of [released, Math.max(read, released), Math.max(read, released) + 1, released, 199]) {
        if (from > 199) continue;
        const length = 600 - 3 * from;
        if (!stream.read(3 * from, length).equals(expected(3 * from, length)))
          wrong.push(`${read} ${released} ${from}`);
      }
    }
  }
  t.strictSame(wrong, []);
});

t.test('pieces that are released are not kept, and no others are let go', async (t) => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const buffer = new SendBuffer(0);
  const pieces: WeakRef<Buffer>[] = [];
  const push = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const piece = Buffer.alloc(10);
      pieces.push(new WeakRef(piece));
      buffer.push(piece);
    }
  };
  const kept = async (): Promise<number> => {
    // References are strong until the end of the turn in which they were made.
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    return pieces.filter((piece) => piece.deref() !== undefined).length;
  };
  push(100);
  t.equal(await kept(), 100);
  for (const [seq, left] of [
    [9, 100],
    [10, 99],
    [11, 99],
    [305, 70],
    [990, 1],
    [999, 1],
    [1000, 0],
  ] as const) {
    buffer.release(seq);
    t.equal(await kept(), left, `up to ${seq}`);
  }
});
