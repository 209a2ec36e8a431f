import { Buffer } from 'node:buffer';
import t from 'tap';
import {
  type RawPeer as Peer,
  RawPeer,
  type RawPeerOptions,
  type RawSegment,
  SYN,
  sackOption,
} from '../../support/raw-tcp-peer.ts';

/* The small print of loss recovery: what counts as an answer, what is probed and how often, and what each is taken for. */

const MSS = 1000;
const RTT = 100;
/** Two round trips: when the tail of several segments is probed (RFC 8985 §7.2). */
const PTO = 2 * RTT;
const starts = (segments: readonly RawSegment[]): number[] => segments.map((segment) => segment.seq);

/** A flow whose round trip was measured, with nothing in flight. */
function measured(options: RawPeerOptions = {}): Peer {
  const peer = new RawPeer({ mss: MSS, windowScale: 7, sack: true, ...options });
  peer.send({ seq: 0, flags: SYN });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.wait(RTT);
  peer.send({ seq: 1, ack: 1 });
  return peer;
}

/** As `measured`, with this many bytes written. */
function inFlight(bytes: number, options: RawPeerOptions = {}): Peer {
  const peer = measured(options);
  write(peer, bytes);
  peer.sent();
  return peer;
}

function write(peer: Peer, bytes: number): void {
  peer.flow!.write(Buffer.alloc(bytes));
  peer.stack.flush();
}

t.test('acknowledgements of nothing new do not put off the timeout (RFC 6298 §5.3)', async (t) => {
  const peer = inFlight(MSS);
  const { rto } = peer.flow!.stats();
  for (let waited = 0; waited < rto - 20; waited += 20) {
    peer.wait(20);
    peer.send({ seq: 1, ack: 1 });
  }
  t.strictSame(peer.sent(), []);
  peer.wait(20);
  t.strictSame(starts(peer.sent()), [1]);
  t.equal(peer.stack.stats().tcpRetransmitTimeouts, 1);
});

t.test('the window is halved by NewReno and cut to 0.7 by CUBIC, as the option says', async (t) => {
  for (const [congestion, part] of [
    ['newreno', 0.5],
    ['cubic', 0.7],
  ] as const) {
    const peer = inFlight(10 * MSS, { stack: { tcp: { congestion } } });
    peer.wait(RTT);
    peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1 + MSS, 1 + 10 * MSS]) });
    t.equal(peer.flow!.stats().ssthresh, part * 10 * MSS, congestion);
  }
});

t.test('the window begins anew after more than one timeout of idleness, not after one (RFC 5681 §4.1)', async (t) => {
  for (const more of [0, 1]) {
    const peer = inFlight(30 * MSS);
    peer.wait(RTT);
    peer.send({ seq: 1, ack: 1 + 10 * MSS });
    t.equal(peer.sent().length, 20, 'the window is doubled');
    peer.wait(RTT);
    peer.send({ seq: 1, ack: 1 + 30 * MSS });
    const { rto, cwnd } = peer.flow!.stats();
    t.ok(cwnd >= 20 * MSS);
    peer.wait(rto - RTT + more);
    write(peer, 60 * MSS);
    t.equal(peer.sent().length, more > 0 ? 10 : cwnd / MSS, `${more} ms more than the timeout`);
  }
});

t.test('RACK: a retransmission that its echo proves delivered shows that others before it are lost', async (t) => {
  // At times both even and odd.
  for (const later of [0, 1]) {
    const peer = inFlight(10 * MSS, { timestamps: true });
    const { mss } = peer.flow!.stats();
    const [first, fifth] = [1, 1 + 4 * mss];
    peer.wait(RTT + later);
    peer.tsval += RTT;
    peer.send({ seq: 1, ack: 1, options: sackOption(peer, [first + mss, fifth], [fifth + mss, 1 + 10 * mss]) });
    peer.wait(1);
    t.strictSame(
      starts(peer.sent()).filter((seq) => seq < 1 + 10 * mss),
      [first, fifth],
      'the two holes are sent again',
    );
    peer.wait(RTT);
    peer.tsval += RTT;
    // Only the second of them arrived: its echo is that of the retransmission.
    peer.send({ seq: 1, ack: 1, options: sackOption(peer, [first + mss, 1 + 10 * mss]) });
    t.ok(starts(peer.sent()).includes(first), 'the other goes out a third time');
    t.equal(peer.stack.stats().tcpRetransmitTimeouts, 0);
  }
});

t.test('TLP: a single byte that waited for Nagle is probe enough (RFC 8985 §7.3)', async (t) => {
  const peer = inFlight(MSS + 500, { noDelay: false });
  write(peer, 1);
  t.strictSame(peer.sent(), [], 'one small segment at a time');
  peer.wait(PTO + 1);
  const [probe] = peer.sent();
  t.match(probe, { seq: 1 + MSS + 500 }, 'new data rather than old');
  t.equal(probe!.payload.length, 1);
});

