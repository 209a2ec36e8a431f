import t from 'tap';
import { NetstackTwin, pattern } from '../../support/netstack-twin.ts';
import { ACK, RawPeer, type RawSegment, sackBlocks, sackOption } from '../../support/raw-tcp-peer.ts';

const MSS = 1000;
const starts = (segments: readonly RawSegment[]): number[] => segments.map((segment) => segment.seq);

/** A flow that has `count` segments of 1000 bytes in flight, with a measured round trip of `rtt`. */
function inFlight(
  count: number,
  rtt = 100,
  options: { sack?: boolean; congestion?: 'cubic' | 'newreno' } = {},
): RawPeer {
  const peer = new RawPeer({
    mss: MSS,
    windowScale: 7,
    sack: options.sack ?? true,
    stack: { tcp: { congestion: options.congestion ?? 'cubic' } },
  });
  peer.send({ seq: 0, flags: 2 });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.wait(rtt);
  peer.send({ seq: 1, ack: 1 });
  peer.flow!.write(Buffer.alloc(count * MSS));
  peer.stack.flush();
  return peer;
}

t.test('the initial window is ten segments (RFC 6928)', async (t) => {
  t.equal(inFlight(50).sent().length, 10);
});

t.test('slow start doubles the window with every round trip (RFC 5681 §3.1)', async (t) => {
  const peer = inFlight(200);
  peer.sent();
  peer.wait(100);
  peer.send({ seq: 1, ack: 1 + 10 * MSS });
  t.equal(peer.sent().length, 20);
});

t.test('a lost segment is sent again after the timeout, which doubles each time (RFC 6298 §5.5)', async (t) => {
  const peer = inFlight(0, 100, { sack: false });
  peer.flow!.write(Buffer.alloc(100));
  peer.stack.flush();
  const sentAt = peer.now;
  peer.sent();
  const times: number[] = [];
  for (let i = 0; i < 1200; i++) {
    peer.wait(10);
    for (const segment of peer.sent()) {
      t.equal(segment.seq, 1);
      times.push(peer.now - sentAt);
    }
  }
  const gaps = times.map((time, i) => time - (times[i - 1] ?? 0));
  for (let i = 1; i < gaps.length; i++) t.ok(Math.abs(gaps[i]! / gaps[i - 1]! - 2) < 0.2, `${gaps}`);
  t.ok(gaps[0]! >= 200 && gaps[0]! <= 400, 'from the measured round trip, not below the minimum');
});

t.test('a peer that stays silent is given up after two minutes, not before 100 s (RFC 9293 §3.8.3)', async (t) => {
  const peer = inFlight(1);
  peer.wait(100_000);
  t.equal(peer.closed, undefined);
  peer.wait(100_000);
  t.equal(peer.closed, 'timeout');
});

t.test('without SACK, the third duplicate acknowledgement brings the segment again (RFC 5681 §3.2)', async (t) => {
  const peer = inFlight(10, 100, { sack: false });
  peer.sent();
  peer.wait(100);
  peer.send({ seq: 1, ack: 1 + MSS });
  peer.sent();
  peer.send({ seq: 1, ack: 1 + MSS });
  peer.send({ seq: 1, ack: 1 + MSS });
  t.same(starts(peer.sent()), []);
  peer.send({ seq: 1, ack: 1 + MSS });
  t.same(starts(peer.sent()), [1 + MSS]);
  const { ssthresh } = peer.flow!.stats();
  t.ok(ssthresh < 10 * MSS, 'and the window is cut');
});

t.test('NewReno: a partial acknowledgement brings the next hole without more duplicates (RFC 6582)', async (t) => {
  const peer = inFlight(10, 100, { sack: false, congestion: 'newreno' });
  peer.sent();
  for (let i = 0; i < 3; i++) peer.send({ seq: 1, ack: 1 });
  t.same(starts(peer.sent()), [1]);
  peer.send({ seq: 1, ack: 1 + 4 * MSS });
  t.same(starts(peer.sent()), [1 + 4 * MSS]);
  peer.send({ seq: 1, ack: 1 + 10 * MSS });
  t.equal(peer.stack.stats().tcpFastRecoveries, 1, 'one episode');
});

