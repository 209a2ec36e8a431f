import t from 'tap';
import { FRAGMENT_HOLES, FRAGMENT_OVERHEAD, FRAGMENT_TIMEOUT } from '../../../src/netstack/core/constants.ts';
import type { Counters } from '../../../src/netstack/core/counters.ts';
import type { Party } from '../../../src/netstack/core/shares.ts';
import { type FragmentHost, Fragments } from '../../../src/netstack/ip/fragments.ts';

const HEAD = 20;
const MAX_PACKET = 65_535;

/** Reassembly by itself: what it counts, whom it stops, and what it says when time is over. */
function setup(limits = { fragmentBytes: 1 << 20, fragmentPackets: 100 }) {
  const counters = {
    fragmentsIn: 0,
    reassembled: 0,
    dropFragmentBad: 0,
    dropFragmentDuplicate: 0,
    dropFragmentOverlap: 0,
    dropFragmentLimit: 0,
    dropFragmentTimeout: 0,
  };
  const parties = new Map<string, Party>();
  const reached: string[] = [];
  const late: Buffer[] = [];
  const time = { now: 0, who: 'a' };
  const party = (name: string): Party => {
    if (!parties.has(name)) parties.set(name, { name, fragments: 0 } as unknown as Party);
    return parties.get(name)!;
  };
  const host: FragmentHost = {
    counters: counters as unknown as Counters,
    get now() {
      return time.now;
    },
    get party() {
      return party(time.who);
    },
    limitReached: (table, action, who) =>
      reached.push(`${table} ${action} ${(who as unknown as { name: string }).name}`),
    limits,
    fragmentsTimedOut: (first) => late.push(first),
  };
  const fragments = new Fragments(host);
  /** Bytes `from` to `to` of a packet, numbered by their place, behind a head. */
  const add = (from: number, to: number, more: boolean, key = 'k', head = HEAD): string | undefined => {
    const packet = Buffer.alloc(head + Math.max(0, to - from), 0xee);
    for (let i = from; i < to; i++) packet[head + i - from] = i & 0xff;
    const whole = fragments.add({
      key,
      buffer: packet,
      packet: 0,
      packetLength: packet.length,
      headLength: head,
      at: head,
      length: to - from,
      from,
      more,
    });
    if (!whole) return undefined;
    const right = whole.body.every((byte, i) => byte === (i & 0xff)) && whole.head.equals(Buffer.alloc(head, 0xee));
    return `${whole.body.length} ${right ? 'right' : 'wrong'}`;
  };
  return { fragments, counters, party, reached, late, time, add };
}

t.test('the last fragment says how long a packet is, and nothing may say otherwise', async (t) => {
  const outcome = (...parts: [from: number, to: number, more: boolean][]) => {
    const { add, counters } = setup();
    const results = parts.map(([from, to, more]) => add(from, to, more));
    return { whole: results.find((result) => result !== undefined), dropped: counters.dropFragmentOverlap };
  };
  const whole = { whole: '24 right', dropped: 0 };
  t.strictSame(outcome([16, 24, false], [0, 8, true], [8, 16, true]), whole, 'the last first');
  t.strictSame(outcome([0, 16, true], [16, 24, false]), whole);
  t.strictSame(outcome([16, 24, false], [0, 16, true]), whole, 'up to the last');
  const dropped = { whole: undefined, dropped: 1 };
  t.strictSame(outcome([16, 24, false], [24, 32, true]), dropped, 'more behind the end');
  t.strictSame(outcome([16, 24, false], [32, 40, false]), dropped, 'another end farther on');
  t.strictSame(outcome([16, 24, false], [0, 8, false]), dropped, 'another end before it');
  t.strictSame(outcome([16, 24, true], [0, 8, false]), dropped, 'an end before what has come');
  t.strictSame(outcome([16, 24, true], [8, 16, false]), dropped, 'an end that touches it');
  t.strictSame(outcome([0, 8, false]), { whole: '8 right', dropped: 0 }, 'a first that is the last');
});

t.test('what overlaps drops the packet, by a byte from either side', async (t) => {
  for (const [from, to] of [
    [8, 24],
    [23, 32],
    [0, 17],
    [17, 23],
    [8, 40],
    [16, 32],
  ] as const) {
    const { add, counters, fragments } = setup();
    add(16, 24, true);
    // As the last one it may have any length.
    add(from, to, false);
    t.equal(counters.dropFragmentOverlap, 1, `${from} to ${to}`);
    t.equal(fragments.bytes, 0);
  }
  const { add, counters } = setup();
  add(16, 24, true);
  add(16, 24, true);
  t.equal(counters.dropFragmentDuplicate, 1, 'the same again is no overlap');
  add(8, 16, true);
  add(24, 30, false);
  t.equal(add(0, 8, true), '30 right', 'neighbours are none either');
});

t.test('a packet of 65,535 bytes with its headers is put together, and one byte more is refused', async (t) => {
  const most = MAX_PACKET - HEAD;
  const edge = most - (most % 8);
  const { add, counters } = setup();
  add(0, edge, true);
  t.equal(add(edge, most, false), `${most} right`);
  add(0, edge, true);
  t.equal(add(edge, most + 1, false), undefined);
  t.equal(counters.dropFragmentBad, 1);
  t.equal(add(edge, most, false, 'k', HEAD + 1), undefined, 'a longer head counts');
  t.equal(counters.dropFragmentBad, 2);
});

