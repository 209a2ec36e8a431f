import t from 'tap';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { excused, LATE_MS, patience, watchTimer } from '../../src/lib/late-tick.ts';

t.test('a timer in time calls at once, and excuses nothing', async (t) => {
  const clock = new ManualClock();
  const calls: number[] = [];
  watchTimer(clock, 1000, (late) => void calls.push(late));
  clock.advance(999);
  t.strictSame(calls, []);
  clock.advance(1);
  t.strictSame(calls, [0]);
});

t.test('a late timer waits for input, and says by how much it was late', async (t) => {
  const clock = new ManualClock();
  const calls: number[] = [];
  let read: (() => void) | undefined;
  watchTimer(
    clock,
    1000,
    (late) => void calls.push(late),
    (work) => {
      read = work;
    },
  );
  clock.stall(1000 + LATE_MS);
  clock.advance(0);
  t.strictSame(calls, [], 'nothing is concluded yet');
  read?.();
  t.strictSame(calls, [LATE_MS]);
});

t.test('one that is cancelled while it waits for input does not call', async (t) => {
  const clock = new ManualClock();
  let read: (() => void) | undefined;
  const timer = watchTimer(
    clock,
    1000,
    () => t.fail('called'),
    (work) => {
      read = work;
    },
  );
  clock.stall(5000);
  clock.advance(0);
  timer.cancel();
  read?.();
});

t.test('input has been polled for, whatever else is due', async (t) => {
  const order: string[] = [];
  const { port1, port2 } = new MessageChannel();
  const input = new Promise<void>((resolve) => {
    port2.once('message', () => {
      order.push('input');
      resolve();
    });
  });
  const judged = new Promise<void>((resolve) => {
    watchTimer(systemClock, 1, () => {
      order.push('judged');
      resolve();
    });
  });
  // The loop is blocked until the timer is late; the message waits all along.
  port1.postMessage('');
  const until = performance.now() + LATE_MS + 10;
  while (performance.now() < until);
  await Promise.all([input, judged]);
  t.strictSame(order, ['input', 'judged']);
  port1.close();
});

t.test('patience ends after its time, to the millisecond', async (t) => {
  for (const ms of [0, 1, 300, 999, 1000, 4000, 15_500, 30_000]) {
    const clock = new ManualClock();
    let ended = false;
    patience(clock, ms, () => {
      ended = true;
    });
    clock.advance(ms - 1);
    t.equal(ended, false, `${ms} ms`);
    clock.advance(1);
    t.equal(ended, true, `${ms} ms`);
    t.equal(clock.pending, 0);
  }
});

t.test('patience does not end in a stall, nor soon after, however long it was', async (t) => {
  const clock = new ManualClock();
  const reads: (() => void)[] = [];
  let ended = false;
  patience(
    clock,
    10_000,
    () => {
      ended = true;
    },
    (work) => reads.push(work),
  );
  clock.advance(9_500);
  clock.stall(3_600_000);
  clock.advance(0);
  t.equal(reads.length, 1, 'what waits is read first');
  reads.shift()!();
  clock.advance(999);
  t.equal(ended, false, 'the step that the stall fell into is counted anew');
  clock.advance(1);
  t.equal(ended, true);
});

t.test('on a machine that is always late patience ends nevertheless', async (t) => {
  const clock = new ManualClock();
  let ended = false;
  patience(
    clock,
    10_000,
    () => {
      ended = true;
    },
    (work) => work(),
  );
  let steps = 0;
  for (; !ended && steps < 100; steps++) {
    clock.stall(1000 + LATE_MS);
    clock.advance(0);
  }
  t.equal(steps, 20, 'each step twice');
});

t.test('patience that is cancelled does not end, in whatever step', async (t) => {
  const clock = new ManualClock();
  const fail = () => t.fail('ended');
  for (const ms of [0, 1500, 2500]) {
    const timer = patience(clock, 3000, fail);
    clock.advance(ms);
    timer.cancel();
    timer.cancel();
    t.equal(clock.pending, 0);
  }
  const reads: (() => void)[] = [];
  const late = patience(clock, 3000, fail, (work) => reads.push(work));
  clock.stall(10_000);
  clock.advance(0);
  late.cancel();
  reads[0]!();
  clock.advance(10_000);
});

t.test('time in which nobody listened is no silence, and nobody is heard in the future', async (t) => {
  t.equal(excused(1000, 500, 9000), 1500);
  t.equal(excused(8800, 500, 9000), 9000, 'heard after the stall');
  t.equal(excused(9100, 500, 9000), 9100);
  t.equal(excused(1000, 0, 9000), 1000);
  t.equal(excused(-Infinity, 500, 9000), -Infinity);
});