t.test('TLP: there is one probe until it is acknowledged (RFC 8985 §7.3)', async (t) => {
  const peer = inFlight(11 * MSS);
  peer.wait(PTO + 1);
  t.strictSame(starts(peer.sent()), [1 + 10 * MSS], 'what the window had held back');
  peer.send({ seq: 1, ack: 1 + 5 * MSS });
  const { rto, srtt } = peer.flow!.stats();
  t.ok(rto > 2 * srtt + 20, 'a second probe would come before the timeout');
  peer.wait(2 * srtt + 10);
  t.strictSame(peer.sent(), []);
  t.equal(peer.stack.stats().tcpTailLossProbes, 1);
  peer.send({ seq: 1, ack: 1 + 11 * MSS });
  write(peer, 2 * MSS);
  peer.wait(3 * RTT);
  t.equal(peer.stack.stats().tcpTailLossProbes, 2, 'and another one for what follows');
});

/** A flow whose last segment but two was acknowledged, and whose last was sent again as a probe, before more was sent. */
function probed(): Peer {
  const peer = inFlight(3 * MSS);
  peer.wait(RTT);
  peer.send({ seq: 1, ack: 1 + MSS });
  peer.wait(2 * peer.flow!.stats().srtt + 1);
  t.strictSame(starts(peer.sent()), [1 + 2 * MSS], 'the last segment again');
  write(peer, 2 * MSS);
  return peer;
}

const UNTOUCHED = 0x7fff_ffff;

t.test('TLP: a probe that was not sent in vain has repaired a loss, which counts as one (RFC 8985 §7.4)', async (t) => {
  for (const [what, tell, counts] of [
    ['no duplicate is told', () => {}, true],
    [
      'the probe was one',
      (peer: Peer) => {
        const options = sackOption(peer, [1 + 2 * MSS, 1 + 3 * MSS]);
        peer.send({ seq: 1, ack: 1 + 3 * MSS, options });
      },
      false,
    ],
    [
      'another segment was one',
      (peer: Peer) => peer.send({ seq: 1, ack: 1 + MSS, options: sackOption(peer, [1, 1 + MSS]) }),
      true,
    ],
  ] as const) {
    const peer = probed();
    tell(peer);
    peer.send({ seq: 1, ack: 1 + 3 * MSS });
    peer.send({ seq: 1, ack: 1 + 5 * MSS });
    t.equal(peer.flow!.stats().ssthresh < UNTOUCHED, counts, what);
  }
});

t.test('a peer that took something out of order and closed its window is asked, not given up', async (t) => {
  const peer = measured();
  peer.wait(300_000);
  write(peer, 3 * MSS);
  peer.sent();
  peer.send({ seq: 1, ack: 1, window: 0, options: sackOption(peer, [1 + 2 * MSS, 1 + 3 * MSS]) });
  peer.wait(1000);
  const probe = peer.sent().at(-1);
  t.match(probe, { seq: 1 });
  t.equal(probe!.payload.length, 1, 'one byte');
  t.equal(peer.closed, undefined, 'it was heard a second ago');
});

t.test('a peer that took something out of order and then fell silent has two minutes from then', async (t) => {
  const peer = measured();
  peer.wait(300_000);
  write(peer, 3 * MSS);
  peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1 + MSS, 1 + 2 * MSS]) });
  peer.wait(100_000);
  t.equal(peer.closed, undefined);
  peer.wait(100_000);
  t.equal(peer.closed, 'timeout');
});

t.test('a window that is not in use does not grow (RFC 7661 §4.1)', async (t) => {
  const peer = measured();
  const { cwnd } = peer.flow!.stats();
  for (let n = 0; n < 50; n++) {
    write(peer, MSS);
    peer.wait(RTT);
    peer.send({ seq: 1, ack: 1 + (n + 1) * MSS });
  }
  t.equal(peer.flow!.stats().cwnd, cwnd);
});

t.test('after a timeout there is one segment in the network, to the byte (RFC 5681 §3.1)', async (t) => {
  for (const [second, again] of [
    [500, [1, 501]],
    [501, [1]],
  ] as const) {
    const peer = inFlight(500);
    write(peer, second);
    peer.sent();
    // The probe of the tail, and then the timeout.
    while (peer.stack.stats().tcpRetransmitTimeouts === 0) {
      peer.sent();
      peer.wait(10);
    }
    t.strictSame(starts(peer.sent()), again, `500 and ${second} bytes`);
  }
});
