import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import { Reassembly } from '../../../src/netstack/tcp/reassembly.ts';
import { EVER_RETRANSMITTED, SACKED, SentQueue } from '../../../src/netstack/tcp/sent-queue.ts';
import { RawPeer, sackOption } from '../../support/raw-tcp-peer.ts';

/* What a segment costs follows from its bytes, not from how many came before or in which order. Steps are counted, not time. */

const BYTE = Buffer.from('x');

t.test('early data cost a search each, in whatever order they come', async (t) => {
  const n = 8000;
  const orders: Record<string, (i: number) => number> = {
    'a hole after each, upwards': (i) => 2 * i,
    'a hole after each, downwards': (i) => 2 * (n - i),
    'side by side, downwards': (i) => n - i,
    'holes first, then what fills them, from the far end': (i) => (i < n / 2 ? 2 * i : 2 * (n - i) - 1),
    'from the middle in both directions': (i) => (i % 2 === 0 ? n + i : n - i),
    'all over the place': (i) => (i * 7919) % (2 * n),
  };
  for (const [name, at] of Object.entries(orders)) {
    const reassembly = new Reassembly();
    for (let i = 0; i < n; i++) reassembly.add(1 + at(i), BYTE);
    t.ok(reassembly.steps < 40 * n, `${name}: ${reassembly.steps} steps`);
    const steps = reassembly.steps;
    reassembly.add(0, Buffer.alloc(2 * n + 2));
    t.ok(reassembly.steps - steps < 2 * n + 200, `${name}: one segment over all of it`);
    let bytes = 0;
    t.equal(
      reassembly.drain(0, (_data, _offset, length) => {
        bytes += length;
      }),
      2 * n + 2,
    );
    t.equal(bytes, 2 * n + 2);
    t.equal(reassembly.cost, 0, name);
  }
});

t.test('a flow keeps a bounded number of pieces, and what comes in order gets through', async (t) => {
  const peer = new RawPeer({ sack: true, windowScale: 7 }).establish();
  for (let i = 0; i < 20_000; i++) peer.send({ seq: 3 + 2 * i, payload: 'x' }, i % 100 === 0);
  t.ok(peer.stack.stats().refusedOutOfOrder! > 10_000);
  t.ok(peer.stack.stats().outOfOrderBytes! < 8192 * 200);
  for (let at = 0; at < 40_000; at += 1000) peer.send({ seq: 1 + at, payload: 'y'.repeat(1000) });
  t.equal(peer.data.length, 40_000);
  t.equal(peer.stack.stats().outOfOrderBytes, 0);
});

t.test('what is kept of overlapping data is each byte once', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 120 })), { maxLength: 40 }),
      (segments) => {
        const reassembly = new Reassembly();
        const held = new Set<number>();
        for (const [start, length] of segments) {
          for (let i = 0; i < length; i++) held.add(start + i);
          reassembly.add(start, Buffer.alloc(length));
        }
        // Overhead aside, the cost is the bytes held; it is at most one overhead for each piece that can be.
        return reassembly.cost >= held.size && reassembly.cost <= held.size + 192 * 2 * segments.length;
      },
    ),
  );
});

/** Calls of `SentQueue.flags` while `act` runs. */
function looks(act: () => void): number {
  const { flags } = SentQueue.prototype;
  let count = 0;
  SentQueue.prototype.flags = function (index) {
    count++;
    return flags.call(this, index);
  };
  try {
    act();
  } finally {
    SentQueue.prototype.flags = flags;
  }
  return count;
}

t.test('a run of segments that the peer has is walked once, however often it is named', async (t) => {
  const segments = 4000;
  const peer = new RawPeer({ sack: true, mss: 88, windowScale: 7 }).establish();
  peer.flow!.write(Buffer.alloc(88 * segments));
  peer.stack.flush();
  // Open the congestion window until all is in flight.
  for (let acked = 1, next = 0; ; ) {
    const sent = peer.sent();
    for (const segment of sent) next = Math.max(next, segment.seq + segment.payload.length);
    if (next >= 1 + 88 * segments) break;
    if (sent.length === 0) peer.wait(peer.stack.nextDeadline - peer.now);
    const half = acked + Math.floor((next - acked) / 88 / 2) * 88;
    acked = Math.max(half, acked + 88);
    peer.send({ seq: 1, ack: Math.min(acked, next) });
  }
  const flow = peer.flow!.stats();
  t.ok(flow.mss === 88);
  const una = 1 + 88 * segments - 88 * 1000;
  peer.send({ seq: 1, ack: una });
  const total = looks(() => {
    // Blocks that begin and end elsewhere each time, so that none is known from before.
    for (let i = 0; i < 1000; i++) {
      const from = una + 88 * (1 + (i % 7));
      const to = 1 + 88 * segments - 88 * (i % 5);
      peer.send({ seq: 1, ack: una, options: sackOption(peer, [from, to]) });
    }
  });
  t.ok(total < 60 * 1000 + 20 * 1000, `${total} looks for 1000 acknowledgements over 1000 segments`);
});

t.test('the next segment that is not sacked is found as a plain search finds it', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('push'), fc.constant('shift'), fc.constant('renege'), fc.nat(40)), {
        maxLength: 200,
      }),
      (acts) => {
        const queue = new SentQueue();
        let end = 0;
        for (const act of acts) {
          if (act === 'push') queue.push(++end, 0, EVER_RETRANSMITTED);
          else if (act === 'shift') {
            if (queue.count > 0) queue.shift();
          } else if (act === 'renege') queue.clearSacked();
          else if (Number(act) < queue.count) queue.setFlags(Number(act), SACKED);
          for (let i = 0; i <= queue.count; i++) {
            let plain = i;
            while (plain < queue.count && queue.flags(plain) & SACKED) plain++;
            if (queue.nextUnsacked(i) !== plain) return false;
          }
        }
        return true;
      },
    ),
  );
});

t.test('a peer that asks for tiny segments gets no more of them at once than of usual ones', async (t) => {
  const peer = new RawPeer({ sack: true, mss: 88, windowScale: 14, window: 65_535 }).establish();
  let inFlight = 0;
  for (let i = 0; i < 40; i++) peer.flow!.write(Buffer.alloc(256 * 1024));
  peer.stack.flush();
  let acked = 1;
  let next = 1;
  for (let round = 0; round < 60; round++) {
    for (const segment of peer.sent()) next = Math.max(next, segment.seq + segment.payload.length);
    inFlight = Math.max(inFlight, (next - acked) / 88);
    // One acknowledgement of half of it, again and again: the window grows, and what is in flight with it.
    acked += Math.max(88, Math.floor((next - acked) / 88 / 8) * 88);
    peer.now += 1;
    peer.send({ seq: 1, ack: Math.min(acked, next) });
  }
  t.ok(inFlight > 1000, `${inFlight} segments`);
  t.ok(inFlight <= 16_384 + 1, `${inFlight} segments`);
});
