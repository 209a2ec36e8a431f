import { Buffer } from 'node:buffer';
import t from 'tap';
import { RawPeer, SYN } from '../../support/raw-tcp-peer.ts';

/* What an echoed time tells of a segment that was sent more than once (RFC 7323 §4, RFC 3522). */

const RTT = 100;

/** A flow with one segment in flight, after a round trip of 100 ms; `echo` is the time that the segment bears. */
function one(timestamps = true): { readonly peer: RawPeer; readonly echo: number } {
  const peer = new RawPeer({ sack: true, timestamps });
  peer.send({ seq: 0, flags: SYN });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.wait(RTT);
  peer.send({ seq: 1, ack: 1 });
  t.equal(peer.flow!.stats().srtt, RTT);
  peer.flow!.write(Buffer.alloc(500));
  peer.stack.flush();
  return { peer, echo: peer.tsecr };
}

/** Lets the segment time out once. */
function timeOut(peer: RawPeer): void {
  peer.wait(peer.flow!.stats().rto);
  t.equal(peer.stack.stats().tcpRetransmitTimeouts, 1);
}

t.test('a retransmission tells the round trip by the echo of its own time only (Karn, RFC 7323 §4)', async (t) => {
  const own = one();
  timeOut(own.peer);
  own.peer.wait(500);
  own.peer.send({ seq: 1, ack: 501 });
  t.equal(own.peer.flow!.stats().srtt, RTT + (500 - RTT) / 8);
  const original = one();
  timeOut(original.peer);
  original.peer.wait(500);
  original.peer.tsecr = original.echo;
  original.peer.send({ seq: 1, ack: 501 });
  t.equal(original.peer.flow!.stats().srtt, RTT, 'the echo is of the first transmission');
  const none = one(false);
  timeOut(none.peer);
  none.peer.wait(500);
  none.peer.send({ seq: 1, ack: 501 });
  t.equal(none.peer.flow!.stats().srtt, RTT, 'nobody knows which was answered');
});

t.test('a single retransmission is known to be needless by the echo of an older time (RFC 3522)', async (t) => {
  for (const needless of [true, false]) {
    const { peer, echo } = one();
    const { cwnd } = peer.flow!.stats();
    timeOut(peer);
    t.ok(peer.flow!.stats().cwnd < cwnd);
    peer.wait(RTT);
    if (needless) peer.tsecr = echo;
    peer.send({ seq: 1, ack: 501 });
    t.equal(peer.stack.stats().tcpUndos, needless ? 1 : 0);
    t.equal(peer.flow!.stats().cwnd >= cwnd, needless);
  }
});

t.test('an echo of more than two minutes ago is no round trip', async (t) => {
  const { peer, echo } = one();
  // The window closes over the segment, and every probe is answered with the old time.
  for (let waited = 0; waited < 200_000; waited += 1000) {
    peer.tsecr = echo;
    peer.send({ seq: 1, ack: 1, window: 0 });
    peer.wait(1000);
  }
  t.equal(peer.closed, undefined);
  peer.tsecr = echo;
  peer.send({ seq: 1, ack: 501 });
  t.equal(peer.flow!.stats().srtt, RTT);
  t.ok(peer.flow!.stats().rto < 1000);
});
