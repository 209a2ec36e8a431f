import t from 'tap';
import { TimeHistogram } from '../../../src/load/index.ts';
import { Causes, Tally } from '../../../src/load/result/tally.ts';

t.test('percentiles are told apart, within three digits', async (t) => {
  const histogram = new TimeHistogram();
  for (let n = 1; n <= 1000; n++) histogram.record(n);
  const result = histogram.result();
  t.equal(result.count, 1000);
  t.equal(result.sum, 500_500_000);
  t.equal(result.mean, 500_500);
  for (const [name, value] of [
    ['p50', 500_000],
    ['p90', 900_000],
    ['p99', 990_000],
    ['p999', 999_000],
    ['max', 1_000_000],
    ['min', 1_000],
  ] as const) {
    t.ok(Math.abs(result[name] - value) <= value / 1000, `${name} ${result[name]}`);
  }
  t.ok(result.p999 <= result.max);
});

t.test('what was encoded is read again, and merged with others', async (t) => {
  const one = new TimeHistogram();
  const other = new TimeHistogram();
  for (let n = 1; n <= 100; n++) (n <= 50 ? one : other).record(n);
  const merged = TimeHistogram.decode(JSON.parse(JSON.stringify(one.result())));
  merged.add(TimeHistogram.decode(other.result()));
  const all = new TimeHistogram();
  for (let n = 1; n <= 100; n++) all.record(n);
  const figures = merged.result();
  const expected = all.result();
  t.equal(figures.sum, expected.sum);
  t.equal(figures.count, 100);
  // Each value is known within its bucket only.
  for (const name of ['min', 'mean', 'p50', 'p99', 'max'] as const) {
    t.ok(Math.abs(figures[name] - expected[name]) <= expected[name] / 1000, name);
  }
});

t.test('what is beyond all bounds counts at the bound', async (t) => {
  const histogram = new TimeHistogram();
  histogram.record(-5);
  histogram.record(1e12);
  t.equal(histogram.count, 2);
  t.equal(histogram.result().min, 0);
  t.ok(histogram.result().max >= 86_400_000_000 * 0.999);
  t.equal(new TimeHistogram().result().p99, 0);
});

t.test('a server that invents causes does not make too many', async (t) => {
  const causes = new Causes();
  for (let n = 0; n < 1000; n++) causes.add(`cause ${n}`);
  causes.add('__proto__');
  const result = causes.result();
  t.equal(Object.keys(result).length, 51);
  t.equal(result.other, 951);
});

t.test('tallies add up', async (t) => {
  const [one, other] = [new Tally(), new Tally()];
  one.record('login', 5);
  other.record('login', 7);
  other.refused('full');
  one.add(other);
  const { times, counters, refusals } = one.result();
  t.equal(times.login!.count, 2);
  t.equal(times.fallback, undefined);
  t.equal(counters.refusals, 1);
  t.equal(counters['flows.broken'], 0);
  t.strictSame(refusals, { full: 1 });
});
