import t from 'tap';
import { allEnded } from '../../src/lib/all-ended.ts';

t.test('the results of all, in their order', async (t) => {
  const [one, two] = await allEnded([Promise.resolve(1), 'two']);
  t.same([one, two], [1, 'two']);
  t.same(await allEnded([]), []);
});

t.test('a failure is told when the others have ended too', async (t) => {
  const slow = Promise.withResolvers<void>();
  let over = false;
  const all = allEnded([Promise.reject(new Error('first')), slow.promise, Promise.reject(new Error('second'))]);
  all.catch(() => {
    over = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(over);
  slow.resolve();
  await t.rejects(all, { message: 'first' });
});
