import { Buffer } from 'node:buffer';
import t from 'tap';
import { TcpState } from '../../../src/netstack/index.ts';
import { icmpMessage, ipPacket } from '../../support/ip-packets.ts';
import {
  ACK,
  buildPacket,
  LOCAL,
  RawPeer,
  type RawSegment,
  REMOTE,
  SYN,
  sackOption,
} from '../../support/raw-tcp-peer.ts';

/* What ICMP says about segments of ours, of which anybody on the path may say anything (RFC 5927). */

const ROUTER = '192.0.2.1';
const UNREACHABLE = { type: 3, code: 1 } as const;
const TIME_EXCEEDED = { type: 11, code: 0 } as const;

/** An ICMP error about a segment that the stack has sent. */
function report(
  peer: RawPeer,
  about: RawSegment,
  { type, code, mtu = 0 }: { readonly type: number; readonly code: number; readonly mtu?: number },
  quote: (packet: Buffer) => Buffer = (packet) => packet,
): void {
  const rest = Buffer.alloc(4);
  rest.writeUInt16BE(mtu, 2);
  const body = quote(buildPacket(about, LOCAL, REMOTE));
  const payload = icmpMessage({ source: ROUTER, destination: LOCAL, type, code, rest, body });
  const packet = ipPacket({ source: ROUTER, destination: LOCAL, protocol: 1, payload });
  peer.stack.tick(peer.now);
  peer.stack.input(packet, 0, packet.length);
  peer.stack.flush();
}

t.test('a router is believed that a packet was too big when it is bigger than what it says fits', async (t) => {
  for (const [bytes, mtu, mss] of [
    [1360, 1000, 960],
    // 700 and the headers.
    [700, 741, 1360],
    [700, 740, 1360],
    [700, 739, 699],
  ] as const) {
    const peer = new RawPeer().establish();
    peer.flow!.write(Buffer.alloc(bytes));
    peer.stack.flush();
    report(peer, peer.out.at(-1)!, { type: 3, code: 4, mtu });
    t.equal(peer.flow!.stats().mss, mss, `${bytes} bytes, an MTU of ${mtu}`);
    t.equal(peer.stack.stats().icmpErrorsIgnored, mss === 1360 ? 1 : 0);
  }
});

/** A connection that we open, and that the peer has not answered yet. */
function opening(): RawPeer {
  const peer = new RawPeer();
  peer.own(peer.stack.connect({ localAddress: LOCAL, remoteAddress: REMOTE, remotePort: peer.port, localPort: 80 }));
  peer.iss = peer.out[0]!.seq;
  return peer;
}

t.test('an unreachable peer ends a connection that is being opened, and no other (RFC 5461 §2.2)', async (t) => {
  const early = opening();
  report(early, early.out[0]!, TIME_EXCEEDED);
  t.equal(early.flow!.state, TcpState.SynSent, 'a loop on the way may pass');
  t.equal(early.stack.stats().icmpErrorsIgnored, 1);
  report(early, early.out[0]!, UNREACHABLE);
  t.equal(early.closed, 'unreachable');

  const open = opening();
  open.send({ seq: 0, ack: 1, flags: SYN | ACK });
  open.flow!.write(Buffer.from('data'));
  open.stack.flush();
  report(open, open.out.at(-1)!, UNREACHABLE);
  report(open, open.out.at(-1)!, TIME_EXCEEDED);
  t.equal(open.flow!.state, TcpState.Established);
  t.equal(open.stack.stats().icmpErrorsIgnored, 2);
});

t.test('segments that became too large while the window was closed cost the network no blame', async (t) => {
  const MSS = 1000;
  const peer = new RawPeer({ mss: MSS, windowScale: 7, sack: true });
  peer.send({ seq: 0, flags: SYN });
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.wait(100);
  peer.send({ seq: 1, ack: 1 });
  const write = (): void => {
    peer.flow!.write(Buffer.alloc(2 * MSS));
    peer.stack.flush();
  };
  // A probe of the tail that was needless, and known to be.
  write();
  peer.wait(201);
  const dsack = sackOption(peer, [1 + MSS, 1 + 2 * MSS]);
  peer.send({ seq: 1, ack: 1 + 2 * MSS, options: dsack });
  const { ssthresh } = peer.flow!.stats();
  write();
  const large = peer.out.at(-1)!;
  peer.send({ seq: 1, ack: 1 + 2 * MSS, window: 0 });
  report(peer, large, { type: 3, code: 4, mtu: 600 });
  t.equal(peer.flow!.stats().mss, 560);
  const probes = peer.stack.stats().tcpTailLossProbes!;
  // The probe of this tail is due, and its segment is deemed lost.
  peer.wait(2 * peer.flow!.stats().srtt + 1);
  t.equal(peer.stack.stats().tcpTailLossProbes, probes + 1);
  peer.sent();
  // The first of the two had arrived all the same.
  peer.send({ seq: 1, ack: 1 + 3 * MSS });
  t.strictSame(
    peer.sent().map(({ seq, payload }) => [seq, payload.length]),
    [
      [1 + 3 * MSS, 560],
      [1 + 3 * MSS + 560, 440],
    ],
    'the other is sent again in smaller pieces',
  );
  peer.send({ seq: 1, ack: 1 + 4 * MSS });
  t.equal(peer.flow!.stats().ssthresh, ssthresh);
});

t.test('a fragment header is one of IPv6 only: behind IPv4, what looks like one quotes nothing', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.write(Buffer.alloc(1000));
  peer.stack.flush();
  const about = peer.out.at(-1)!;
  const tooBig = { type: 3, code: 4, mtu: 600 } as const;
  report(peer, about, tooBig, (packet) => {
    const quoted = Buffer.concat([packet.subarray(0, 20), Buffer.alloc(28), packet.subarray(20)]);
    quoted[9] = 44;
    quoted[40] = 6;
    quoted.writeUInt16BE(quoted.length, 2);
    return quoted;
  });
  t.equal(peer.flow!.stats().mss, 1360);
  report(peer, about, tooBig);
  t.equal(peer.flow!.stats().mss, 560);
});
