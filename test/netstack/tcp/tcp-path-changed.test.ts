import { Buffer } from 'node:buffer';
import t from 'tap';
import { RawPeer, REMOTE, SYN } from '../../support/raw-tcp-peer.ts';

/* Data moves to another channel of a tunnel, or its session to another tunnel: what the old path has lost need not wait for doubled timers. */

const MSS = 1000;
const RTT = 100;

/** A flow with `count` segments in flight, after a round trip was measured. */
function inFlight(count: number, sack = true): RawPeer {
  const peer = new RawPeer({ mss: MSS, windowScale: 7, sack });
  peer.send({ seq: 0, flags: SYN });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.wait(RTT);
  peer.send({ seq: 1, ack: 1 });
  peer.flow!.write(Buffer.alloc(count * MSS));
  peer.stack.flush();
  t.equal(peer.sent().length, count);
  return peer;
}

/** What is sent from now on: sequence number and milliseconds from now, until so many have come. */
function next(peer: RawPeer, count: number): { readonly seq: number; readonly after: number }[] {
  const begin = peer.now;
  const found: { seq: number; after: number }[] = [];
  for (let step = 0; step < 20_000 && found.length < count; step++) {
    for (const { seq } of peer.sent()) found.push({ seq, after: peer.now - begin });
    peer.wait(1);
  }
  return found;
}

function newPath(peer: RawPeer, remote: string | undefined = REMOTE): void {
  peer.stack.pathChanged(remote);
  peer.stack.tick(peer.now);
  peer.stack.flush();
}

for (const sack of [true, false]) {
  t.test(`what timeouts wait for is sent again at once, ${sack ? 'with' : 'without'} SACK`, async (t) => {
    const peer = inFlight(5, sack);
    peer.wait(3000);
    t.ok(peer.sent().length >= 3, 'several timeouts were in vain');
    const before = peer.flow!.stats();
    const timeouts = peer.stack.stats().tcpRetransmitTimeouts;
    newPath(peer);
    t.strictSame(
      peer.sent().map(({ seq, payload }) => [seq, payload.length]),
      [[1, MSS]],
      'one segment, the oldest',
    );
    const { cwnd, ssthresh, rto } = peer.flow!.stats();
    t.strictSame({ cwnd, ssthresh }, { cwnd: before.cwnd, ssthresh: before.ssthresh }, 'the window stays');
    t.equal(peer.stack.stats().tcpRetransmitTimeouts, timeouts, 'that is no timeout');
    const [again] = next(peer, 1);
    t.equal(again!.seq, 1);
    t.ok(Math.abs(again!.after - 2 * rto) <= 2, `pauses begin anew: ${again!.after} ms with a timeout of ${rto}`);
    // And it goes on from there as after any timeout.
    peer.send({ seq: 1, ack: 1 + MSS });
    t.strictSame(
      peer.sent().map(({ seq }) => seq),
      [1 + MSS, 1 + 2 * MSS],
    );
    peer.send({ seq: 1, ack: 1 + 5 * MSS });
    peer.flow!.write(Buffer.alloc(MSS));
    peer.stack.flush();
    t.equal(peer.sent()[0]!.seq, 1 + 5 * MSS);
  });
}

t.test('what may be on its way still is not sent again', async (t) => {
  const peer = inFlight(5);
  peer.wait(RTT / 2);
  newPath(peer);
  newPath(peer, undefined);
  t.strictSame(peer.sent(), []);
  t.equal(peer.flow!.stats().retransmits, 0);
});

t.test('flows of other peers wait on, and those of all peers are meant when none is named', async (t) => {
  const peer = inFlight(1);
  peer.wait(3000);
  peer.sent();
  newPath(peer, '10.77.0.2');
  t.strictSame(peer.sent(), []);
  newPath(peer, undefined);
  t.equal(peer.sent().length, 1);
});

t.test('a path that changes for ever brings one segment for each timeout, and no longer life', async (t) => {
  const peer = inFlight(5);
  peer.wait(1000);
  peer.sent();
  let sent = 0;
  for (let i = 0; i < 1000; i++) {
    newPath(peer);
    peer.wait(10);
    sent += peer.sent().length;
  }
  const { rto } = peer.flow!.stats();
  t.ok(sent > 5 && sent <= 10_000 / rto + 1, `${sent} segments in 10 s with a timeout of ${rto} ms`);
  for (let i = 0; i < 1100; i++) {
    newPath(peer);
    peer.wait(100);
  }
  t.equal(peer.closed, 'timeout');
});

t.test('a handshake goes on too, once its SYN was repeated', async (t) => {
  const peer = new RawPeer();
  const flow = peer.stack.connect({ localAddress: '10.1.2.3', remoteAddress: REMOTE, remotePort: 80 });
  peer.own(flow);
  t.equal(peer.sent().length, 1);
  peer.wait(500);
  newPath(peer);
  t.strictSame(peer.sent(), [], 'the first one may be on its way');
  peer.wait(4000);
  t.equal(peer.sent().length, 2);
  newPath(peer);
  t.match(peer.sent(), [{ flags: SYN }]);
  newPath(peer);
  t.strictSame(peer.sent(), [], 'once');
  const [again] = next(peer, 1);
  t.ok(Math.abs(again!.after - 2000) <= 2, `${again!.after}`);
});

t.test('a window that was closed is asked about at once, for its opening may have been lost', async (t) => {
  const peer = inFlight(1);
  peer.send({ seq: 1, ack: 1 + MSS, window: 0 });
  peer.flow!.write(Buffer.alloc(3 * MSS));
  peer.stack.flush();
  peer.wait(5000);
  t.ok(peer.sent().length >= 3, 'probes');
  newPath(peer);
  t.match(peer.sent(), { length: 1 });
  newPath(peer);
  t.strictSame(peer.sent(), [], 'once');
  const [again] = next(peer, 1);
  t.ok(again!.after <= 2 * peer.flow!.stats().rto + 2, `${again!.after}`);
  peer.send({ seq: 1, ack: 1 + MSS });
  t.ok(peer.sent().length >= 1, 'and data goes on');
});

t.test('a flow that ended meanwhile is left alone', async (t) => {
  const peer = inFlight(1);
  peer.wait(3000);
  peer.sent();
  peer.stack.pathChanged(REMOTE);
  peer.stack.forget(REMOTE);
  peer.stack.flush();
  t.strictSame(peer.sent(), []);
  t.equal(peer.closed, 'unreachable');
});
