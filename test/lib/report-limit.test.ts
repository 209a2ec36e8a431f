import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { ReportLimit } from '../../src/lib/report-limit.ts';

t.test('five of a kind are told in ten seconds, and how many were not with the next one', async (t) => {
  const clock = new ManualClock();
  const reports = new ReportLimit(clock);
  const flood = (kind: string, count: number): (number | undefined)[] =>
    Array.from({ length: count }, () => reports.next(kind)).filter((withheld) => withheld !== undefined);
  t.strictSame(flood('a', 1000), [0, 0, 0, 0, 0]);
  t.strictSame(flood('b', 2), [0, 0], 'another kind has a window of its own');
  clock.advance(9_999);
  t.strictSame(flood('a', 5), []);
  clock.advance(1);
  t.strictSame(flood('a', 7), [1000, 0, 0, 0, 0]);
});
