import t from 'tap';
import { ClientTimer, type Timed } from '../../../src/client/core/client-timer.ts';
import { ManualClock } from '../../../src/lib/clock.ts';

/** A member that wants to be called again after so many milliseconds. */
const member = (calls: number[], every = Number.POSITIVE_INFINITY): Timed => ({
  heapIndex: -1,
  tick(now) {
    calls.push(now);
    return now + every;
  },
});

t.test('members are called when they are due, on one timer for all', async (t) => {
  const clock = new ManualClock();
  const timer = new ClientTimer(clock);
  const [often, once]: [number[], number[]] = [[], []];
  const [one, two] = [member(often, 100), member(once)];
  for (const each of [one, two]) timer.add(each);
  timer.schedule(one, 100);
  timer.schedule(two, 250);
  t.equal(clock.pending, 1);
  for (let step = 0; step < 40; step++) clock.advance(10);
  t.strictSame([often, once], [[100, 200, 300, 400], [250]]);
  t.equal(timer.size, 2);
});

t.test('who has left is not called, and when the last one leaves no timer is left', async (t) => {
  const clock = new ManualClock();
  const timer = new ClientTimer(clock);
  const calls: number[] = [];
  const [one, two] = [member(calls), member(calls)];
  for (const each of [one, two]) timer.add(each);
  timer.schedule(one, 100);
  timer.schedule(two, 100);
  timer.remove(one);
  t.equal(clock.pending, 1);
  timer.remove(two);
  t.equal(clock.pending, 0);
  timer.schedule(two, 100);
  t.equal(clock.pending, 0, 'nor does it come back');
  clock.advance(1000);
  t.strictSame(calls, []);
  timer.add(one);
  timer.schedule(one, clock.monotonic() + 50);
  clock.advance(50);
  t.strictSame(calls, [1050], 'the next one is served');
});
