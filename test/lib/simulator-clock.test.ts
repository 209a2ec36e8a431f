import fc from 'fast-check';
import t from 'tap';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import {
  type ClockEvents,
  type ClockMode,
  MAX_TIMERS_PER_ADVANCE,
  SimulatorClock,
} from '../../src/lib/simulator-clock.ts';

const setup = (mode: ClockMode = 'real', events: ClockEvents = {}) => {
  const machine = new ManualClock();
  return { machine, clock: new SimulatorClock({ machine, mode, ...events }) };
};

t.test('until it is moved it shows what the machine shows', async (t) => {
  const { machine, clock } = setup();
  machine.advance(1234.5);
  t.equal(clock.now(), machine.now());
  t.equal(clock.monotonic(), machine.monotonic());
  t.equal(clock.offset, 0);
  t.equal(clock.mode, 'real');
});

t.test('moved forward, real time goes on from there', async (t) => {
  const { machine, clock } = setup();
  const result = await clock.advance('1h');
  t.strictSame(result, { now: machine.now() + 3_600_000, offset: 3_600_000, timers: 0 });
  machine.advance(500);
  t.equal(clock.now(), machine.now() + 3_600_000);
  t.equal(clock.monotonic(), machine.monotonic() + 3_600_000);
});

t.test('in manual mode it stands still, except for advances', async (t) => {
  const { machine, clock } = setup('manual');
  const begin = clock.now();
  machine.advance(60_000);
  t.equal(clock.now(), begin);
  t.equal(clock.offset, -60_000);
  await clock.advance(1500);
  t.equal(clock.now(), begin + 1500);
  t.equal(clock.monotonic(), 1500);
  let fired = 0;
  clock.setTimer(1000, () => fired++);
  machine.advance(5000);
  t.equal(fired, 0, 'real time fires nothing');
  await clock.advance(999);
  t.equal(fired, 0);
  await clock.advance(1);
  t.equal(fired, 1);
});

t.test('it can be stopped and started again, and goes on from what it shows', async (t) => {
  const modes: ClockMode[] = [];
  const { machine, clock } = setup('real', { onMode: (mode) => modes.push(mode) });
  let fired = 0;
  clock.setTimer(1000, () => fired++);
  machine.advance(400);
  clock.freeze();
  clock.freeze();
  machine.advance(10_000);
  t.equal(fired, 0);
  t.equal(clock.monotonic(), 400);
  clock.resume();
  t.equal(clock.offset, -10_000);
  machine.advance(599);
  t.equal(fired, 0);
  machine.advance(1);
  t.equal(fired, 1);
  t.strictSame(modes, ['manual', 'real']);
  t.throws(() => clock.set('fast' as never), { code: 'ERR_CLOCK_MODE' });
});

t.test(
  'timers fire in order of their time, then of their making, at their time, those set meanwhile included',
  async (t) => {
    for (const mode of ['real', 'manual'] as const) {
      const { clock } = setup(mode);
      const seen: string[] = [];
      const note = (name: string) => () => seen.push(`${name} at ${clock.monotonic()}`);
      clock.setTimer(300, note('late'));
      clock.setTimer(100, () => {
        note('first')();
        clock.setTimer(50, note('set meanwhile'));
        clock.setTimer(0, note('at once'));
      });
      clock.setTimer(200, note('twin a'));
      clock.setTimer(200, note('twin b'));
      clock.setTimer(-5, note('in the past'));
      const { timers } = await clock.advance(299);
      t.strictSame(seen, [
        'in the past at 0',
        'first at 100',
        'at once at 100',
        'set meanwhile at 150',
        'twin a at 200',
        'twin b at 200',
      ]);
      t.equal(timers, 6);
      await clock.advance(1);
      t.equal(seen.at(-1), 'late at 300');
      clock.close();
    }
  },
);

t.test('what a timer does in promises is done before time moves on', async (t) => {
  const { clock } = setup('manual');
  const seen: number[] = [];
  clock.setTimer(100, async () => {
    await Promise.resolve();
    seen.push(clock.monotonic());
    clock.setTimer(100, () => seen.push(clock.monotonic()));
  });
  clock.setTimer(500, () => seen.push(clock.monotonic()));
  await clock.advance('1s');
  t.strictSame(seen, [100, 200, 500]);
});

