import t from 'tap';
import { inTurns, median, medianAndLeast, times, timesAndLeast } from '../../bench/lib/figures.ts';

t.test('a median is the middle one, or between the two in the middle', async (t) => {
  t.equal(median([9, 1, 5]), 5);
  t.equal(median([9, 1, 5, 6]), 5.5);
  t.equal(median([7]), 7);
  t.ok(Number.isNaN(median([])));
});

t.test('ratios are those of medians, and a dash where there is nothing to compare with', async (t) => {
  t.equal(times([2, 4, 300], [1, 2, 3]), '2.00 ×');
  t.equal(timesAndLeast([2, 4, 300], [1, 2, 3]), '2.00 × (2.00 × by the least)');
  t.equal(times([1], []), '–');
  t.equal(times([1], [0]), '–');
  t.equal(medianAndLeast([3, 1.234, 100]), '3.00 (least 1.23)');
});

t.test('in every other round the last comes first', async (t) => {
  const order: string[] = [];
  await inTurns(3, ['a', 'b', 'c'], async (one, round) => void order.push(`${one}${round}`));
  t.strictSame(order, ['a0', 'b0', 'c0', 'c1', 'b1', 'a1', 'a2', 'b2', 'c2']);
});
