import t from 'tap';
import { directly, OrderedOffload } from '../../src/lib/offload.ts';

t.test('results are given out in the order in which their work was started', async (t) => {
  const offload = new OrderedOffload();
  const seen: string[] = [];
  const first = Promise.withResolvers<string>();
  const a = offload.run(() => first.promise).then((value) => seen.push(value));
  const b = offload.run(async () => 'b').then((value) => seen.push(value));
  const c = offload.run(() => Promise.reject(new Error('c'))).catch((error: Error) => seen.push(error.message));
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(offload.give(), 'the second is done, but not its turn');
  t.equal(offload.pending, 3);
  first.resolve('a');
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(seen, [], 'nothing is seen before it is given out');
  t.ok(offload.give());
  await a;
  t.strictSame(seen, ['a']);
  t.ok(offload.give());
  t.ok(offload.give());
  await Promise.all([b, c]);
  t.strictSame(seen, ['a', 'b', 'c']);
  t.equal(offload.pending, 0);
  t.notOk(offload.give());
});

t.test('without a world, work is done as it comes', async (t) => {
  t.equal(await directly.run(async () => 7), 7);
});