t.test('with SACK, only the holes are sent again, each once (RFC 6675, RFC 8985)', async (t) => {
  const peer = inFlight(10);
  peer.sent();
  peer.wait(100);
  // 1 and 4 are lost.
  peer.send({
    seq: 1,
    ack: 1 + MSS,
    options: sackOption(peer, [1 + 2 * MSS, 1 + 4 * MSS], [1 + 5 * MSS, 1 + 10 * MSS]),
  });
  peer.wait(1);
  t.same(new Set(starts(peer.sent())), new Set([1 + MSS, 1 + 4 * MSS]));
  peer.wait(90);
  t.same(starts(peer.sent()), []);
  peer.send({ seq: 1, ack: 1 + 10 * MSS });
  t.equal(peer.flow!.stats().retransmits, 2);
});

t.test(
  'RACK: one later delivery is enough when time has passed, and reordering is waited for (RFC 8985 §6.2)',
  async (t) => {
    const peer = inFlight(4);
    peer.sent();
    peer.wait(100);
    // One segment overtook another: no loss yet, the window for reordering is a quarter of the round trip.
    peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1 + MSS, 1 + 2 * MSS]) });
    t.same(starts(peer.sent()), []);
    peer.wait(20);
    t.same(starts(peer.sent()), []);
    peer.wait(10);
    t.same(starts(peer.sent()), [1], 'after 25 ms it counts as lost');
  },
);

t.test(
  'RACK: a retransmission that is lost too is found without waiting for the timeout (RFC 8985 §3.1)',
  async (t) => {
    const peer = inFlight(40);
    peer.sent();
    peer.wait(100);
    peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1 + MSS, 1 + 10 * MSS]) });
    const again = peer.sent();
    t.equal(again[0]?.seq, 1);
    const fresh = again.slice(1).filter((segment) => segment.seq > 10 * MSS);
    t.ok(fresh.length > 0, 'new data goes out beside it');
    peer.wait(101);
    const last = fresh.at(-1)!;
    peer.send({
      seq: 1,
      ack: 1,
      options: sackOption(peer, [1 + MSS, last.seq + MSS]),
    });
    peer.wait(30);
    t.ok(starts(peer.sent()).includes(1), 'a second time');
    t.equal(peer.stack.stats().tcpRetransmitTimeouts, 0);
  },
);

t.test('TLP: the tail of a flight is probed after two round trips, long before a timeout (RFC 8985 §7)', async (t) => {
  const peer = inFlight(10);
  peer.sent();
  peer.wait(100);
  peer.send({ seq: 1, ack: 1 + 7 * MSS });
  peer.sent();
  peer.wait(190);
  t.same(starts(peer.sent()), []);
  peer.wait(20);
  t.same(starts(peer.sent()), [1 + 9 * MSS], 'the last segment');
  t.equal(peer.stack.stats().tcpTailLossProbes, 1);
  // The probe arrived: the two before it are missing.
  peer.wait(100);
  peer.send({ seq: 1, ack: 1 + 7 * MSS, options: sackOption(peer, [1 + 9 * MSS, 1 + 10 * MSS]) });
  peer.wait(60);
  t.same(starts(peer.sent()), [1 + 7 * MSS], 'at the pace of what is delivered (RFC 6937)');
  peer.send({ seq: 1, ack: 1 + 8 * MSS, options: sackOption(peer, [1 + 9 * MSS, 1 + 10 * MSS]) });
  t.same(starts(peer.sent()), [1 + 8 * MSS]);
  t.equal(peer.stack.stats().tcpRetransmitTimeouts, 0);
});

