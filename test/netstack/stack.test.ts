import { Buffer } from 'node:buffer';
import t from 'tap';
import { LOCAL, RawPeer, REMOTE } from '../support/raw-tcp-peer.ts';

t.test('the driver hears at once of what owners write between batches', async (t) => {
  const peer = new RawPeer().establish();
  let woken = 0;
  peer.stack.onDeadline = () => void woken++;
  const writes = (what: string): void => {
    const before = woken;
    peer.flow!.write(Buffer.from('x'));
    t.ok(woken > before, `after ${what}`);
    peer.stack.flush();
  };
  writes('a flush');
  peer.send({ seq: 1, ack: 2 });
  writes('a packet');
  peer.wait(1000);
  writes('a tick');
  peer.stack.connect({ localAddress: LOCAL, remoteAddress: REMOTE, remotePort: 81 });
  writes('another connection');
  t.throws(() => peer.stack.connect({ localAddress: LOCAL, remoteAddress: 'nowhere', remotePort: 81 }));
  writes('one that was refused');
});

t.test('packets and bytes are counted both ways, good and bad', async (t) => {
  const seen = { in: [] as number[], out: [] as number[] };
  const peer = new RawPeer({ stack: { tap: (way, _buffer, _offset, length) => void seen[way].push(length) } });
  peer.establish().send({ seq: 1, payload: 'hello' });
  peer.stack.input(Buffer.alloc(7), 0, 7);
  peer.wait(100);
  const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
  t.ok(seen.in.length === 4 && seen.out.length >= 2);
  t.match(peer.stack.stats(), {
    packetsIn: seen.in.length,
    bytesIn: sum(seen.in),
    packetsOut: seen.out.length,
    bytesOut: sum(seen.out),
    tcpIn: 3,
    tcpOut: seen.out.length,
  });
});

t.test('an address that is no longer ours gets nothing from the next batch on', async (t) => {
  let ours = true;
  const peer = new RawPeer({ stack: { isLocal: () => ours } }).establish();
  ours = false;
  peer.send({ seq: 1, payload: 'a' });
  t.equal(peer.data, '');
  t.equal(peer.stack.stats().dropNotLocal, 1);
  ours = true;
  peer.send({ seq: 1, payload: 'b' });
  t.equal(peer.data, 'b');
});

t.test('the driver is not woken for a deadline that is no earlier than the one it knows', async (t) => {
  const peer = new RawPeer();
  let woken = 0;
  peer.stack.onDeadline = () => void woken++;
  const open = (remotePort: number) =>
    peer.stack.openUdp({ localAddress: LOCAL, remoteAddress: REMOTE, remotePort }, () => {});
  open(53);
  t.equal(woken, 1);
  open(54);
  t.equal(woken, 1);
  peer.stack.connect({ localAddress: LOCAL, remoteAddress: REMOTE, remotePort: 80 });
  t.equal(woken, 2, 'a SYN is sent again sooner');
});
