import t from 'tap';
import { TcpState } from '../../../src/netstack/core/types.ts';
import { ACK, FIN, RawPeer, RST, SYN } from '../../support/raw-tcp-peer.ts';

/** A connection that we open, and that the peer has not answered yet. */
function opening(): RawPeer {
  const peer = new RawPeer();
  const flow = peer.stack.connect({
    localAddress: '10.1.2.3',
    remoteAddress: '10.77.0.1',
    remotePort: 40_000,
    localPort: 80,
  });
  peer.own(flow);
  peer.iss = peer.out[0]!.seq;
  t.equal(peer.out[0]!.ack, 0, 'nothing is acknowledged yet');
  t.equal(peer.sent()[0]?.flags, SYN);
  return peer;
}

t.test('an answer opens the connection when it acknowledges our SYN', async (t) => {
  const peer = opening();
  peer.send({ seq: 0, ack: 1, flags: SYN | ACK });
  t.equal(peer.flow!.state, TcpState.Established);
  t.ok(peer.connected);
  t.match(peer.sent(), [{ flags: ACK, seq: 1, ack: 1 }]);
});

t.test('an acknowledgement of anything else is answered with RST at its number, and changes nothing', async (t) => {
  for (const ack of [0, -1, 2]) {
    const peer = opening();
    peer.send({ seq: 0, ack, flags: SYN | ACK });
    t.equal(peer.flow!.state, TcpState.SynSent);
    t.match(peer.sent(), [{ flags: RST, seq: ack }], `ack ${ack}`);
    t.equal(peer.counters['dropTcpAck'], 1);
    peer.send({ seq: 0, ack, flags: RST | ACK });
    t.strictSame(peer.sent(), [], 'a reset is not answered');
    t.equal(peer.flow!.state, TcpState.SynSent);
  }
});

t.test('a reset counts when it acknowledges our SYN', async (t) => {
  const peer = opening();
  peer.send({ seq: 0, flags: RST });
  t.equal(peer.flow!.state, TcpState.SynSent, 'one without an acknowledgement may be of anybody');
  t.equal(peer.counters['dropTcpRst'], 1);
  peer.send({ seq: 0, ack: 1, flags: RST | ACK });
  t.equal(peer.closed, 'refused');
});

t.test('a segment without SYN opens nothing', async (t) => {
  for (const flags of [ACK, FIN | ACK]) {
    const peer = opening();
    peer.send({ seq: 1, ack: 1, flags });
    t.equal(peer.flow!.state, TcpState.SynSent);
    t.equal(peer.counters['dropTcpFlags'], 1);
  }
});
