import t from 'tap';
import type { ControlConnection } from '../../src/gateway/control/connection.ts';
import type { Look } from '../../src/gateway/control/connection-deadlines.ts';
import { TimeKeeper } from '../../src/gateway/time-keeper.ts';
import { ManualClock } from '../../src/lib/clock.ts';

/** A time keeper of one connection and no sessions, which write down when they were looked at. */
function setup() {
  const [clock, machine] = [new ManualClock(), new ManualClock()];
  const looks: Look[] = [];
  const lates: number[] = [];
  const connection = { check: (look: Look) => void looks.push(look) } as unknown as ControlConnection;
  const keeper = new TimeKeeper({
    clock,
    machine,
    emit: () => {},
    dataChannels: undefined,
    pendingConnections: [connection],
    closingConnections: [],
    sessionTable: { values: () => [], check: (_now, late) => void lates.push(late), checkAll: () => {} },
    rekeyTime: undefined,
  });
  t.teardown(() => keeper.stop());
  return { clock, machine, keeper, looks, lates };
}

t.test('time before the start is time: limits that ended in it have ended', async (t) => {
  const { clock, machine, keeper, looks, lates } = setup();
  clock.advance(60_000);
  machine.advance(60_000);
  keeper.start();
  t.strictSame(looks, [{ now: 60_000, late: 0, machineNow: 60_000, machineLate: 0 }]);
  t.strictSame(lates, [0]);
  t.equal(keeper.coarseNow, 60_000);
});

t.test('all is looked at each second of the machine, until the end', async (t) => {
  const { machine, keeper, looks } = setup();
  keeper.start();
  keeper.start();
  machine.advance(3_000);
  t.strictSame(
    looks.map(({ machineNow }) => machineNow),
    [0, 1000, 2000, 3000],
  );
  keeper.stop();
  machine.advance(3_000);
  t.equal(looks.length, 4);
});

t.test('while the configured clock stands still, no time of it passes without input being read', async (t) => {
  const { clock, keeper, looks } = setup();
  keeper.look(5_000);
  clock.advance(2_000);
  keeper.look(5_000);
  t.match(looks, [
    { late: 0, machineLate: 5_000 },
    { late: 2_000, machineLate: 5_000 },
  ]);
});
