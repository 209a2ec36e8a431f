import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import t from 'tap';
import { TcpState } from '../../../src/netstack/index.ts';
import { NetstackTwin } from '../../support/netstack-twin.ts';
import { ACK, FIN, LOCAL, RawPeer, REMOTE, RST } from '../../support/raw-tcp-peer.ts';

/* How a flow ends once its owner has no more to do with it, and what owners hear of flows that end while something is on the way. */

t.test('close sends what is queued, then FIN, and goes when the peer has ended too', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.write(Buffer.from('last words'));
  peer.flow!.close();
  peer.stack.flush();
  const [last] = peer.sent();
  t.match(last, { payload: Buffer.from('last words') });
  t.ok(last!.flags & FIN);
  peer.send({ seq: 1, ack: 12, flags: FIN | ACK });
  t.equal(peer.closed, 'closed');
  t.equal(peer.flow!.state, TcpState.TimeWait);
});

t.test('data to a flow that is closed are answered with RST (RFC 1122 §4.2.2.13)', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.close();
  peer.stack.flush();
  peer.sent();
  peer.send({ seq: 1, ack: 1, payload: 'is anybody there?' });
  t.ok(peer.sent()[0]!.flags & RST);
  t.equal(peer.data, '');
  t.equal(peer.flow!.state, TcpState.Closed);
});

t.test('a close that leaves room for a goodbye takes that much, and answers more with RST', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.close(7);
  peer.stack.flush();
  peer.sent();
  peer.send({ seq: 1, ack: 2, payload: 'goodbye' });
  peer.send({ seq: 1, ack: 2, payload: 'goodbye' });
  t.notOk(
    peer.sent().some(({ flags }) => flags & RST),
    'not by a repetition either',
  );
  peer.send({ seq: 8, ack: 2, flags: FIN | ACK });
  t.equal(peer.closed, 'closed');

  const talker = new RawPeer().establish();
  talker.flow!.close(7);
  talker.stack.flush();
  talker.send({ seq: 1, ack: 2, payload: 'goodbye' });
  talker.sent();
  talker.send({ seq: 8, ack: 2, payload: '!' });
  t.ok(talker.sent()[0]!.flags & RST);
  t.equal(talker.closed, 'reset-local');
});

t.test('close with data that nobody has read is RST at once (RFC 2525 §2.17)', async (t) => {
  const peer = new RawPeer().establish();
  peer.autoConsume = false;
  peer.send({ seq: 1, payload: 'unread' });
  peer.sent();
  peer.flow!.close();
  peer.stack.flush();
  t.ok(peer.sent()[0]!.flags & RST);
});

t.test('a goodbye that nobody has read yet is as good as one that comes later', async (t) => {
  for (const [text, later, flag] of [
    ['goodbye', '', FIN],
    ['good', 'bye', FIN],
    ['goodbye', '!', RST],
    ['goodbye!', '', RST],
  ] as const) {
    const peer = new RawPeer().establish();
    peer.autoConsume = false;
    peer.send({ seq: 1, payload: text });
    peer.sent();
    peer.flow!.close(7);
    peer.stack.flush();
    if (later) peer.send({ seq: 1 + text.length, ack: 2, payload: later });
    const flags = peer.sent().reduce((all, segment) => all | segment.flags, 0);
    t.equal(flags & (flag === RST ? RST : FIN | RST), flag, `${text} ${later}`);
  }
});

t.test('close between two pieces of one batch is RST, since the second is not read', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: 2 });
  const flow = peer.requests[0]!.accept();
  peer.iss = peer.sent()[0]!.seq;
  // A piece that fills its memory is put aside, and the next begins another.
  for (let at = 0; at < 60_000; at += 1000) peer.send({ seq: 1 + at, payload: Buffer.alloc(1000) }, false);
  const pieces: number[] = [];
  flow.handler = {
    onData(chunk) {
      pieces.push(chunk.length);
      flow.consumed(chunk.length);
      flow.close();
    },
    onClose() {},
  };
  peer.stack.flush();
  t.equal(pieces.length, 1);
  t.ok(peer.sent().some(({ flags }) => flags & RST));
  t.equal(flow.state, TcpState.Closed);
  t.equal(peer.stack.stats().tcpFlows, 0);
});

t.test('a closed flow whose peer never ends its side is gone after a minute', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.close();
  peer.stack.flush();
  peer.send({ seq: 1, ack: 2 });
  t.equal(peer.flow!.state, TcpState.FinWait2);
  peer.wait(59_000);
  t.equal(peer.closed, undefined);
  peer.wait(2000);
  t.equal(peer.closed, 'timeout');
  t.equal(peer.stack.stats().tcpFlows, 0);
});

t.test('half-close waits for the peer as long as it likes', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.end();
  peer.stack.flush();
  peer.send({ seq: 1, ack: 2 });
  peer.wait(3_600_000);
  peer.send({ seq: 1, ack: 2, payload: 'late answer' });
  t.equal(peer.data, 'late answer');
});

