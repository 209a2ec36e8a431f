import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import { DeadlineHeap, type Sleeper } from '../../src/lib/deadline-heap.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack } from '../../src/netstack/index.ts';
import { formatAddress, parseAddress } from '../../src/netstack/ip/address.ts';
import { believableMtu, PathMtuCache } from '../../src/netstack/ip/path-mtu.ts';
import { Cubic } from '../../src/netstack/tcp/congestion/cubic.ts';
import { NewReno } from '../../src/netstack/tcp/congestion/newreno.ts';
import { wantedScale } from '../../src/netstack/tcp/lifecycle.ts';
import { RttEstimator } from '../../src/netstack/tcp/rtt.ts';
import { SipHash } from '../../src/netstack/tcp/siphash.ts';
import { TcpSegmentOptions } from '../../src/netstack/tcp/tcp-options.ts';

t.test('SipHash-2-4 gives the reference vectors of its authors', async (t) => {
  // Key 00..0f, input 00 01 02 … of the length; vectors_sip64 of the reference implementation.
  const hash = new SipHash(Buffer.from(Array.from({ length: 16 }, (_, i) => i)));
  for (const [length, expected] of [
    [0, '310e0edd47db6f72'],
    [8, '6224939a79f5f593'],
  ] as const) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => i));
    const words = new Int32Array(length / 4);
    for (let i = 0; i < words.length; i++) words[i] = bytes.readInt32LE(4 * i);
    hash.hash(words);
    const out = Buffer.alloc(8);
    out.writeInt32LE(hash.low, 0);
    out.writeInt32LE(hash.high, 4);
    t.equal(out.toString('hex'), expected);
  }
});

t.test(
  'the heap gives sleepers in order of their deadlines, which may move earlier at once and later for free',
  async (t) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 0, max: 1000 }), fc.boolean()), { maxLength: 100 }),
        (steps) => {
          const heap = new DeadlineHeap<Sleeper>();
          const sleepers = Array.from({ length: 21 }, () => ({ heapIndex: -1 }));
          const filed = new Map<Sleeper, number>();
          for (const [which, at, remove] of steps) {
            const sleeper = sleepers[which]!;
            if (remove) {
              heap.remove(sleeper);
              filed.delete(sleeper);
            } else {
              heap.schedule(sleeper, at);
              filed.set(sleeper, Math.min(at, filed.get(sleeper) ?? Infinity));
            }
            if (heap.next !== Math.min(Infinity, ...filed.values())) return false;
          }
          let last = -1;
          for (let n = filed.size; n > 0; n--) {
            const at = heap.next;
            if (at < last || filed.get(heap.shift()) !== at) return false;
            last = at;
          }
          return heap.next === Infinity;
        },
      ),
    );
    t.pass();
  },
);

t.test('the retransmission timeout follows RFC 6298: first sample, smoothing, minimum and maximum', async (t) => {
  const rtt = new RttEstimator();
  t.equal(rtt.rto, 1000);
  rtt.sample(400, 0);
  t.equal(rtt.srtt, 400);
  t.equal(rtt.rttvar, 200);
  t.equal(rtt.rto, 1200);
  rtt.sample(800, 1);
  t.equal(rtt.rttvar, 250);
  t.equal(rtt.srtt, 450);
  t.equal(rtt.rto, 1450);
  for (let i = 0; i < 200; i++) rtt.sample(1, i);
  t.equal(rtt.rto, 200);
  rtt.sample(1e9, 0);
  t.equal(rtt.rto, 60_000);
  t.equal(rtt.min, 1);
  rtt.sample(50, 400_000);
  t.equal(rtt.min, 50, 'the minimum is of the last minutes');
});

t.test('NewReno doubles in slow start, adds a segment per window after, halves on loss (RFC 5681)', async (t) => {
  const reno = new NewReno(10_000, 1000);
  reno.onAck(10_000);
  t.equal(reno.cwnd, 20_000);
  reno.onCongestion(20_000);
  t.equal(reno.ssthresh, 10_000);
  reno.cwnd = reno.ssthresh;
  reno.onAck(10_000);
  t.equal(reno.cwnd, 11_000);
  reno.onTimeout(11_000, 0, false);
  t.equal(reno.cwnd, 1000);
  t.equal(reno.ssthresh, 5500);
  reno.undo();
  t.equal(reno.cwnd, 11_000);
  t.equal(reno.ssthresh, 10_000, 'both windows come back');
});