t.test('only the last fragment may have a length that is no multiple of eight, and none may be empty', async (t) => {
  const { add, counters } = setup();
  for (const length of [1, 4, 7, 9]) t.equal(add(0, length, true), undefined);
  add(0, 0, true);
  add(8, 8, false);
  t.equal(counters.dropFragmentBad, 6);
  t.equal(counters.fragmentsIn, 6);
  add(0, 8, true);
  t.equal(add(8, 9, false), '9 right');
});

t.test(`a packet is kept in ${FRAGMENT_HOLES} pieces at the most`, async (t) => {
  const inPieces = (count: number) => {
    const one = setup();
    for (let i = count - 1; i > 0; i--) one.add(i * 8, i * 8 + 8, i < count - 1);
    return { whole: one.add(0, 8, true), dropped: one.counters.dropFragmentLimit };
  };
  t.strictSame(inPieces(FRAGMENT_HOLES), { whole: `${FRAGMENT_HOLES * 8} right`, dropped: 0 });
  t.strictSame(inPieces(FRAGMENT_HOLES + 1), { whole: undefined, dropped: 1 });
});

t.test('bytes are counted with what keeping them costs, and given back with the packet', async (t) => {
  const { add, fragments, party } = setup();
  add(0, 8, true);
  add(16, 24, true);
  t.equal(fragments.bytes, 2 * (8 + FRAGMENT_OVERHEAD));
  t.equal(party('a').fragments, fragments.bytes);
  add(24, 32, false);
  t.equal(add(8, 16, true), '32 right');
  t.equal(fragments.bytes, 0);
  t.equal(party('a').fragments, 0);
});

t.test('room for bytes is used to the last one, and made at the cost of who holds most', async (t) => {
  const piece = 8 + FRAGMENT_OVERHEAD;
  const full = setup({ fragmentBytes: 4 * piece, fragmentPackets: 100 });
  for (let i = 0; i < 4; i++) full.add(0, 8, true, `p${i}`);
  t.equal(full.fragments.bytes, 4 * piece);
  t.strictSame(full.reached, []);
  full.add(0, 8, true, 'p4');
  t.strictSame(full.reached, ['fragments refused a'], 'alone, one has all of it, and no more');
  full.time.who = 'b';
  full.add(0, 8, true, 'other');
  t.strictSame(full.reached.slice(1), ['fragments evicted a']);
  t.equal(full.party('a').fragments, 3 * piece);
  t.equal(full.party('b').fragments, piece);
});

t.test(
  'packets are counted too: the oldest of who holds most goes, one’s own first when one has a share',
  async (t) => {
    const one = setup({ fragmentBytes: 1 << 20, fragmentPackets: 4 });
    for (let i = 0; i < 4; i++) one.add(0, 8, true, `p${i}`);
    one.add(0, 8, true, 'p4');
    t.strictSame(one.reached, ['fragments refused a']);
    t.equal(one.add(8, 16, false, 'p1'), '16 right', 'the second is there');
    t.equal(one.add(8, 16, false, 'p0'), undefined, 'the oldest went');
  },
);

t.test(
  `after ${FRAGMENT_TIMEOUT / 1000} s a packet is given up, and its sender told if its beginning is here`,
  async (t) => {
    const { add, fragments, counters, late, time } = setup();
    t.equal(fragments.nextDeadline, Infinity);
    time.now = 5;
    add(0, 8, true, 'beginning');
    time.now = 6;
    add(8, 16, true, 'no beginning');
    t.equal(fragments.nextDeadline, 5 + FRAGMENT_TIMEOUT);
    time.now = 4 + FRAGMENT_TIMEOUT;
    fragments.expire();
    t.equal(counters.dropFragmentTimeout, 0);
    time.now = 5 + FRAGMENT_TIMEOUT;
    fragments.expire();
    t.equal(counters.dropFragmentTimeout, 1);
    t.strictSame(
      late.map((first) => first.length),
      [HEAD + 8],
    );
    t.equal(fragments.nextDeadline, 6 + FRAGMENT_TIMEOUT);
    time.now = 6 + FRAGMENT_TIMEOUT;
    fragments.expire();
    t.equal(counters.dropFragmentTimeout, 2);
    t.equal(late.length, 1);
    t.equal(fragments.bytes, 0);
  },
);

t.test('of the first fragment 1232 bytes are kept for the message: what an ICMPv6 error may quote', async (t) => {
  const { add, fragments, late, time } = setup();
  add(0, 4000, true);
  time.now = FRAGMENT_TIMEOUT;
  fragments.expire();
  t.equal(late[0]?.length, 1232);
});

t.test('clearing forgets everything', async (t) => {
  const { add, fragments } = setup();
  add(0, 8, true);
  fragments.clear();
  t.equal(fragments.bytes, 0);
  t.equal(fragments.nextDeadline, Infinity);
  t.equal(add(8, 16, false), undefined);
});
