import t from 'tap';
import { TcpState } from '../../../src/netstack/core/types.ts';
import { NetstackTwin } from '../../support/netstack-twin.ts';
import { ACK, FIN, optionsOf, RawPeer, RST, SYN } from '../../support/raw-tcp-peer.ts';

t.test('the owner hears of a SYN before any answer goes out, and of its repetitions nothing', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: SYN });
  peer.send({ seq: 0, flags: SYN });
  t.equal(peer.requests.length, 1);
  t.equal(peer.out.length, 0);
  t.equal(peer.requests[0]!.remotePort, 40_000);
  t.equal(peer.requests[0]!.localAddress, '10.1.2.3');
  peer.wait(3000);
  peer.own(peer.requests[0]!.accept());
  const [synAck] = peer.out;
  t.equal(synAck?.flags, SYN | ACK, 'the answer may come later');
  peer.iss = synAck!.seq;
  peer.send({ seq: 1, ack: 1 });
  t.ok(peer.connected);
  t.equal(peer.flow!.state, TcpState.Established);
});

t.test('a request can be refused by RST or by ICMP, or dropped without a word', async (t) => {
  for (const [how, check] of [
    ['reset', (peer: RawPeer) => peer.out[0]?.flags === (RST | ACK) && peer.out[0].ack === (peer.isn + 1) >>> 0],
    ['prohibited', (peer: RawPeer) => peer.other[0]?.[20] === 3 && peer.other[0][21] === 13],
    ['host-unreachable', (peer: RawPeer) => peer.other[0]?.[20] === 3 && peer.other[0][21] === 1],
  ] as const) {
    const peer = new RawPeer({ accept: false });
    peer.send({ seq: 0, flags: SYN });
    peer.requests[0]!.refuse(how);
    t.equal(peer.out.length + peer.other.length, 1, how);
    t.ok(check(peer), how);
    t.same([...peer.stack.flows], [], `${how}: forgotten`);
  }
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: SYN });
  peer.requests[0]!.drop();
  peer.wait(1000);
  t.equal(peer.out.length + peer.other.length, 0);
});

t.test('without onTcp, SYN and stray segments are answered with RST (RFC 9293 §3.10.7.1)', async (t) => {
  const peer = new RawPeer();
  peer.send({ seq: 5, ack: 77, payload: 'stray' });
  t.equal(peer.out[0]?.flags, RST);
  t.equal(peer.out[0]?.seq, 77, 'the sequence number that the sender acknowledged');
  peer.out.length = 0;
  peer.send({ seq: 5, flags: FIN, payload: 'stray' });
  t.equal(peer.out[0]?.flags, RST | ACK);
  t.equal(peer.out[0]?.ack, (peer.isn + 5 + 5 + 1) >>> 0, 'acknowledges text and FIN');
  peer.out.length = 0;
  peer.send({ seq: 5, flags: RST });
  t.equal(peer.out.length, 0, 'never RST on RST');
});

t.test('SYN-ACK holds only options that the SYN offered (RFC 7323 §2.2, RFC 2018 §2)', async (t) => {
  const bare = new RawPeer();
  bare.send({ seq: 0, flags: SYN });
  t.same([...optionsOf(bare.out[0]!).keys()], [2]);
  t.equal(optionsOf(bare.out[0]!).get(2)!.readUInt16BE(0), 1400 - 40, 'our MSS from the MTU');
  const full = new RawPeer({ sack: true, timestamps: true, windowScale: 7 });
  full.send({ seq: 0, flags: SYN });
  t.same(new Set(optionsOf(full.out[0]!).keys()), new Set([2, 3, 4, 8]));
  t.equal(optionsOf(full.out[0]!).get(8)!.readUInt32BE(4), full.tsval, 'the echo of the SYN');
});

t.test('SYN-ACK is repeated with doubling pauses and given up after about a minute (RFC 6298 §5.5)', async (t) => {
  const peer = new RawPeer();
  const times: number[] = [];
  peer.send({ seq: 0, flags: SYN });
  for (let ms = 0; ms < 70_000; ms += 100) {
    for (const _ of peer.out.splice(0)) times.push(peer.now - 10_000);
    peer.wait(100);
  }
  t.same(
    times.map((time) => Math.round(time / 1000)),
    [0, 1, 3, 7, 15, 31],
  );
  t.equal(peer.closed, 'timeout');
  t.equal(peer.stack.stats().tcpHalfOpen, 0);
});

t.test('an acknowledgement of nothing that we sent ends in RST while SYN-RECEIVED (RFC 9293 §3.10.7.4)', async (t) => {
  const peer = new RawPeer();
  peer.send({ seq: 0, flags: SYN });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.send({ seq: 1, ack: 500 });
  t.equal(peer.sent()[0]?.flags, RST);
  t.equal(peer.flow!.state, TcpState.SynReceived, 'and changes nothing');
  peer.send({ seq: 1, ack: 1, payload: 'with data' });
  t.equal(peer.data, 'with data', 'the third segment may carry data');
});

