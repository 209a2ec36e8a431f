import fc from 'fast-check';
import t from 'tap';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';

t.test('timers fire one at a time, in order of their time and then of their making', async (t) => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.setTimer(20, () => seen.push('c'));
  clock.setTimer(10, () => {
    seen.push('a');
    clock.setTimer(0, () => seen.push('b2'));
  });
  clock.setTimer(10, () => seen.push('b'));
  t.equal(clock.next, 10);
  clock.fire();
  t.strictSame(seen, ['a']);
  t.equal(clock.monotonic(), 10);
  while (clock.next < Infinity) clock.fire();
  t.strictSame(seen, ['a', 'b', 'b2', 'c']);
  t.equal(clock.fired, 4);
  clock.fire();
  t.equal(clock.monotonic(), 20, 'nothing is left, and time stands');
});

t.test('a cancelled timer does not fire, not even when another of its moment cancels it', async (t) => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.setTimer(5, () => second.cancel());
  const second = clock.setTimer(5, () => seen.push('second'));
  const third = clock.setTimer(7, () => seen.push('third'));
  clock.fire();
  third.cancel();
  t.equal(clock.next, Infinity);
  t.strictSame(seen, []);
});

t.test('time does not go back, and is not moved past a timer', async (t) => {
  const clock = new VirtualClock(1000);
  clock.setTimer(50, () => {});
  clock.moveTo(80);
  t.equal(clock.monotonic(), 50);
  clock.moveTo(10);
  t.equal(clock.monotonic(), 50);
  t.equal(clock.now(), 1050);
  clock.fire();
  clock.moveTo(80.5);
  t.equal(clock.monotonic(), 80.5);
  t.equal(clock.now(), 1080);
});

t.test('any timers, set at first and meanwhile, fire as a sorted list would have it', async (t) => {
  const ms = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ ms, later: fc.array(ms, { maxLength: 3 }), cancelled: fc.boolean() })),
      (timers) => {
        const clock = new VirtualClock();
        const seen: { at: number; order: number }[] = [];
        let order = 0;
        const set = (delay: number, later: readonly number[]): { cancel(): void } => {
          const mark = { at: clock.monotonic() + delay, order: order++ };
          return clock.setTimer(delay, () => {
            t.equal(clock.monotonic(), mark.at);
            seen.push(mark);
            for (const next of later) set(next, []);
          });
        };
        for (const { ms, later, cancelled } of timers) {
          const timer = set(ms, later);
          if (cancelled) timer.cancel();
        }
        while (clock.next < Infinity) clock.fire();
        const sorted = [...seen].sort((a, b) => a.at - b.at || a.order - b.order);
        t.strictSame(seen, sorted);
        const kept = timers.filter(({ cancelled }) => !cancelled);
        t.equal(seen.length, kept.length + kept.reduce((sum, { later }) => sum + later.length, 0));
      },
    ),
    { numRuns: 60 },
  );
});