t.test('a cancelled timer does not fire, also if one of the same time cancels it', async (t) => {
  for (const move of [true, false]) {
    const { machine, clock } = setup();
    const fired: string[] = [];
    const never = clock.setTimer(10, () => fired.push('never'));
    clock.setTimer(20, () => {
      fired.push('killer');
      victim.cancel();
      victim.cancel();
    });
    const victim = clock.setTimer(20, () => fired.push('victim'));
    never.cancel();
    if (move) await clock.advance(100);
    else machine.advance(100);
    t.strictSame(fired, ['killer']);
    victim.cancel();
  }
});

t.test('real time fires timers too, after as before an advance', async (t) => {
  const { machine, clock } = setup();
  const seen: number[] = [];
  clock.setTimer(3_600_000 + 100, () => seen.push(clock.monotonic()));
  await clock.advance('1h');
  machine.advance(99);
  t.strictSame(seen, []);
  machine.advance(1);
  t.strictSame(seen, [3_600_100]);
  clock.setTimer(50, () => seen.push(0));
  machine.advance(50);
  t.equal(seen.length, 2);
});

t.test('a timer far beyond what Node.js can wait for fires at its time', async (t) => {
  const { machine, clock } = setup();
  let fired = 0;
  clock.setTimer(40 * 86_400_000, () => fired++);
  // As the system's clock does with so long a wait.
  const impatient = new SimulatorClock({
    machine: {
      now: () => machine.now(),
      monotonic: () => machine.monotonic(),
      setTimer: (ms, fn) => machine.setTimer(Math.min(ms, 0x7fffffff), fn),
    },
  });
  impatient.setTimer(40 * 86_400_000, () => (fired += 10));
  machine.advance(30 * 86_400_000);
  t.equal(fired, 0);
  machine.advance(10 * 86_400_000);
  t.equal(fired, 11);
});

t.test('a timer that throws keeps no other from firing, and an advance tells of it', async (t) => {
  const { machine, clock } = setup();
  const fired: string[] = [];
  const set = (): void => {
    clock.setTimer(10, () => {
      throw new Error('oh no');
    });
    clock.setTimer(10, () => fired.push('same time'));
    clock.setTimer(20, () => fired.push('later'));
  };
  set();
  await t.rejects(clock.advance(100), { code: 'ERR_INTERNAL', message: /oh no/ });
  t.strictSame(fired, ['same time', 'later']);
  t.equal(clock.monotonic(), 100);
  set();
  t.throws(() => machine.advance(100), { message: 'oh no' });
  machine.advance(100);
  t.strictSame(fired, ['same time', 'later', 'same time', 'later']);
});

t.test('ten years with a timer that sets itself anew each second are one leap after a while', async (t) => {
  const { clock } = setup('manual');
  let ticks = 0;
  let last = 0;
  const tick = (): void => {
    ticks++;
    last = clock.monotonic();
    clock.setTimer(1000, tick);
  };
  tick();
  let once = 0;
  clock.setTimer(5 * 365 * 86_400_000, () => once++);
  const { timers } = await clock.advance('10y');
  t.equal(timers, MAX_TIMERS_PER_ADVANCE + 2, 'the ticks that were taken one by one, and one of each at the end');
  t.equal(ticks, MAX_TIMERS_PER_ADVANCE + 2);
  t.equal(last, clock.monotonic(), 'the final state is that of the end');
  t.equal(once, 1);
});

t.test('a timer that sets itself anew without any delay does not keep an advance from ending', async (t) => {
  const { clock } = setup('manual');
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    clock.setTimer(0, tick);
  };
  tick();
  await clock.advance(1);
  t.equal(clock.monotonic(), 1);
  t.ok(ticks <= MAX_TIMERS_PER_ADVANCE + 2);
});

