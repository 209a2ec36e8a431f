import { Buffer } from 'node:buffer';
import t from 'tap';
import { RawPeer, REMOTE } from '../support/raw-tcp-peer.ts';

/* A session that comes back over another network has another MTU: what is open goes by it at once, with nothing to wait for. */

const sizes = (peer: RawPeer): number[] => peer.sent().map((segment) => segment.payload.length);

t.test('a flow sends smaller segments as soon as its path carries only these, those in flight included', async (t) => {
  let pathMtu = 1400;
  const peer = new RawPeer({ stack: { pathMtu: () => pathMtu } }).establish();
  peer.flow!.write(Buffer.alloc(5000));
  peer.stack.flush();
  t.same(sizes(peer), [1360, 1360, 1360, 920]);
  pathMtu = 600;
  peer.stack.pathChanged(REMOTE);
  peer.stack.flush();
  const again = sizes(peer);
  t.ok(again.length > 0 && again.every((size) => size <= 560), `${again}`);
  t.match(peer.stack.stats(), { tcpRetransmitTimeouts: 0, tcpBlackHoles: 0 }, 'no timeout was needed');
  peer.send({ seq: 1, ack: 5001 });
  peer.flow!.write(Buffer.alloc(2000));
  peer.stack.flush();
  t.same(sizes(peer), [560, 560, 560, 320]);
  t.equal(peer.flow!.stats().mss, 560);
});

t.test(
  'a flow sends larger segments as soon as its path carries them, whatever was learnt of the old one',
  async (t) => {
    let pathMtu = 600;
    const peer = new RawPeer({ stack: { pathMtu: () => pathMtu, mtu: 1500 } }).establish();
    pathMtu = 1400;
    peer.stack.pathChanged(REMOTE);
    peer.flow!.write(Buffer.alloc(2000));
    peer.stack.flush();
    t.same(sizes(peer), [1360, 640]);
  },
);

t.test('flows of other peers keep their size', async (t) => {
  let pathMtu = 1400;
  const peer = new RawPeer({ stack: { pathMtu: () => pathMtu } }).establish();
  pathMtu = 600;
  peer.stack.pathChanged('10.77.0.2');
  peer.stack.pathChanged('no address');
  t.equal(peer.flow!.stats().mss, 1360);
});