t.test('out-of-order data is reported at once, the latest block first (RFC 2018 §4)', async (t) => {
  const peer = new RawPeer({ sack: true }).establish();
  peer.send({ seq: 1 + 1000, payload: Buffer.alloc(500) });
  t.same(sackBlocks(peer, peer.sent()[0]!), [[1001, 1501]]);
  peer.send({ seq: 1 + 3000, payload: Buffer.alloc(500) });
  t.same(sackBlocks(peer, peer.sent()[0]!), [
    [3001, 3501],
    [1001, 1501],
  ]);
  peer.send({ seq: 1 + 1500, payload: Buffer.alloc(500) });
  t.same(sackBlocks(peer, peer.sent()[0]!)[0], [1001, 2001]);
  peer.send({ seq: 1, payload: Buffer.alloc(1000) });
  const [ack] = peer.sent();
  t.equal(ack?.ack, 2001);
  t.same(sackBlocks(peer, ack!), [[3001, 3501]]);
  t.equal(peer.flow!.stats().outOfOrder, 3);
});

t.test('a duplicate is reported as such, before everything else (RFC 2883 §4)', async (t) => {
  const peer = new RawPeer({ sack: true }).establish();
  peer.send({ seq: 1, payload: Buffer.alloc(1000) });
  peer.wait(50);
  peer.sent();
  peer.send({ seq: 1, payload: Buffer.alloc(1000) });
  t.same(sackBlocks(peer, peer.sent()[0]!), [[1, 1001]]);
  peer.send({ seq: 1 + 3000, payload: Buffer.alloc(100) });
  peer.sent();
  peer.send({ seq: 1 + 3000, payload: Buffer.alloc(100) });
  t.same(sackBlocks(peer, peer.sent()[0]!), [
    [3001, 3101],
    [3001, 3101],
  ]);
  t.equal(peer.stack.stats().tcpDsacksOut, 2);
});

t.test('a reduction that DSACK proves needless is taken back (RFC 3708)', async (t) => {
  const peer = inFlight(10);
  peer.sent();
  const before = peer.flow!.stats().cwnd;
  peer.wait(100);
  peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1 + MSS, 1 + 5 * MSS]) });
  t.same(starts(peer.sent()).slice(0, 1), [1]);
  t.ok(peer.flow!.stats().ssthresh < before);
  // The original was late, not lost.
  peer.send({ seq: 1, ack: 1 + 5 * MSS });
  peer.send({ seq: 1, ack: 1 + 5 * MSS, options: sackOption(peer, [1, 1 + MSS]) });
  t.ok(peer.flow!.stats().cwnd >= before, `${peer.flow!.stats().cwnd} of ${before}`);
  t.equal(peer.stack.stats().tcpUndos, 1);
});

t.test('a timeout that timestamps prove needless is taken back (RFC 3522)', async (t) => {
  const peer = new RawPeer({ mss: MSS, windowScale: 7, sack: true, timestamps: true }).establish();
  peer.flow!.write(Buffer.alloc(8 * MSS));
  peer.stack.flush();
  const { cwnd } = peer.flow!.stats();
  const echo = peer.tsecr;
  peer.wait(2000);
  t.ok(peer.stack.stats().tcpRetransmitTimeouts! > 0);
  t.ok(peer.flow!.stats().cwnd < cwnd);
  peer.tsecr = echo;
  peer.send({ seq: 1, ack: 1 + MSS });
  t.ok(peer.flow!.stats().cwnd >= cwnd);
  t.equal(peer.stack.stats().tcpUndos, 1);
});

t.test('after a timeout the window is one segment (RFC 5681 §3.1), and the flow recovers', async (t) => {
  const peer = inFlight(10, 100, { sack: false });
  peer.sent();
  peer.wait(250);
  while (peer.out.length === 0) peer.wait(50);
  t.equal(peer.flow!.stats().cwnd, MSS);
  t.same(starts(peer.sent()), [1]);
  peer.send({ seq: 1, ack: 1 + MSS });
  t.equal(peer.sent().length, 2, 'slow start from there');
});

