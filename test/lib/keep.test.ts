import t from 'tap';
import { keep } from '../../src/lib/keep.ts';

t.test('what is kept is a copy that shares memory with what is kept, and with nothing else', async (t) => {
  const source = Buffer.from([1, 2, 3, 4]);
  const kept = keep(source);
  const next = keep(source);
  source.fill(0);
  t.strictSame([...kept], [1, 2, 3, 4]);
  t.equal(next.buffer, kept.buffer);
  t.not(kept.buffer, Buffer.from([1, 2, 3, 4]).buffer, 'the pool for Buffers of all kinds is another one');
  kept.fill(9);
  t.strictSame([...next], [1, 2, 3, 4], 'neighbours do not overlap');
});

t.test('memory goes on when it is used up, and much is kept alone', async (t) => {
  const memory = new Set<ArrayBufferLike>();
  for (let i = 0; i < 5000; i++) {
    const kept = keep(Buffer.alloc(16, i));
    memory.add(kept.buffer);
    if (!kept.equals(Buffer.alloc(16, i))) t.fail(`copy ${i} is another one`);
  }
  t.ok(memory.size >= 4 && memory.size <= 7, `${memory.size} pieces for 80,000 bytes`);
  const large = keep(Buffer.alloc(20_000, 5));
  t.ok(large.equals(Buffer.alloc(20_000, 5)));
  t.notOk(memory.has(large.buffer));
  t.equal(keep(Buffer.alloc(0)).length, 0);
});