t.test('both ends may open at once (RFC 9293 §3.5, figure 8)', async (t) => {
  const twin = new NetstackTwin({ impairment: { delay: 10 } });
  const events: string[] = [];
  const open = (side: 'a' | 'b', local: string, localPort: number, remote: string, remotePort: number) => {
    const flow = twin[side].connect({ localAddress: local, localPort, remoteAddress: remote, remotePort });
    flow.handler = {
      onConnect: () => {
        events.push(`${side} connected`);
        flow.write(Buffer.from(side));
      },
      onData: (chunk) => void events.push(`${side} got ${chunk}`),
      onClose: (reason) => void events.push(`${side} ${reason}`),
    };
    return flow;
  };
  const a = open('a', '10.0.0.1', 1000, '10.0.0.2', 2000);
  const b = open('b', '10.0.0.2', 2000, '10.0.0.1', 1000);
  twin.run(15);
  t.equal(a.state, TcpState.SynReceived);
  t.equal(b.state, TcpState.SynReceived);
  twin.run(1000);
  t.equal(a.state, TcpState.Established);
  t.equal(b.state, TcpState.Established);
  t.same(new Set(events), new Set(['a connected', 'b connected', 'a got b', 'b got a']));
});

t.test('half-close: after our FIN the peer may go on sending, and the other way round (RFC 9293 §3.6)', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.end();
  peer.stack.flush();
  t.equal(peer.sent()[0]?.flags, FIN | ACK);
  t.equal(peer.flow!.state, TcpState.FinWait1);
  peer.send({ seq: 1, ack: 2 });
  t.equal(peer.flow!.state, TcpState.FinWait2);
  peer.wait(200_000);
  peer.send({ seq: 1, ack: 2, payload: 'late' });
  t.equal(peer.data, 'late');
  peer.send({ seq: 5, ack: 2, flags: FIN | ACK });
  t.ok(peer.ended);
  t.equal(peer.flow!.state, TcpState.TimeWait);
  t.equal(peer.closed, 'closed', 'to its owner it is over');

  const other = new RawPeer().establish();
  other.send({ seq: 1, ack: 1, flags: FIN | ACK, payload: 'bye' });
  t.equal(other.flow!.state, TcpState.CloseWait);
  t.equal(other.data, 'bye');
  t.ok(other.ended);
  other.flow!.write(Buffer.from('answer'));
  other.flow!.end();
  other.stack.flush();
  const last = other.sent().at(-1)!;
  t.equal(last.payload.toString(), 'answer');
  t.ok(last.flags & FIN, 'FIN rides on the last data');
  t.equal(other.flow!.state, TcpState.LastAck);
  other.send({ seq: 5, ack: 8 });
  t.equal(other.closed, 'closed');
  t.same([...other.stack.flows], []);
});

t.test('FINs that cross lead through CLOSING to TIME-WAIT (RFC 9293 figure 13)', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.end();
  peer.stack.flush();
  peer.send({ seq: 1, ack: 1, flags: FIN | ACK });
  t.equal(peer.flow!.state, TcpState.Closing);
  peer.send({ seq: 2, ack: 2 });
  t.equal(peer.flow!.state, TcpState.TimeWait);
  t.equal(peer.closed, 'closed');
});

t.test('TIME-WAIT answers a repeated FIN, ignores RST (RFC 1337), ends after its time', async (t) => {
  const peer = new RawPeer({ stack: { tcp: { timeWait: 5000 } } }).establish();
  peer.flow!.end();
  peer.stack.flush();
  peer.send({ seq: 1, ack: 2, flags: FIN | ACK });
  t.equal(peer.flow!.state, TcpState.TimeWait);
  peer.sent();
  peer.wait(3000);
  peer.send({ seq: 1, ack: 2, flags: FIN | ACK });
  t.equal(peer.sent()[0]?.flags, ACK);
  peer.send({ seq: 2, flags: RST });
  t.equal(peer.flow!.state, TcpState.TimeWait);
  peer.wait(4900);
  t.equal(peer.flow!.state, TcpState.TimeWait, 'the repeated FIN started its time anew');
  peer.wait(200);
  t.equal(peer.flow!.state, TcpState.Closed);
  t.equal(peer.stack.stats().tcpTimeWait, 0);
});