t.test('CUBIC cuts to 0.7, is back at the old window after K seconds, then probes beyond (RFC 9438 §4)', async (t) => {
  const mss = 1000;
  const cubic = new Cubic(10 * mss, mss);
  cubic.cwnd = 1000 * mss;
  cubic.onCongestion(1000 * mss);
  t.equal(cubic.ssthresh, 700 * mss);
  cubic.cwnd = cubic.ssthresh;
  // K = cbrt(Wmax (1 - beta) / C) = cbrt(1000 * 0.3 / 0.4) = 9.09 s
  const at = new Map<number, number>();
  for (let now = 0; now <= 15_000; now += 100) {
    cubic.onAck(cubic.cwnd, now, 100);
    at.set(now, cubic.cwnd / mss);
  }
  t.ok(Math.abs(at.get(9000)! - 1000) < 15, `${at.get(9000)} at K`);
  t.ok(at.get(5000)! > 950 && at.get(5000)! < 1000, 'concave before');
  t.ok(at.get(15_000)! > 1050, 'convex after');
  const small = new Cubic(10 * mss, mss);
  small.cwnd = 10 * mss;
  small.onCongestion(10 * mss);
  small.cwnd = small.ssthresh;
  for (let now = 0; now < 500; now += 10) small.onAck(small.cwnd, now, 10);
  t.ok(small.cwnd >= 30 * mss, 'no slower than Reno on a short path (§4.3)');
});

t.test(
  'past slow start NewReno grows by one segment for each window of acknowledged bytes, to the byte (RFC 3465)',
  async (t) => {
    const mss = 1000;
    const reno = new NewReno(10 * mss, mss);
    reno.ssthresh = 10 * mss;
    reno.onAck(10 * mss - 1);
    t.equal(reno.cwnd, 10 * mss);
    reno.onAck(1);
    t.equal(reno.cwnd, 11 * mss);
    reno.onAck(11 * mss - 1);
    t.equal(reno.cwnd, 11 * mss);
    reno.onAck(1);
    t.equal(reno.cwnd, 12 * mss);
    reno.onAck(25 * mss);
    t.equal(reno.cwnd, 14 * mss, 'twelve and thirteen windows');
  },
);

t.test('a new stack has counted nothing', async (t) => {
  const stack = createNetstack({ output: () => {}, random: seededRandom(1), now: 0 });
  t.strictSame(
    Object.entries(stack.stats()).filter(([, value]) => value !== 0),
    [],
  );
});

t.test('after each timeout, idle time and undone reduction, CUBIC begins its curve anew', async (t) => {
  const mss = 1000;
  /** Growth in a round trip, ten seconds after what `interrupt` does. */
  const growth = (interrupt: (cubic: Cubic) => void): number => {
    const cubic = new Cubic(10 * mss, mss);
    cubic.cwnd = 100 * mss;
    cubic.onCongestion(100 * mss);
    cubic.cwnd = cubic.ssthresh;
    for (let now = 0; now <= 1000; now += 100) cubic.onAck(cubic.cwnd, now, 100);
    interrupt(cubic);
    cubic.cwnd = 50 * mss;
    cubic.ssthresh = 10 * mss;
    cubic.onAck(cubic.cwnd, 20_000, 100);
    return cubic.cwnd - 50 * mss;
  };
  // The curve of twenty seconds ago leads as far as it may at once: half a window.
  t.ok(growth(() => {}) >= 25 * mss);
  for (const [name, interrupt] of Object.entries({
    'a timeout': (cubic: Cubic) => cubic.onTimeout(50 * mss, 20_000, true),
    'idle time': (cubic: Cubic) => cubic.onIdle(10 * mss),
    'an undone reduction': (cubic: Cubic) => cubic.undo(),
    'a reduction': (cubic: Cubic) => cubic.onCongestion(50 * mss),
  })) {
    t.ok(growth(interrupt) < 15 * mss, `${name}: ${growth(interrupt)}`);
  }
});