t.test(
  'a smaller path MTU that ICMP tells is honoured when it quotes what is in flight (RFC 1191, RFC 5927)',
  async (t) => {
    const twin = new NetstackTwin({ impairment: { delay: 5 } });
    const received: Buffer[] = [];
    const b = twin.b;
    t.ok(b);
    const message = (quoted: Buffer, mtu: number): Buffer => {
      const icmp = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, mtu >> 8, mtu & 0xff]), quoted.subarray(0, 28)]);
      let sum = 0;
      for (let i = 0; i < icmp.length; i += 2) sum += icmp.readUInt16BE(i);
      sum = (sum & 0xffff) + (sum >>> 16);
      icmp.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 2);
      const ip = Buffer.alloc(20);
      ip[0] = 0x45;
      ip.writeUInt16BE(20 + icmp.length, 2);
      ip[8] = 64;
      ip[9] = 1;
      ip.set([10, 0, 0, 254], 12);
      quoted.copy(ip, 16, 12, 16);
      let header = 0;
      for (let i = 0; i < 20; i += 2) header += ip.readUInt16BE(i);
      header = (header & 0xffff) + (header >>> 16);
      ip.writeUInt16BE(~header & 0xffff, 10);
      return Buffer.concat([ip, icmp]);
    };
    const other = new NetstackTwin({
      impairment: { delay: 5 },
      b: {
        onTcp: (request) => {
          const flow = request.accept();
          flow.handler = {
            onData: (chunk) => {
              received.push(chunk);
              flow.consumed(chunk.length);
            },
            onClose() {},
          };
        },
      },
    });
    const errors: Buffer[] = [];
    other.filter = (packet, from) => {
      if (packet.length <= 1000) return true;
      if (from === 'a') errors.push(message(packet, 1000));
      return false;
    };
    const flow = other.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 });
    flow.handler = { onData() {}, onClose() {} };
    const data = pattern(50_000);
    flow.write(data);
    other.run(15);
    t.ok(errors.length > 0);
    const forged = Buffer.from(errors[0]!);
    forged.writeUInt32BE((forged.readUInt32BE(20 + 8 + 24) + 0x1000_0000) >>> 0, 52);
    other.inject('a', forged);
    t.equal(flow.stats().mss, 1348, 'a message about a segment that is not in flight is not believed');
    other.inject('a', errors[0]!);
    t.equal(flow.stats().mss, 1000 - 52);
    const { cwnd } = flow.stats();
    other.run(500);
    t.ok(Buffer.concat(received).equals(data));
    t.ok(flow.stats().cwnd >= cwnd, 'no blame for the network');
    t.equal(other.a.stats().tcpRetransmitTimeouts, 0);
    const next = other.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 81 });
    other.run(50);
    t.equal(next.stats().mss, 1000 - 52, 'the next flow to this peer knows');
  },
);

t.test(
  'a black hole is found by its silence: full segments vanish, smaller ones get through (RFC 4821 §7.7)',
  async (t) => {
    const received: Buffer[] = [];
    const twin = new NetstackTwin({
      impairment: { delay: 5, mtu: 1200 },
      b: {
        onTcp: (request) => {
          const flow = request.accept();
          flow.handler = {
            onData: (chunk) => {
              received.push(chunk);
              flow.consumed(chunk.length);
            },
            onClose() {},
          };
        },
      },
    });
    const flow = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 });
    flow.handler = { onData() {}, onClose() {} };
    const data = pattern(100_000);
    flow.write(data);
    twin.run(10_000);
    t.ok(Buffer.concat(received).equals(data));
    t.equal(twin.a.stats().tcpBlackHoles, 1);
  },
);

t.test('acknowledgements of a peer do not outrun what an idle flow may send afterwards (RFC 5681 §4.1)', async (t) => {
  const peer = inFlight(100);
  for (let i = 0; i < 8; i++) {
    const last = peer.sent().at(-1);
    if (last === undefined) break;
    peer.wait(100);
    peer.send({ seq: 1, ack: last.seq + last.payload.length });
  }
  t.ok(peer.flow!.stats().cwnd > 40 * MSS);
  peer.wait(60_000);
  peer.flow!.write(Buffer.alloc(100 * MSS));
  peer.stack.flush();
  t.equal(peer.sent().length, 10, 'an initial window after a pause');
  t.equal(ACK, 16);
});
