import t from 'tap';
import { checkCount } from '../../src/lib/count.ts';

t.test('a number of things is whole and not less than nothing, or what is less than that', async (t) => {
  for (const count of [0, 1, 16, Number.MAX_SAFE_INTEGER]) t.equal(checkCount('Times', count), count);
  for (const count of [Number.NaN, -1, 0.5, 1e300, Infinity, -Infinity, '3', null, undefined, {}, [2], 2n]) {
    const told = { code: 'ERR_COUNT_INVALID', message: /^Times must be a whole number of at least 0, not / };
    t.throws(() => checkCount('Times', count as number), told, String(count));
  }
  t.throws(() => checkCount('Times', 0, { least: 1 }), {
    message: 'Times must be a whole number of at least 1, not 0.',
  });
  t.equal(checkCount('Times', Infinity, { endless: true }), Infinity);
  t.throws(() => checkCount('Times', '\u001b[31m' as never), { message: /not \\u001b\[31m\.$/ });
});