t.test(
  'a new SYN ends TIME-WAIT early when its number is higher (RFC 9293 §3.6.1) or its timestamp newer (RFC 6191)',
  async (t) => {
    for (const timestamps of [false, true]) {
      const peer = new RawPeer({ timestamps }).establish();
      peer.flow!.end();
      peer.stack.flush();
      peer.send({ seq: 1, ack: 2, flags: FIN | ACK });
      t.equal(peer.flow!.state, TcpState.TimeWait);
      peer.sent();
      if (!timestamps) {
        peer.send({ seq: -5000, flags: SYN });
        t.equal(peer.requests.length, 1, 'an old SYN does not');
        t.equal(peer.sent()[0]?.flags, ACK);
      }
      if (timestamps) {
        peer.tsval -= 1;
        peer.send({ seq: 5000, flags: SYN });
        t.equal(peer.requests.length, 1, 'an older timestamp does not, whatever its number');
        peer.tsval += 1;
        peer.send({ seq: -5000, flags: SYN });
        t.equal(peer.requests.length, 1, 'nor does an older number with the same timestamp');
      }
      peer.tsval += 1000;
      peer.wait(1000);
      peer.send({ seq: timestamps ? -5000 : 5000, flags: SYN });
      t.equal(peer.requests.length, 2, timestamps ? 'by timestamp' : 'by number');
      t.equal(peer.out.at(-1)?.flags, SYN | ACK);
      t.equal(peer.stack.stats().tcpTimeWaitReuses, 1);
    }
  },
);

t.test('initial sequence numbers differ by tuple unforeseeably and rise with time on one (RFC 6528)', async (t) => {
  const isns: number[] = [];
  const peer = new RawPeer({ accept: false });
  for (let i = 0; i < 64; i++) {
    peer.send({ seq: 0, flags: SYN, port: 20_000 + i });
    peer.requests[i]!.accept();
    isns.push(peer.out.splice(0)[0]!.seq);
  }
  const steps = isns.slice(1).map((isn, i) => (isn - isns[i]!) >>> 0);
  t.ok(new Set(steps).size > 60, 'no fixed step');
  // The same tuple, one second later: 250 000 numbers on.
  const again = new RawPeer();
  again.send({ seq: 0, flags: SYN });
  const first = again.out.splice(0)[0]!.seq;
  again.send({ seq: 1, flags: RST });
  again.wait(1000);
  again.send({ seq: 0, flags: SYN });
  t.equal((again.out.splice(0)[0]!.seq - first) | 0, 250_000);
});

t.test(
  'an active open retransmits SYN, and is refused by RST only when that acknowledges it (RFC 9293 §3.10.7.3)',
  async (t) => {
    const twin = new NetstackTwin();
    let reason = '';
    const flow = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 9 });
    flow.handler = { onData() {}, onClose: (why) => void (reason = why) };
    twin.run(100);
    t.equal(reason, 'refused', 'a closed port');
    t.equal(flow.state, TcpState.Closed);

    const lost = new NetstackTwin({ impairment: { loss: 1 } });
    let why = '';
    lost.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 9 }).handler = {
      onData() {},
      onClose: (reason) => void (why = reason),
    };
    lost.run(170_000);
    t.equal(why, '', 'three minutes at least (RFC 9293 §3.8.3)');
    lost.run(30_000);
    t.equal(why, 'timeout');
  },
);

t.test('owners hear of the end once, with its reason', async (t) => {
  const reset = new RawPeer().establish();
  reset.send({ seq: 1, flags: RST });
  t.equal(reset.closed, 'reset-by-peer');
  const local = new RawPeer().establish();
  local.flow!.reset();
  local.flow!.reset();
  local.stack.flush();
  t.equal(local.closed, 'reset-local');
  t.equal(local.sent().filter((segment) => segment.flags & RST).length, 1);
  const forgotten = new RawPeer().establish();
  forgotten.stack.forget('10.77.0.1');
  t.equal(forgotten.closed, 'unreachable');
  t.equal(forgotten.out.length, 0, 'no packet to a peer that is gone');
  const closed = new RawPeer().establish();
  closed.stack.close();
  closed.stack.close();
  t.equal(closed.closed, 'stack-closed');
});

t.test('a SYN that comes again is answered at once, and does not put off our own repetition', async (t) => {
  const peer = new RawPeer();
  const times: number[] = [];
  const begin = peer.now;
  const look = (): void => {
    for (const { flags } of peer.out.splice(0)) if (flags === (SYN | ACK)) times.push(peer.now - begin);
  };
  peer.send({ seq: 0, flags: SYN });
  look();
  for (let ms = 10; ms <= 2500; ms += 10) {
    peer.wait(10);
    look();
    if (ms === 30 || ms === 600) {
      peer.send({ seq: 0, flags: SYN });
      look();
    }
  }
  t.strictSame(times, [0, 600, 1000], 'not within 50 ms of the last');
});

t.test('a window is small or not by the largest that the peer ever offered, with its SYN too', async (t) => {
  for (const [window, sent] of [
    [65_535, 0],
    [1000, 1],
  ] as const) {
    const peer = new RawPeer();
    peer.send({ seq: 0, flags: SYN, window });
    peer.iss = peer.out.splice(0)[0]!.seq;
    peer.send({ seq: 1, window: 500 });
    peer.flow!.write(Buffer.alloc(3000));
    peer.stack.flush();
    t.equal(peer.sent().length, sent, `500 of ${window} bytes`);
  }
});
