import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { arrivalTimes, shuffled } from '../../../src/load/engine/arrival-times.ts';

const chance = () => seededRandom(7);

t.test('all at once are at the beginning', async (t) => {
  t.strictSame(arrivalTimes('at once', 1000, 3, chance()), [0, 0, 0]);
});

t.test('a constant rate is evenly spread, and ends with the phase or the clients', async (t) => {
  t.strictSame(arrivalTimes({ constant: 4 }, 1000, 100, chance()), [0, 250, 500, 750]);
  t.strictSame(arrivalTimes({ constant: 4 }, 10_000, 3, chance()), [0, 250, 500]);
});

t.test('a ramp has as many arrivals as the area under it, and they come closer together', async (t) => {
  for (const [from, to, expected] of [
    [0, 100, 500],
    [10, 100, 550],
    [100, 0, 500],
    [50, 50, 500],
  ] as const) {
    const times = arrivalTimes({ ramp: [from, to] }, 10_000, 10_000, chance());
    t.ok(Math.abs(times.length - expected) <= 1, `${from} to ${to}: ${times.length}`);
    t.ok(times.every((at, i) => at >= 0 && at < 10_000 && (i === 0 || at >= times[i - 1]!)));
    const firstHalf = times.filter((at) => at < 5000).length;
    const share = (from + (from + to) / 2) / 2 / ((from + to) / 2) / 2;
    t.ok(Math.abs(firstHalf / times.length - share) < 0.01, `${from} to ${to}: ${firstHalf} in the first half`);
  }
});

t.test('Poisson arrivals have the mean and the spread of exponential pauses, and follow from the seed', async (t) => {
  const times = arrivalTimes({ poisson: 1000 }, 20_000, 100_000, chance());
  t.ok(Math.abs(times.length - 20_000) < 4 * Math.sqrt(20_000), String(times.length));
  const pauses = times.map((at, i) => at - (times[i - 1] ?? 0));
  const mean = pauses.reduce((a, b) => a + b, 0) / pauses.length;
  const deviation = Math.sqrt(pauses.reduce((sum, pause) => sum + (pause - mean) ** 2, 0) / pauses.length);
  t.ok(Math.abs(deviation / mean - 1) < 0.05, `deviation ${deviation}, mean ${mean}`);
  const beginning = (seed: number): string => String(arrivalTimes({ poisson: 1000 }, 20, 100, seededRandom(seed)));
  t.equal(beginning(7), beginning(7));
  t.not(beginning(7), beginning(8));
});

t.test('an order of chance has each number once', async (t) => {
  const order = shuffled(1000, chance());
  t.ok(order.toSorted((a, b) => a - b).every((number, i) => number === i));
  t.notOk(order.every((number, i) => number === i));
});