t.test('advances happen one after the other, and time only goes forward', async (t) => {
  const { clock } = setup('manual');
  const seen: number[] = [];
  clock.setTimer(150, () => seen.push(clock.monotonic()));
  const results = await Promise.all([clock.advance(100), clock.advance(100), clock.advance(0)]);
  t.strictSame(
    results.map(({ offset, timers }) => [offset, timers]),
    [
      [100, 0],
      [200, 1],
      [200, 0],
    ],
  );
  t.strictSame(seen, [150]);
  for (const wrong of [-1, Number.NaN, 'yesterday', '-1h', '101y'])
    await t.rejects(clock.advance(wrong), { code: 'ERR_DURATION_INVALID' });
  t.equal(clock.monotonic(), 200);
});

t.test('the year stays one of four digits', async (t) => {
  const { clock } = setup('manual');
  for (let i = 0; i < 79; i++) await clock.advance('100y');
  await t.rejects(clock.advance('100y'), { code: 'ERR_CLOCK_RANGE', message: /pass the year 9999/ });
  t.match(new Date(clock.now()).toISOString(), /^99\d\d-/);
});

t.test('real time that a move takes has passed too, and the offset is exactly what was asked for', async (t) => {
  const { machine, clock } = setup();
  clock.setTimer(10, () => machine.advance(7));
  const { offset } = await clock.advance('1h');
  t.equal(offset, 3_600_000);
  t.equal(clock.monotonic(), 3_600_007);
});

t.test('followers are asked before time moves, may set timers for the way, and come last', async (t) => {
  const { machine, clock } = setup();
  const seen: string[] = [];
  const stop = clock.follow({
    async prepare(ms) {
      seen.push(`prepare for ${ms} at ${clock.monotonic()}`);
      await new Promise<void>((resolve) => {
        machine.setTimer(20, resolve);
        queueMicrotask(() => machine.advance(20));
      });
    },
    begin(end) {
      seen.push(`begin at ${clock.monotonic()}, to ${end}`);
      clock.setTimer(300, () => seen.push(`on the way at ${clock.monotonic()}`));
    },
    settle: () => void seen.push(`settle at ${clock.monotonic()}`),
  });
  await clock.advance(1000);
  t.strictSame(seen, ['prepare for 1000 at 0', 'begin at 20, to 1020', 'on the way at 320', 'settle at 1020']);
  stop();
  await clock.advance(1000);
  t.equal(seen.length, 4);
});

t.test('a mode that is set while time moves counts from the end of the move', async (t) => {
  const { machine, clock } = setup();
  clock.setTimer(10, () => clock.freeze());
  await clock.advance(100);
  machine.advance(1000);
  t.equal(clock.monotonic(), 100);
  clock.setTimer(10, () => clock.resume());
  await clock.advance(100);
  machine.advance(1000);
  t.equal(clock.monotonic(), 1200);
});

t.test('a reset shows the time of the machine again; monotonic time and timers go on', async (t) => {
  for (const configured of ['real', 'manual'] as const) {
    const { machine, clock } = setup(configured);
    const fired: number[] = [];
    clock.setTimer(7_200_000, () => fired.push(clock.monotonic()));
    await clock.advance('1h');
    clock.set(configured === 'real' ? 'manual' : 'real');
    machine.advance(10);
    const before = clock.monotonic();
    clock.reset();
    t.equal(clock.mode, configured);
    t.equal(clock.offset, 0);
    t.equal(clock.now(), machine.now());
    t.equal(clock.monotonic(), before, 'not back');
    t.strictSame(fired, []);
    await clock.advance('1h');
    t.strictSame(fired, [7_200_000], 'as long after it was set as it was set for');
  }
});

t.test('a reset ends the advances that are under way or wait for their turn', async (t) => {
  const { clock } = setup();
  clock.setTimer(10, () => clock.reset());
  let later = 0;
  clock.setTimer(50, () => later++);
  const first = clock.advance(100);
  const second = clock.advance('1d');
  await t.rejects(first, { code: 'ERR_CLOCK_INTERRUPTED', hint: /Wait for advance/ });
  await t.rejects(second, { code: 'ERR_CLOCK_INTERRUPTED' });
  t.equal(clock.offset, 0);
  t.equal(later, 0);
  t.equal((await clock.advance(100)).offset, 100, 'and the next one works');
  t.equal(later, 1);
});

