import { setImmediate as immediate } from 'node:timers/promises';
import t from 'tap';
import { OrderedOffload } from '../../src/lib/offload.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { Mainspring } from '../../src/world/mainspring.ts';

function springOf() {
  const clock = new VirtualClock();
  const offload = new OrderedOffload();
  return { clock, offload, spring: new Mainspring(clock, offload) };
}

t.test('a timer fires only when all that the last one brought about has happened', async (t) => {
  const { clock, offload, spring } = springOf();
  const log: string[] = [];
  const effects: Readonly<Record<string, () => Promise<void>>> = {
    microtasks: async () => {
      for (let n = 0; n < 100; n++) await undefined;
    },
    ticks: async () => {
      for (let n = 0; n < 20; n++) await new Promise<void>((resolve) => process.nextTick(resolve));
    },
    immediates: async () => {
      for (let n = 0; n < 5; n++) await immediate();
    },
    'ticks and immediates in turn': async () => {
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await immediate();
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await immediate();
    },
    'work of other threads': async () => {
      for (let n = 0; n < 3; n++)
        await offload.run(() => crypto.subtle.digest('SHA-256', new Uint8Array(1 << (20 - n))));
    },
    'work, and an immediate after it': async () => {
      await offload.run(() => crypto.subtle.digest('SHA-256', new Uint8Array(8)));
      await immediate();
      await offload.run(async () => undefined);
    },
  };
  const names = [...Object.keys(effects), ...Object.keys(effects).reverse()];
  for (let round = 0; round < 20; round++) {
    for (const [i, name] of names.entries()) {
      clock.setTimer(round * 100 + i, () => {
        log.push(`${name} begins`);
        void effects[name]!().then(() => log.push(`${name} ends`));
      });
    }
  }
  await spring.runTo(10_000);
  t.equal(clock.monotonic(), 10_000);
  t.equal(log.length, 2 * 20 * names.length);
  const wrong = log.filter((line, i) =>
    i % 2 === 0 ? !line.endsWith(' begins') : line !== log[i - 1]!.replace('begins', 'ends'),
  );
  t.strictSame(wrong, []);
});

t.test('many timers fire in one turn of the event loop', async (t) => {
  const { clock, spring } = springOf();
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setTimeout(count, 0).unref();
  };
  let fired = 0;
  for (let n = 0; n < 10_000; n++) clock.setTimer(n, () => fired++);
  setTimeout(count, 0).unref();
  await spring.runTo(9_999);
  counting = false;
  t.equal(fired, 10_000);
  t.ok(turns < 5000, `${turns} turns`);
});

t.test('what is waited for is seen before the next timer, and an error of a timer ends the run', async (t) => {
  const { clock, spring } = springOf();
  const seen: number[] = [];
  for (let n = 1; n <= 10; n++) clock.setTimer(n, () => seen.push(n));
  const three = new Promise<string>((resolve) => clock.setTimer(3, () => resolve('three')));
  t.equal(await spring.until(three, 100), 'three');
  t.strictSame(seen, [1, 2, 3]);
  clock.setTimer(2, () => {
    throw new Error('from a timer');
  });
  await t.rejects(spring.runTo(20), { message: 'from a timer' });
  t.equal(clock.monotonic(), 5);
  await t.rejects(spring.until(Promise.reject(new Error('its own')), 10), { message: 'its own' });
  await spring.runTo(20);
  t.equal(seen.length, 10);
  await t.rejects(spring.until(new Promise(() => {}), 10), { code: 'ERR_WORLD_LIMIT' });
});

t.test('one at a time drives, and whoever comes meanwhile is told', async (t) => {
  const { spring } = springOf();
  const run = spring.runTo(10);
  await t.rejects(spring.runTo(20), { code: 'ERR_WORLD_BUSY' });
  await run;
});
