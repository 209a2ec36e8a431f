import t from 'tap';
import { Buckets, Series, word } from '../../src/metrics/series.ts';

t.test('a label has values of ours only, and an end to their number', async (t) => {
  for (const hostile of ['a"b', 'a\nb 1', '', '__proto__', 'x'.repeat(41), 'Ünicode', '{}', ' ']) {
    t.equal(word(hostile), 'other', JSON.stringify(hostile));
  }
  t.equal(word('session-timeout'), 'session-timeout');
  const series = new Series(['reason'], [['user']]);
  for (let i = 0; i < 10_000; i++) series.add([`r${i}`]);
  const values = [...series.values()];
  t.ok(values.length <= 101, `${values.length} series`);
  t.equal(
    values.reduce((sum, { value }) => sum + value, 0),
    10_000,
    'none is lost',
  );
  t.ok((values.find(({ labels }) => labels.reason === 'other')?.value ?? 0) >= 9_900);
  t.match(values[0], { labels: { reason: 'user' }, value: 0 }, 'what is there from the start begins at zero');
});

t.test('a histogram counts each value in all buckets that it fits', async (t) => {
  const buckets = new Buckets([1, 5, 10]);
  for (const value of [0.5, 1, 4, 11, Number.NaN, Infinity, -Infinity]) buckets.observe(value);
  t.strictSame([...buckets.counts], [2, 3, 3]);
  t.equal(buckets.count, 4, 'what is no number is not counted');
  t.equal(buckets.sum, 16.5);
});
