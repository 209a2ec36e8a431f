import t from 'tap';
import type { FaultAction } from '../../src/config/fault-schema.ts';
import { datagramKind } from '../../src/faults/datagram-kind.ts';
import { FaultEngine, type FaultRuleInput } from '../../src/faults/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { endpointOf } from '../../src/udp/index.ts';
import { Events } from '../support/gateway.ts';

/** A line through the gate: what goes in, what comes out, and when. */
function line(...rules: FaultRuleInput[]) {
  const events = new Events();
  const clock = new ManualClock();
  const faults = new FaultEngine({ clock, machine: clock, emit: events.emit, seed: 1 });
  const added = rules.map((rule) => faults.add(rule));
  const out: { text: string; at: number; remote: string }[] = [];
  const arrive = (bytes: Buffer, remote: string) =>
    void out.push({ text: bytes.toString('latin1'), at: clock.monotonic(), remote });
  const send = (text: string, direction: 'in' | 'out' = 'in', remote = endpointOf('192.0.2.7', 5000)) => {
    // In the middle of memory that is used again, as a socket's is.
    const buffer = Buffer.from(`##${text}##`, 'latin1');
    const datagram = { direction, buffer, offset: 2, length: text.length, remote, session: undefined };
    const goes =
      faults.datagrams?.pass(datagram, { endpoint: endpointOf, later: (_, bytes, to) => arrive(bytes, to.key) }) ??
      true;
    if (goes) arrive(buffer.subarray(2, 2 + text.length), datagram.remote.key);
    buffer.fill(0);
  };
  const texts = () => out.map(({ text }) => text);
  return { faults, added, events, clock, out, send, texts };
}

const every = (then: FaultAction, on: object = {}): FaultRuleInput => ({ on: { seam: 'udp', ...on }, then });

t.test('drop, corrupt and a black hole for what is too long', async (t) => {
  const lost = line(every({ do: 'drop' }, { direction: 'in' }));
  lost.send('a');
  lost.send('b', 'out');
  t.strictSame(lost.texts(), ['b']);
  const changed = line(every({ do: 'corrupt', bit: 33 }));
  changed.send('dddd');
  t.strictSame(changed.texts(), ['fddd'], 'bits are counted around');
  const hole = line(every({ do: 'mtu_blackhole', bytes: 4 }));
  for (const text of ['four', 'fives', 'x']) hole.send(text);
  t.strictSame(hole.texts(), ['four', 'x']);
  t.equal(hole.added[0]!.seen(), 1, 'what fits is not its business');
});

t.test('delay keeps the order, jitter does not', async (t) => {
  const late = line(every({ do: 'delay', ms: 50, jitter: 40 }));
  for (let i = 0; i < 20; i++) late.send(String(i));
  late.clock.advance(49);
  t.strictSame(late.texts(), []);
  late.clock.advance(41);
  t.strictSame(
    late.texts(),
    Array.from({ length: 20 }, (_, i) => String(i)),
  );
  const loose = line(every({ do: 'jitter', ms: 100 }));
  for (let i = 0; i < 20; i++) loose.send(String(i));
  loose.clock.advance(100);
  t.equal(loose.out.length, 20);
  t.notSame(loose.texts(), late.texts());
});

t.test('duplicate sends more of the same, reorder lets others go first', async (t) => {
  const twice = line(every({ do: 'duplicate', copies: 2, ms: 10 }));
  twice.send('a');
  twice.clock.advance(20);
  t.strictSame(
    twice.out.map(({ text, at }) => [text, at]),
    [
      ['a', 0],
      ['a', 10],
      ['a', 20],
    ],
  );
  const late = line({ on: { seam: 'udp' }, when: { times: 1 }, then: { do: 'reorder', by: 2 } });
  for (const text of ['a', 'b', 'c', 'd']) late.send(text);
  t.strictSame(late.texts(), ['b', 'c', 'a', 'd']);
  const alone = line(every({ do: 'reorder', ms: 30 }));
  alone.send('a');
  alone.clock.advance(30);
  t.strictSame(alone.texts(), ['a'], 'not for ever, where nothing comes');
});

