import t from 'tap';
import type { FaultAction } from '../../src/config/fault-schema.ts';
import type { FaultRuleInput } from '../../src/faults/index.ts';
import { tcpLine } from '../support/tcp-line.ts';

// Names, units and meanings of the actions are those of Toxiproxy's toxics: https://github.com/Shopify/toxiproxy, README, "Toxics".

const rule = (then: FaultAction, on: object = {}, when?: object): FaultRuleInput => ({
  on: { seam: 'tcp', ...on },
  ...(when ? { when } : {}),
  then,
});

t.test('latency: a delay to all data, of latency ± jitter, and in order', async (t) => {
  const plain = tcpLine(rule({ do: 'latency', latency: 100 }));
  const one = plain.connect();
  one.send('a');
  one.send('b', 'out');
  plain.clock.advance(99);
  t.strictSame(one.texts(), []);
  plain.clock.advance(1);
  t.strictSame(one.texts(), ['a', 'b']);
  one.send('c');
  one.finish('in');
  plain.clock.advance(100);
  t.strictSame(one.texts('in'), ['a', 'c', '<end>'], 'the end comes behind what was sent before it');

  const shaky = tcpLine(rule({ do: 'latency', latency: 100, jitter: 50 }));
  const spread: number[] = [];
  for (let i = 0; i < 200; i++) {
    const other = shaky.connect();
    const sent = shaky.clock.monotonic();
    other.send('x');
    shaky.clock.advance(200);
    spread.push(other.arrivals[0]!.at - sent);
  }
  t.ok(Math.min(...spread) >= 50 && Math.min(...spread) < 60, `${Math.min(...spread)}`);
  t.ok(Math.max(...spread) <= 150 && Math.max(...spread) > 140, `${Math.max(...spread)}`);
  const ordered = shaky.connect();
  for (let i = 0; i < 50; i++) ordered.send(String(i));
  shaky.clock.advance(200);
  t.strictSame(
    ordered.texts(),
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
});

t.test('bandwidth: so many KB a second in each direction', async (t) => {
  const line = tcpLine(rule({ do: 'bandwidth', rate: 10 }));
  const one = line.connect();
  one.send('x'.repeat(5000));
  one.send('y'.repeat(100), 'out');
  const bytes = (direction: 'in' | 'out') => one.texts(direction).join('').length;
  line.clock.advance(10);
  t.equal(bytes('out'), 100, 'the other direction has a line of its own');
  line.clock.advance(240);
  t.ok(bytes('in') >= 2000 && bytes('in') <= 2500, `${bytes('in')} bytes in 250 ms at 10 KB/s`);
  line.clock.advance(250);
  t.equal(bytes('in'), 5000);
});

t.test('slow_close: the end comes later, data does not', async (t) => {
  const line = tcpLine(rule({ do: 'slow_close', delay: 500 }));
  const one = line.connect();
  one.send('data');
  one.finish('in');
  t.strictSame(one.texts(), ['data']);
  line.clock.advance(499);
  t.strictSame(one.texts(), ['data']);
  line.clock.advance(1);
  t.strictSame(one.texts(), ['data', '<end>']);
});

t.test(
  'timeout: no data gets through, and the connection is closed after it; 0: not until the rule goes',
  async (t) => {
    const line = tcpLine(rule({ do: 'timeout', timeout: 300 }, { direction: 'in' }));
    const one = line.connect();
    one.send('lost');
    one.send('answer', 'out');
    line.clock.advance(299);
    t.strictSame(one.texts(), ['answer'], 'the other direction goes on');
    line.clock.advance(1);
    t.strictSame(one.texts(), ['answer', '<close>']);

    const endless = tcpLine(rule({ do: 'timeout', timeout: 0 }));
    const two = endless.connect();
    two.send('lost');
    const idle = endless.connect();
    endless.clock.advance(1e9);
    t.strictSame(two.texts(), []);
    endless.added[0]!.remove();
    t.strictSame(two.texts(), ['<reset>'], 'it has a hole, so it cannot go on');
    idle.send('fresh');
    t.strictSame(idle.texts(), ['fresh'], 'what lost nothing goes on');
  },
);

t.test('reset_peer: a reset, at once or after the timeout', async (t) => {
  const line = tcpLine(rule({ do: 'reset_peer' }));
  const one = line.connect();
  line.clock.advance(0);
  t.strictSame(one.texts(), ['<reset>']);
  const later = tcpLine(rule({ do: 'reset_peer', timeout: 100 }));
  const two = later.connect();
  two.send('x');
  later.clock.advance(99);
  t.strictSame(two.texts(), []);
  later.clock.advance(1);
  t.strictSame(two.texts(), ['<reset>']);
});

t.test('slicer: slices of average_size ± size_variation, each delay microseconds after the one before', async (t) => {
  const line = tcpLine(rule({ do: 'slicer', average_size: 10, size_variation: 4, delay: 2000 }, { direction: 'out' }));
  const one = line.connect();
  const text = Array.from({ length: 500 }, (_, i) => String(i % 10)).join('');
  one.send(text, 'out');
  one.finish('out');
  line.clock.advance(20);
  const early = one.texts('out').length;
  t.ok(early >= 10 && early <= 12, `${early} slices in 20 ms`);
  line.clock.advance(10_000);
  const slices = one.texts('out');
  t.equal(slices.pop(), '<end>');
  t.equal(slices.join(''), text);
  t.ok(slices.slice(0, -1).every(({ length }) => length >= 6 && length <= 14));
  t.ok(new Set(slices.map(({ length }) => length)).size > 3);

  const dense = tcpLine(rule({ do: 'slicer', average_size: 1, delay: 10 }));
  const two = dense.connect();
  two.send('x'.repeat(1000));
  dense.clock.advance(10.5);
  t.equal(two.texts().length, 1000, 'a thousand times ten microseconds are ten milliseconds');
});

t.test('limit_data: closed when so many bytes have passed', async (t) => {
  const line = tcpLine(rule({ do: 'limit_data', bytes: 10 }, { direction: 'in' }));
  const one = line.connect();
  one.send('12345678');
  one.send('out of its sight', 'out');
  t.equal(line.added[0]!.hits(), 0);
  one.send('90abc');
  t.strictSame(one.texts(), ['12345678', 'out of its sight', '90', '<close>']);
  one.send('more');
  t.equal(one.texts('in').length, 2);
  t.equal(line.added[0]!.hits(), 1);
});

t.test('stall: data waits and is never lost, until time limit or the rule is removed', async (t) => {
  const line = tcpLine(rule({ do: 'stall' }));
  const one = line.connect();
  for (const text of ['a', 'b', 'c']) one.send(text);
  one.finish('in');
  line.clock.advance(1e9);
  t.strictSame(one.texts(), []);
  t.equal(line.added[0]!.held(), 4);
  line.added[0]!.remove();
  t.strictSame(one.texts(), ['a', 'b', 'c', '<end>']);

  const timed = tcpLine(rule({ do: 'stall', ms: 100 }));
  const two = timed.connect();
  two.send('a');
  timed.clock.advance(100);
  two.send('b');
  t.strictSame(two.texts(), ['a', 'b']);
});

t.test('hold: pieces are let go one by one, changed or not', async (t) => {
  const line = tcpLine(rule({ do: 'hold' }));
  const one = line.connect();
  for (const text of ['a', 'b', 'c', 'd']) one.send(text);
  one.finish('in');
  const [held] = line.added;
  t.equal(held!.release(1), 1);
  t.strictSame(one.texts(), ['a']);
  t.equal(
    held!.release(2, (bytes) => (bytes.toString() === 'b' ? undefined : Buffer.from('C'))),
    2,
  );
  t.strictSame(one.texts(), ['a', 'C']);
  t.equal(held!.release(), 1);
  t.strictSame(one.texts(), ['a', 'C', 'd', '<end>']);
  t.equal(held!.held(), 0);
});

t.test('all rules that a connection is under act, in the order of their making', async (t) => {
  const line = tcpLine(rule({ do: 'latency', latency: 100 }), rule({ do: 'slicer', average_size: 2 }));
  const one = line.connect();
  one.send('abcdef');
  line.clock.advance(100);
  t.strictSame(one.texts(), ['ab', 'cd', 'ef']);
  const third = line.faults.add(rule({ do: 'latency', latency: 50 }));
  one.send('gh');
  line.clock.advance(149);
  t.equal(one.texts().length, 3);
  line.clock.advance(1);
  t.strictSame(one.texts().slice(3), ['gh']);
  one.send('ij');
  line.clock.advance(100);
  one.send('kl');
  line.added[0]!.remove();
  third.remove();
  t.strictSame(one.texts().slice(4), ['ij', 'kl'], 'what waits in any of them goes on in order');
  line.added[1]!.remove();
  t.equal(one.gate, undefined, 'without a rule nothing stands in the way');
});

t.test('a rule strikes connections that are open already, and those that it comes to select', async (t) => {
  const line = tcpLine();
  const early = line.connect();
  early.send('before');
  const tunnels = line.faults.add(rule({ do: 'stall' }, { kind: 'tunnel', session: 'abc' }));
  const late = line.connect();
  for (const one of [early, late]) one.send('login');
  t.equal(tunnels.seen(), 0);
  late.kind = 'tunnel';
  late.session = 'abc';
  line.faults.tcp!.look(late);
  line.faults.tcp!.look(late);
  t.equal(tunnels.seen(), 1, 'each connection is counted once');
  late.send('data');
  t.strictSame(late.texts(), ['login']);
  t.match(tunnels.events(), [{ kind: 'tunnel', direction: 'in', session: 'abc', remote: '192.0.2.7:5000', length: 4 }]);
  early.send('more');
  t.strictSame(early.texts(), ['before', 'login', 'more']);
});

t.test('chance is drawn once for each connection, as toxicity is', async (t) => {
  const line = tcpLine(rule({ do: 'stall' }, {}, { chance: 0.3 }));
  let stalled = 0;
  for (let i = 0; i < 1000; i++) {
    const one = line.connect();
    one.send('a');
    one.send('b');
    if (one.texts().length === 0) stalled++;
    else t.equal(one.texts().length, 2);
  }
  t.ok(stalled > 250 && stalled < 350, `${stalled} of 1000`);
  t.strictSame([line.added[0]!.seen(), line.added[0]!.hits()], [1000, stalled]);
});

t.test('after and during go for connections that are open as well', async (t) => {
  const line = tcpLine(rule({ do: 'stall' }, {}, { after: '10s', during: '5s' }));
  const one = line.connect();
  one.send('a');
  line.clock.advance(10_000);
  one.send('b');
  t.strictSame(one.texts(), ['a']);
  line.clock.advance(5000);
  t.strictSame(one.texts(), ['a', 'b']);
  one.send('c');
  t.strictSame(one.texts(), ['a', 'b', 'c']);
});

t.test('memory is bounded: who sends more than may wait is not read, and it is told', async (t) => {
  const line = tcpLine(rule({ do: 'stall' }, { direction: 'in' }));
  const chunk = 'x'.repeat(65_536);
  const one = line.connect();
  let sent = 0;
  while (one.reads) {
    one.send(chunk);
    sent += chunk.length;
  }
  t.ok(sent <= 1_048_576 + 65_536, `${sent} bytes of one connection`);
  let total = sent;
  for (let i = 0; i < 200; i++) {
    const other = line.connect();
    while (other.reads) {
      other.send(chunk);
      total += chunk.length;
    }
  }
  t.ok(total <= (64 << 20) + 201 * 65_536, `${total} bytes of 201 connections`);
  t.equal(line.events.of('fault.limit').length, 1, 'told once');
  const many = tcpLine(rule({ do: 'stall' }));
  const small = many.connect();
  let pieces = 0;
  while (small.reads && pieces < 100_000) {
    small.send('x');
    pieces++;
  }
  t.ok(pieces < 10_000, `${pieces} pieces of one byte`);
  line.added[0]!.remove();
  t.equal(one.reads, true);
  t.equal(one.texts().join('').length, sent);
});

t.test('what a connection has to send is bounded too', async (t) => {
  const line = tcpLine(rule({ do: 'stall' }, { direction: 'out' }));
  const one = line.connect();
  let sent = 0;
  while (Number.isFinite(one.gate!.queued)) {
    one.send('x'.repeat(16_384), 'out');
    sent += 16_384;
  }
  t.ok(sent <= 1_048_576 + 16_384);
  line.added[0]!.remove();
  t.ok(one.drains > 0, 'it is told that there is room');
});

t.test('10,000 rules, and connections that few of them are about', async (t) => {
  const line = tcpLine();
  for (let i = 0; i < 10_000; i++) {
    line.faults.add(rule({ do: 'stall' }, { session: `s${i}` }));
  }
  for (let i = 0; i < 1000; i++) {
    const one = line.connect();
    one.session = `s${i}`;
    line.faults.tcp!.look(one);
    one.send('x');
    t.equal(one.texts().length, 0);
  }
  line.faults.clear();
  t.equal(line.faults.tcp, undefined);
  for (const one of line.open) t.strictSame([one.texts(), one.gate], [['x'], undefined]);
});

t.test('a connection that ends under a rule leaves no timer and no memory behind', async (t) => {
  const actions: FaultAction[] = [
    { do: 'latency', latency: 1000 },
    { do: 'bandwidth', rate: 1 },
    { do: 'slow_close', delay: 1000 },
    { do: 'timeout', timeout: 1000 },
    { do: 'reset_peer', timeout: 1000 },
    { do: 'slicer', average_size: 1, delay: 1000 },
    { do: 'limit_data', bytes: 1_000_000 },
    { do: 'stall', ms: 1000 },
    { do: 'hold' },
  ];
  for (const action of actions) {
    const line = tcpLine(rule(action));
    const one = line.connect();
    one.send('x'.repeat(5000));
    one.finish('in');
    one.send('y', 'out');
    one.gone();
    const before = one.arrivals.length;
    line.clock.advance(1e7);
    t.equal(one.arrivals.length, before, `${action.do}: nothing happens to it any more`);
    t.equal(line.clock.pending, 0, `${action.do}: no timer is left`);
    t.equal(line.added[0]!.held(), 0, action.do);
    line.added[0]!.remove();
    t.equal(one.arrivals.length, before, action.do);
  }
});

t.test('the socket of a connection that was given up waits for its last bytes', async (t) => {
  const line = tcpLine(rule({ do: 'latency', latency: 100 }));
  const one = line.connect();
  one.send('last words', 'out');
  t.equal(one.gate!.linger(), true);
  line.clock.advance(100);
  t.strictSame(one.texts(), ['last words', '<end>']);
  const two = line.connect();
  t.equal(two.gate!.linger(), false, 'nothing waits, nothing is waited for');
  const stuck = tcpLine(rule({ do: 'stall' }));
  const all = Array.from({ length: 1025 }, () => {
    const each = stuck.connect();
    each.send('x', 'out');
    t.equal(each.gate!.linger(), true);
    return each;
  });
  t.strictSame(all[0]!.texts(), ['<dropped>'], 'there is room for so many');
  stuck.faults.tcp!.abandon();
  t.ok(all.every((each) => each.texts().at(-1) === '<dropped>'));
});

t.test('after a reset a connection that had something waiting is gone, others go on', async (t) => {
  const line = tcpLine(rule({ do: 'hold' }));
  const one = line.connect();
  const two = line.connect();
  one.send('x');
  line.faults.reset();
  t.strictSame(one.texts(), ['<reset>']);
  two.send('y');
  t.strictSame(two.texts(), ['y']);
});

t.test('rules that make no sense are refused, in words', async (t) => {
  const { faults } = tcpLine();
  const wrong: [FaultRuleInput, RegExp][] = [
    [rule({ do: 'drop' }), /drop is not possible at the seam tcp/],
    [rule({ do: 'latency' }), /latency needs "latency"/],
    [rule({ do: 'latency', latency: 1, rate: 2 }), /latency has no "rate"/],
    [rule({ do: 'slicer', average_size: 10, size_variation: 10 }), /a slice could have no bytes/],
    [rule({ do: 'stall' }, { kind: 'tunel' }), /Did you mean "tunnel"/],
    [rule({ do: 'stall' }, { length: 5 }), /have no length/],
    [{ on: { seam: 'udp' }, then: { do: 'latency', latency: 5 } }, /latency is not possible at the seam udp/],
    [{ on: { seam: 'udp' }, then: { do: 'mtu_blackhole', bytes: 70_000 } }, /would never strike/],
  ];
  for (const [each, message] of wrong) t.throws(() => faults.add(each), { code: 'ERR_FAULT_RULE', message });
  t.throws(() => faults.add(rule({ do: 'bandwidth', rate: Number.NaN })), { code: 'ERR_FAULT_RULE' });
  t.throws(() => faults.add(rule(JSON.parse('{"do":"stall","__proto__":{"ms":1}}'))), { code: 'ERR_FAULT_RULE' });
});

t.test('bytes of a handshake are not counted in events, as signatures differ in length', async (t) => {
  const line = tcpLine(rule({ do: 'latency', latency: 1 }));
  line.connect().send('x'.repeat(1510), 'out');
  t.equal(line.added[0]!.events()[0]!.length, undefined);
  const tunnel = line.connect();
  tunnel.kind = 'tunnel';
  tunnel.send('x'.repeat(100), 'out');
  t.equal(line.added[0]!.events()[1]!.length, 100);
});