/** A peer that acknowledges everything, and whose window stays closed. */
function closedWindow(peer: RawPeer, ms: number, seq: number): void {
  const end = peer.now + ms;
  while (peer.now < end && peer.closed === undefined) {
    peer.wait(Math.max(1, Math.min(peer.stack.nextDeadline, end) - peer.now));
    if (peer.sent().some((segment) => segment.payload.length > 0)) peer.send({ seq, ack: 1, window: 0 });
  }
}

t.test('data towards a closed window are given up in bounded time once both sides have ended', async (t) => {
  for (const how of ['end', 'close'] as const) {
    const peer = new RawPeer({ window: 0 }).establish();
    peer.flow!.write(Buffer.alloc(5000));
    let seq = 1;
    if (how === 'end') {
      peer.send({ seq: 1, ack: 1, flags: FIN | ACK, window: 0 });
      seq = 2;
    }
    peer.flow![how]();
    closedWindow(peer, 300_000, seq);
    t.equal(peer.closed, 'timeout', how);
    t.equal(peer.stack.stats().memory, 0);
    t.ok(peer.now > 60_000, 'not before the probes were as rare as they get');
  }
});

t.test('data towards a closed window stay while their owner listens (RFC 9293 §3.8.6.1)', async (t) => {
  const peer = new RawPeer({ window: 0 }).establish();
  peer.flow!.write(Buffer.alloc(5000));
  closedWindow(peer, 3_600_000, 1);
  t.equal(peer.closed, undefined);
  t.equal(peer.flow!.state, TcpState.Established);
});

t.test('a stream that is destroyed after its end still delivers all of it', async (t) => {
  const twin = new NetstackTwin({ b: { onTcp: (request) => void serve(request.accept().toDuplex()) } });
  const serve = (stream: NodeJS.ReadWriteStream & { destroySoon?(): void }): void => {
    stream.write(Buffer.alloc(2_000_000, 'd'));
    stream.destroySoon!();
  };
  const stream = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 7 }).toDuplex();
  let bytes = 0;
  let outcome: string | undefined;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  stream.once('end', () => {
    outcome = 'end';
    stream.end();
  });
  stream.once('error', (error) => {
    outcome = String(error);
  });
  for (let i = 0; outcome === undefined && i < 2000; i++) {
    twin.run(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(outcome, 'end');
  t.equal(bytes, 2_000_000);
});

t.test('whatever waits for the end of the batch, a peer that is forgotten ends its flows', async (t) => {
  // The FIN that completes a flow, data and FIN of one that is open, an acknowledgement that ends one: each with `forget` before the flush.
  const last: Record<string, (peer: RawPeer) => void> = {
    'FIN after ours': (peer) => {
      peer.flow!.end();
      peer.stack.flush();
      peer.send({ seq: 1, ack: 2, flags: FIN | ACK }, false);
    },
    'data and FIN': (peer) => peer.send({ seq: 1, payload: 'tail', flags: FIN | ACK }, false),
    'ACK of our FIN after theirs': (peer) => {
      peer.send({ seq: 1, flags: FIN | ACK });
      peer.flow!.end();
      peer.stack.flush();
      peer.send({ seq: 2, ack: 2 }, false);
    },
    RST: (peer) => peer.send({ seq: 1, flags: RST }, false),
    nothing: () => {},
  };
  for (const [name, act] of Object.entries(last)) {
    for (const end of ['forget', 'close'] as const) {
      const peer = new RawPeer({ accept: false });
      peer.send({ seq: 0, flags: 2 });
      const flow = peer.requests[0]!.accept({ noDelay: true });
      const stream = flow.toDuplex();
      stream.on('error', () => {}).resume();
      peer.flow = flow;
      peer.iss = peer.out.at(-1)!.seq;
      peer.send({ seq: 1, ack: 1 });
      const closed = new Promise((resolve) => stream.once('close', resolve));
      act(peer);
      if (end === 'forget') peer.stack.forget(REMOTE);
      else peer.stack.close();
      if (!stream.writableEnded) stream.end();
      await closed;
      t.equal(flow.state, TcpState.Closed, `${name}, ${end}`);
      t.match(peer.stack.stats(), { memory: 0, tcpFlows: 0, tcpTimeWait: 0 }, `${name}, ${end}`);
    }
  }
});

t.test('what came before a peer was forgotten reaches its owner', async (t) => {
  const peer = new RawPeer().establish();
  peer.send({ seq: 1, payload: 'tail' }, false);
  peer.stack.forget(REMOTE);
  t.equal(peer.data, 'tail');
  t.equal(peer.closed, 'unreachable');
});

t.test('a request that is accepted after the stack was closed ends at once', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: 2 });
  peer.stack.close();
  const stream = peer.requests[0]!.accept().toDuplex();
  const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ERR_NETSTACK_CLOSED');
});

