import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { ArrivalList, Heartbeat, Pacer, Rotation } from '../../../src/load/engine/pacer.ts';

t.test('everything comes in the order of time, and each on time', async (t) => {
  const clock = new ManualClock();
  const done: string[] = [];
  const pacer = new Pacer(clock, (_intended, late) => t.equal(late, 0));
  pacer.add(new ArrivalList(100, [0, 50, 50], (n, at) => done.push(`arrival ${n} at ${at}`)));
  pacer.add(new Rotation({ start: 100, period: 100, count: 2 }, (n, at) => done.push(`turn ${n} at ${at}`)));
  pacer.wake();
  clock.advance(300);
  pacer.stop();
  clock.advance(300);
  t.strictSame(done, [
    'arrival 0 at 100',
    'turn 0 at 100',
    'arrival 1 at 150',
    'arrival 2 at 150',
    'turn 1 at 150',
    'turn 0 at 200',
    'turn 1 at 250',
    'turn 0 at 300',
  ]);
});

t.test('a generator that stood still leaves nothing out, and tells how late each was', async (t) => {
  const clock = new ManualClock();
  const late: number[] = [];
  const turns: number[] = [];
  const pacer = new Pacer(clock, (_intended, by) => late.push(by));
  pacer.add(new Rotation({ start: 0, period: 10, count: 1 }, (_n, at) => turns.push(at)));
  pacer.wake();
  clock.advance(20);
  clock.stall(50);
  clock.advance(10);
  t.strictSame(turns, [0, 10, 20, 30, 40, 50, 60, 70, 80]);
  t.strictSame(late, [0, 0, 0, 40, 30, 20, 10, 0, 0]);
});

t.test('much that is late is done in parts, so that input is read in between', async (t) => {
  const clock = new ManualClock();
  let turns = 0;
  const pacer = new Pacer(clock, () => {});
  pacer.add(new Rotation({ start: 0, period: 1, count: 1 }, () => turns++));
  pacer.wake();
  const before = clock.pending;
  clock.stall(1000);
  t.equal(before, 1);
  // One timer fires, and does not do all of it.
  const seen: number[] = [];
  pacer.add(new Heartbeat(0, 1000, () => seen.push(turns)));
  clock.advance(0);
  t.equal(turns, 1001, 'after several turns');
  t.ok(seen.length > 0);
});

t.test('a list that is ended early says how many are left', async (t) => {
  const clock = new ManualClock();
  const list = new ArrivalList(0, [0, 10, 20, 30], () => {});
  const pacer = new Pacer(clock, () => {});
  pacer.add(list);
  pacer.wake();
  clock.advance(15);
  t.equal(list.end(), 2);
  t.equal(list.next, Number.POSITIVE_INFINITY);
});