t.test('a line of a given rate takes its time for each byte, and loses what would wait too long', async (t) => {
  const slow = line(every({ do: 'rate', kbps: 8, queue: 250 }));
  for (let i = 0; i < 4; i++) slow.send('x'.repeat(100));
  slow.send('y'.repeat(100), 'out');
  slow.clock.advance(1000);
  t.strictSame(
    slow.out.map(({ text, at }) => [text[0], at]),
    [
      ['x', 100],
      ['y', 100],
      ['x', 200],
      ['x', 300],
    ],
    'the fourth would have waited 300 ms; the other direction is free',
  );
});

t.test(
  'what is held waits for release, is let go in order, changed if wanted, and all of it when the rule ends',
  async (t) => {
    const { added, send, texts, faults } = line(every({ do: 'hold' }));
    const [rule] = added;
    for (const text of ['a', 'b', 'c', 'd', 'e']) send(text);
    t.equal(rule!.held(), 5);
    t.equal(rule!.release(1), 1);
    rule!.release(1, (bytes) => Buffer.from(`${bytes}!`));
    rule!.release(1, () => undefined);
    t.strictSame(texts(), ['a', 'b!']);
    rule!.remove();
    t.strictSame(texts(), ['a', 'b!', 'd', 'e']);
    t.equal(rule!.held(), 0);
    t.equal(faults.datagrams, undefined);
  },
);

t.test('a hold that nobody releases is bounded, and told once', async (t) => {
  const { added, send, events, texts } = line(every({ do: 'hold', max: 3 }));
  for (let i = 0; i < 9; i++) send(String(i));
  t.equal(added[0]!.held(), 3);
  t.match(events.of('fault.limit'), [{ rule: 'udp-hold', kept: 3, explanation: /Release them, or remove the rule/ }]);
  added[0]!.release();
  t.strictSame(texts(), ['0', '1', '2']);
});

t.test('all rules together keep no more than the budget', async (t) => {
  const { faults, added, send, events } = line(every({ do: 'hold', max: 1_000_000 }), every({ do: 'drop' }));
  for (let i = 0; i < 17_000; i++) send('x');
  t.equal(added[0]!.held(), 16_384);
  t.equal(events.of('fault.limit').length, 1);
  faults.reset();
  t.equal(added[0]!.held(), 0, 'a reset forgets them');
});

t.test('removing a rule sends on what it delays', async (t) => {
  const { added, send, texts, clock } = line(every({ do: 'delay', ms: 5000 }));
  send('a');
  send('b');
  added[0]!.remove();
  t.strictSame(texts(), ['a', 'b']);
  t.equal(clock.pending, 0);
});

t.test('a client behind a NAT that forgot it comes from another port, until the rule ends', async (t) => {
  const { added, send, out } = line({ on: { seam: 'udp' }, when: { skip: 1, times: 1 }, then: { do: 'nat_rebind' } });
  send('a');
  send('b');
  send('c');
  const [first, second, third] = out.map(({ remote }) => remote);
  t.equal(first, '192.0.2.7:5000');
  t.not(second, first);
  t.equal(third, second);
  const port = Number(second!.split(':')[1]);
  send('answer', 'out', endpointOf('192.0.2.7', port));
  t.equal(out.at(-1)!.remote, '192.0.2.7:5000');
  added[0]!.remove();
  send('d');
  t.equal(out.at(-1)!.remote, '192.0.2.7:5000');
});

t.test('the kind of a datagram is told without a key', async (t) => {
  const record = (type: number, epoch: number, body: number[]) =>
    Buffer.from([type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, body.length, ...body]);
  const cases: [Buffer, string][] = [
    [record(22, 0, [1, 0, 0]), 'client-hello'],
    [record(22, 0, [3, 0, 0]), 'hello-verify'],
    [record(22, 0, [2, 0, 0]), 'handshake'],
    // A finished message; its first byte is no type, but of a nonce.
    [record(22, 1, [1, 0, 0]), 'handshake'],
    [record(20, 0, [1]), 'change-cipher'],
    [record(21, 0, [2, 40]), 'alert'],
    [record(23, 1, [9, 9]), 'application'],
    [record(99, 0, []), 'other'],
    [Buffer.from([22, 0xfe]), 'other'],
    [Buffer.alloc(0), 'other'],
  ];
  for (const [bytes, kind] of cases) {
    const memory = Buffer.concat([Buffer.from([22, 22, 22]), bytes]);
    t.equal(datagramKind(memory, 3, bytes.length), kind);
  }
});