t.test('nothing can be written to a flow that is over, however it ended', async (t) => {
  for (const [how, end] of Object.entries({
    'a reset of the peer': (peer: RawPeer) => peer.send({ seq: 1, flags: RST }),
    'a reset of ours': (peer: RawPeer) => peer.flow!.reset(),
    'a peer that is forgotten': (peer: RawPeer) => peer.stack.forget(REMOTE),
  })) {
    const peer = new RawPeer().establish();
    t.equal(peer.flow!.write(Buffer.from('before')), true);
    end(peer);
    t.equal(peer.flow!.write(Buffer.from('after')), false, how);
    t.equal(peer.stack.stats().memory, 0, how);
  }
});

t.test('in TIME-WAIT, what is out of place is answered, and an acknowledgement in place is not', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.end();
  peer.stack.flush();
  peer.send({ seq: 1, ack: 2, flags: FIN | ACK });
  t.equal(peer.flow!.state, TcpState.TimeWait);
  peer.sent();
  peer.send({ seq: 2, ack: 2 });
  t.strictSame(peer.sent(), []);
  for (const [what, segment] of Object.entries({
    'an old acknowledgement, as of a keep-alive': { seq: 1, ack: 2 },
    'the FIN again': { seq: 1, ack: 2, flags: FIN | ACK },
    'one byte': { seq: 2, ack: 2, payload: 'x' },
  })) {
    peer.wait(1000);
    peer.send(segment);
    t.match(peer.sent(), [{ flags: ACK, seq: 2, ack: 2 }], what);
  }
});

t.test('a peer that never answers a SYN is given up after three minutes, whatever the time was', async (t) => {
  // The sum of some times and three minutes is rounded down, so that their difference is less.
  for (const begin of [20_000, 145_335.6159052551, 475_609.5923495093]) {
    const peer = new RawPeer();
    peer.wait(begin - peer.now);
    peer.own(peer.stack.connect({ localAddress: LOCAL, remoteAddress: REMOTE, remotePort: 80 }));
    while (peer.closed === undefined && peer.stack.nextDeadline < begin + 180_000) {
      peer.wait(peer.stack.nextDeadline - peer.now);
    }
    t.equal(peer.closed, undefined);
    t.equal(peer.stack.nextDeadline, begin + 180_000);
    peer.stack.tick(peer.stack.nextDeadline);
    t.equal(peer.closed, 'timeout');
    t.equal(peer.stack.nextDeadline, Infinity);
  }
});

t.test('TIME-WAIT begins anew with the FIN of the peer, and with nothing else (RFC 9293 §3.10.7.4)', async (t) => {
  for (const [what, segment, anew] of [
    ['the FIN again', { seq: 1, ack: 2, flags: FIN | ACK }, true],
    ['an acknowledgement from its place', { seq: 1, ack: 2 }, false],
    ['another FIN', { seq: 2, ack: 2, flags: FIN | ACK }, false],
  ] as const) {
    const peer = new RawPeer().establish();
    peer.flow!.end();
    peer.stack.flush();
    peer.send({ seq: 1, ack: 2, flags: FIN | ACK });
    peer.wait(40_000);
    peer.send(segment);
    peer.wait(40_000);
    t.equal(peer.stack.stats().tcpTimeWait, anew ? 1 : 0, what);
    peer.wait(40_000);
    t.equal(peer.stack.stats().tcpTimeWait, 0);
  }
});

t.test('a peer that is forgotten ends all of its flows, and no others', async (t) => {
  const peer = new RawPeer();
  const closed: string[] = [];
  for (const [remoteAddress, remotePort] of [
    [REMOTE, 80],
    [REMOTE, 81],
    ['10.77.0.2', 80],
    [REMOTE, 82],
  ] as const) {
    const flow = peer.stack.connect({ localAddress: LOCAL, remoteAddress, remotePort });
    flow.handler = { onData() {}, onClose: (reason) => void closed.push(`${remoteAddress}:${remotePort} ${reason}`) };
  }
  peer.stack.forget(REMOTE);
  t.strictSame(
    closed.toSorted(),
    [80, 81, 82].map((port) => `${REMOTE}:${port} unreachable`),
  );
  t.equal([...peer.stack.flows].length, 1);
});

t.test('a FIN alone is sent again as it is towards a closed window', async (t) => {
  for (const data of [0, 3]) {
    const peer = new RawPeer().establish();
    if (data > 0) peer.flow!.write(Buffer.alloc(data));
    peer.flow!.end();
    peer.stack.flush();
    peer.send({ seq: 1, ack: 1 + data, window: 0 });
    peer.sent();
    peer.wait(1000);
    const again = peer.sent();
    t.ok(again.length > 0);
    for (const { seq, flags, payload } of again) {
      t.equal(seq, 1 + data);
      t.ok(flags & FIN);
      t.equal(payload.length, 0);
    }
  }
});