t.test('a closed clock fires nothing more and cannot be moved', async (t) => {
  const { machine, clock } = setup();
  clock.setTimer(10, () => t.fail('fired'));
  clock.close();
  clock.setTimer(10, () => t.fail('fired'));
  t.equal(machine.pending, 0);
  machine.advance(100);
  await t.rejects(clock.advance(1), { code: 'ERR_CLOSED' });
});

t.test('it tells of each advance', async (t) => {
  const told: unknown[] = [];
  const { clock } = setup('real', { onAdvance: (ms, result) => told.push([ms, result.offset]) });
  await clock.advance('90s');
  await clock.advance(5);
  t.strictSame(told, [
    [90_000, 90_000],
    [5, 90_005],
  ]);
});

t.test('the machine’s own timers drive it', async (t) => {
  // They keep no process alive by themselves.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  const clock = new SimulatorClock({ machine: systemClock });
  t.teardown(() => clock.close());
  await new Promise<void>((resolve) => clock.setTimer(5, resolve));
  const seen: string[] = [];
  const late = new Promise<void>((resolve) => clock.setTimer(2 * 3_600_000 + 5, () => resolve(void seen.push('late'))));
  await clock.advance('1h');
  t.strictSame(seen, []);
  await clock.advance('1h');
  await late;
});

/** What can be done to a clock; times in milliseconds. */
type Step =
  | { readonly do: 'timer'; readonly ms: number; readonly nested: number | undefined }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'advance' | 'pass'; readonly ms: number }
  | { readonly do: 'freeze' | 'resume' | 'reset' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('timer' as const),
    ms: fc.nat(1000),
    nested: fc.option(fc.nat(500), { nil: undefined }),
  }),
  fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }),
  fc.record({ do: fc.constantFrom('advance' as const, 'pass' as const), ms: fc.nat(1500) }),
  fc.record({ do: fc.constantFrom('freeze' as const, 'resume' as const, 'reset' as const) }),
);

t.test(
  'it agrees with a model: each timer fires once, in order, never early, never late, whatever is done',
  async (t) => {
    const judged = fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { machine, clock } = setup();
        /** The model: the time that has passed, and the timers by the time at which they are due. */
        let passed = 0;
        let stands = false;
        const waiting = new Map<number, number>();
        const fired: { readonly id: number; readonly at: number; readonly due: number }[] = [];
        const handles: { readonly id: number; cancel(): void }[] = [];
        let ids = 0;
        const set = (ms: number, nested: number | undefined): void => {
          const id = ids++;
          const due = clock.monotonic() + ms;
          waiting.set(id, due);
          const timer = clock.setTimer(ms, () => {
            fired.push({ id, at: clock.monotonic(), due });
            waiting.delete(id);
            if (nested !== undefined) set(nested, undefined);
          });
          handles.push({ id, cancel: () => timer.cancel() });
        };
        let wall = 0;
        for (const one of steps) {
          switch (one.do) {
            case 'timer':
              set(one.ms, one.nested);
              break;
            case 'cancel': {
              const handle = handles[one.which];
              handle?.cancel();
              if (handle) waiting.delete(handle.id);
              break;
            }
            case 'advance':
              await clock.advance(one.ms);
              passed += one.ms;
              wall += one.ms;
              break;
            case 'pass':
              machine.advance(one.ms);
              if (stands) wall -= one.ms;
              else passed += one.ms;
              break;
            case 'freeze':
            case 'resume':
              clock.set(one.do === 'freeze' ? 'manual' : 'real');
              stands = one.do === 'freeze';
              break;
            case 'reset':
              clock.reset();
              stands = false;
              wall = 0;
              break;
          }
          if (clock.monotonic() !== passed || clock.offset !== wall) return false;
          // A timer may be one grain early, as Node's own are; none is overdue.
          if (![...waiting.values()].every((due) => due > passed - 0.001 || stands)) return false;
        }
        clock.resume();
        await clock.advance(10_000);
        const times = fired.map(({ at }) => at);
        return (
          waiting.size === 0 &&
          fired.every(({ at, due }) => at >= due - 1 && at <= due + 0.001) &&
          times.every((at, i) => i === 0 || at >= times[i - 1]!)
        );
      }),
      { numRuns: Number(process.env.TUNNELITE_FUZZ ?? 200) },
    );
    await t.resolves(judged);
  },
);
