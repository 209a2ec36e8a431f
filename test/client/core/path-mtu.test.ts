import fc from 'fast-check';
import t from 'tap';
import { PathMtu } from '../../../src/client/core/path-mtu.ts';

/** Searches over a path that lets so much through. How many packets it took. */
function search(mtu: PathMtu, path: number): number {
  let now = 0;
  let sent = 0;
  while (!mtu.done) {
    const size = mtu.next(now);
    if (size > 0) {
      sent++;
      if (size <= path) mtu.passed(size);
    }
    now = Math.max(now, Math.min(mtu.deadline, now + 1e6));
    if (sent > 200) throw new Error('the search does not end');
  }
  return sent;
}

t.test('a path that lets everything through is known after one packet', async (t) => {
  const mtu = new PathMtu(576, 1434);
  t.equal(mtu.value, 576, 'nothing larger was shown to pass');
  t.equal(search(mtu, 1434), 1);
  t.equal(mtu.value, 1434);
});

t.test('what lets less through is found nearly to the byte, and never taken for more than it is', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 576, max: 1500 }), fc.integer({ min: 577, max: 1500 }), (path, most) => {
      const mtu = new PathMtu(576, most);
      search(mtu, path);
      return mtu.value <= Math.max(576, path) && mtu.value > Math.min(path, most) - 9;
    }),
    { examples: [[576, 577]] },
  );
});

t.test('what is too near to be looked for is not taken for passing', async (t) => {
  t.equal(new PathMtu(576, 577).value, 576);
});

t.test('where nothing is answered, the smallest size is left', async (t) => {
  const mtu = new PathMtu(576, 1434);
  search(mtu, 0);
  t.equal(mtu.value, 576);
});

t.test('a late answer to a larger packet counts, and one that was never asked for does not', async (t) => {
  const mtu = new PathMtu(576, 1434);
  mtu.passed(9000);
  mtu.passed(100);
  t.equal(mtu.next(0), 1434);
  t.notOk(mtu.done);
  mtu.passed(1434);
  t.ok(mtu.done);
});

t.test('a size is tried three times, half a second apart, before it counts as too large', async (t) => {
  const mtu = new PathMtu(576, 1434);
  for (const now of [0, 500, 1000]) {
    t.equal(mtu.next(now), 1434, `after ${now} ms`);
    t.equal(mtu.next(now + 499), 0);
    t.equal(mtu.deadline, now + 500);
  }
  t.equal(mtu.next(1500), 1005, 'half way to what passes');
});
