import { once } from 'node:events';
import t from 'tap';
import { joinStreams, PairedStream } from '../../src/lib/stream-pair.ts';

t.test('what one end sends the other reads, and each direction ends by itself', async (t) => {
  const [one, other] = PairedStream.pair();
  other.pipe(other);
  one.end('hello');
  const parts: Buffer[] = [];
  for await (const part of one) parts.push(part as Buffer);
  t.equal(Buffer.concat(parts).toString(), 'hello');
  t.equal(one.sent, 5);
});

t.test('streams that are joined end together, also where one was over before', async (t) => {
  for (const before of [false, true]) {
    const [near, joined] = PairedStream.pair();
    const [far, gone] = PairedStream.pair();
    for (const stream of [near, far, gone]) stream.on('error', () => {});
    const closed = once(near, 'close').catch(() => undefined);
    if (before) {
      gone.destroy();
      await once(gone, 'close');
    }
    joinStreams(joined, gone);
    if (!before) gone.destroy();
    await closed;
    t.ok(joined.destroyed, before ? 'before' : 'after');
  }
});