t.test('below the old window CUBIC grows by 0.53 segments a round trip on a short path (RFC 9438 §4.3)', async (t) => {
  const mss = 1000;
  const cubic = new Cubic(10 * mss, mss);
  cubic.cwnd = 100 * mss;
  cubic.onCongestion(100 * mss);
  cubic.cwnd = 70 * mss;
  cubic.ssthresh = 10 * mss;
  // The curve itself has got nowhere within these few milliseconds.
  for (let now = 0; now < 10; now++) cubic.onAck(cubic.cwnd, now, 1);
  const grown = cubic.cwnd / mss - 70;
  t.ok(Math.abs(grown - 10 * 0.53) < 1, `${grown} segments in ten round trips`);
});

t.test('beyond the old window the curve of CUBIC begins at the window that is (RFC 9438 §4.8)', async (t) => {
  const mss = 1000;
  const cubic = new Cubic(10 * mss, mss);
  cubic.cwnd = 100 * mss;
  cubic.ssthresh = 10 * mss;
  cubic.onAck(mss, 0, 0);
  const before = cubic.cwnd;
  // C t³ = 0.4 · 5³ = 50 segments more.
  cubic.onAck(cubic.cwnd, 5000, 0);
  t.ok(Math.abs((cubic.cwnd - before) / mss - 50) < 2, `${(cubic.cwnd - before) / mss} segments`);
});

t.test('addresses are read and written as people write them (RFC 5952)', async (t) => {
  for (const text of [
    '10.1.2.3',
    '255.255.255.255',
    '::',
    '::1',
    'fd00::1',
    '2001:db8:0:1:1:1:1:1',
    '2001:db8::1:0:0:1',
    'fe80::',
  ]) {
    const { family, words } = parseAddress(text)!;
    t.equal(formatAddress(family, words, 0), text);
  }
  t.equal(formatAddress(6, parseAddress('::ffff:10.1.2.3')!.words, 0), '::ffff:a01:203');
  t.equal(formatAddress(6, parseAddress('fe80::1%tun0')!.words, 0), 'fe80::1');
  for (const bad of ['', 'host', '1.2.3', '1.2.3.4.5', ':::', 'fd00::1::2']) t.equal(parseAddress(bad), undefined, bad);
});

t.test('options are found in any order, and nothing is read beyond their end', async (t) => {
  const options = new TcpSegmentOptions();
  const syn = Buffer.from([3, 3, 20, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 4, 2, 2, 4, 5, 0xb4]);
  options.parseSyn(syn, 0, syn.length);
  t.match(options, { mss: 1460, windowScale: 14, sackPermitted: true, hasTimestamps: true, tsval: 5, tsecr: 6 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const guarded = Buffer.concat([bytes, Buffer.from([5, 10, 1, 1, 1, 1, 2, 2, 2, 2])]);
      options.parseSyn(guarded, 0, bytes.length);
      return options.sackCount <= 4;
    }),
  );
});

t.test(
  'a path MTU is believed when it is smaller than what was sent and not absurd (RFC 1191, RFC 8201)',
  async (t) => {
    t.equal(believableMtu(4, 1000, 1400), 1000);
    t.equal(believableMtu(4, 68, 1400), 552, 'not below what cripples a flow');
    t.equal(believableMtu(6, 500, 1400), 1280);
    t.equal(believableMtu(4, 1500, 1400), 0);
    t.equal(believableMtu(4, 0, 1400), 1006, 'a router that tells nothing: the next plateau');
    const cache = new PathMtuCache();
    cache.set('a', 1000, 0);
    t.equal(cache.get('a', 599_999), 1000);
    t.equal(cache.get('a', 600_000), undefined, 'for ten minutes');
    for (let i = 0; i < 5000; i++) cache.set(`${i}`, 1000, 0);
    t.equal(cache.get('0', 1), undefined, 'bounded');
  },
);

t.test('the window scale is the smallest that can tell the whole buffer (RFC 7323 §2.3)', async (t) => {
  t.equal(wantedScale(65_535), 0);
  t.equal(wantedScale(65_536), 1);
  t.equal(wantedScale(4 * 1024 * 1024), 7);
  t.equal(wantedScale(2 ** 40), 14);
});
