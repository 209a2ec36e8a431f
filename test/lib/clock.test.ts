import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';

t.test('a time that is over is over at once, however far back, and one without an end is long', async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  // A timer of the clock does not keep the process alive.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const endless = systemClock.setTimer(Number.POSITIVE_INFINITY, () => t.fail('there is no end'));
  await Promise.all([-0.06, -1e9, 0].map((ms) => new Promise<void>((resolve) => systemClock.setTimer(ms, resolve))));
  await new Promise((resolve) => setImmediate(resolve));
  endless.cancel();
  t.strictSame(warnings, []);
});
