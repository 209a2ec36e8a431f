import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { DatagramLine } from '../../src/resources/datagram-line.ts';

function setup(shape: ConstructorParameters<typeof DatagramLine>[0]) {
  const clock = new ManualClock();
  const line = new DatagramLine(shape, clock);
  const arrived: string[] = [];
  const note = (name: string) => () => arrived.push(`${name} at ${clock.monotonic()}`);
  return { clock, line, arrived, note };
}

t.test('the client’s datagrams come later, and the answers at once', async (t) => {
  const { clock, line, arrived, note } = setup({ delay: 100 });
  line.toResource(10, note('a'));
  line.toClient(10, note('b'));
  clock.advance(50);
  line.toResource(10, note('c'));
  clock.advance(1000);
  t.strictSame(arrived, ['b at 0', 'a at 100', 'c at 150']);
});

t.test('each direction has its rate and its latency, and its order', async (t) => {
  const late = [50, 0, 7];
  const { clock, line, arrived, note } = setup({ kbps: 8, latency: () => late.shift() ?? 0 });
  line.toResource(100, note('a'));
  line.toResource(20, note('b'));
  line.toClient(10, note('c'));
  clock.advance(1000);
  t.strictSame(arrived, ['c at 17', 'a at 150', 'b at 150'], 'the one behind does not overtake');
});

t.test('what would wait longer than the queue is lost, and so is what is too much at a time', async (t) => {
  const slow = setup({ kbps: 8 });
  for (const name of ['a', 'b', 'c', 'd']) slow.line.toResource(101, slow.note(name));
  slow.clock.advance(10_000);
  t.strictSame(slow.arrived, ['a at 101', 'b at 202'], 'a third one would wait 202 ms');
  slow.line.toResource(1, slow.note('e'));
  slow.clock.advance(1000);
  t.equal(slow.arrived.length, 3, 'and the line is free again');
  const far = setup({ delay: 600_000 });
  for (let i = 0; i < 1000; i++) far.line.toResource(1, far.note(String(i)));
  far.clock.advance(600_000);
  t.equal(far.arrived.length, 256);
});

t.test('what is on the line when it closes is lost, and nothing more is taken', async (t) => {
  const { clock, line, arrived, note } = setup({ delay: 100 });
  line.toResource(10, note('a'));
  line.close();
  line.toResource(10, note('b'));
  clock.advance(1000);
  t.strictSame(arrived, []);
  t.equal(clock.pending, 0);
});
