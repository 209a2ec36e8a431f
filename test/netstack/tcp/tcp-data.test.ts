import t from 'tap';
import { ACK, FIN, PSH, RawPeer, type RawSegment } from '../../support/raw-tcp-peer.ts';

const lengths = (segments: readonly RawSegment[]): number[] => segments.map((segment) => segment.payload.length);
const bytes = (segments: readonly RawSegment[]): number => lengths(segments).reduce((sum, n) => sum + n, 0);

t.test(
  'segments are as large as the peer and the path allow, less the options (RFC 9293 §3.7.1, RFC 6691)',
  async (t) => {
    for (const [mss, timestamps, expected] of [
      [1460, false, 1360],
      [1460, true, 1348],
      [500, false, 500],
      [500, true, 488],
    ] as const) {
      const peer = new RawPeer({ mss, timestamps }).establish();
      peer.flow!.write(Buffer.alloc(3000));
      peer.stack.flush();
      t.equal(peer.sent()[0]!.payload.length, expected);
      t.equal(peer.flow!.stats().mss, expected);
    }
  },
);

t.test('a peer that announces no MSS gets 536 bytes (RFC 9293 §3.7.1)', async (t) => {
  const bare = new RawPeer({ mss: 0 }).establish();
  bare.flow!.write(Buffer.alloc(3000));
  bare.stack.flush();
  t.equal(bare.sent()[0]!.payload.length, 536);
});

t.test(
  'every second full segment is acknowledged at once, a single one after a delay (RFC 9293 §3.8.6.3)',
  async (t) => {
    const peer = new RawPeer().establish();
    peer.send({ seq: 1, payload: Buffer.alloc(1000) });
    t.equal(peer.sent().length, 0);
    peer.wait(39);
    t.equal(peer.sent().length, 0);
    peer.wait(2);
    t.equal(peer.sent()[0]?.ack, 1001);
    peer.send({ seq: 1001, payload: Buffer.alloc(1000) });
    peer.send({ seq: 2001, payload: Buffer.alloc(1000) });
    t.equal(peer.sent()[0]?.ack, 3001);
  },
);

t.test('a batch of segments is delivered at once and acknowledged once', async (t) => {
  const peer = new RawPeer().establish();
  for (let i = 0; i < 32; i++) peer.send({ seq: 1 + i * 1000, payload: Buffer.alloc(1000, i) }, false);
  t.equal(peer.received.length, 0);
  peer.stack.flush();
  t.ok(peer.received.length <= 6, `${peer.received.length} chunks`);
  t.equal(peer.data.length, 32_000);
  const acks = peer.sent();
  t.equal(acks.length, 1);
  t.equal(acks[0]?.ack, 32_001);
});

t.test('what is delivered is a copy: the input buffer may be used again', async (t) => {
  const peer = new RawPeer().establish();
  const packet = Buffer.alloc(2048);
  const chunks: Buffer[] = [];
  peer.own(peer.flow!);
  peer.flow!.handler = {
    onData: (chunk) => void chunks.push(chunk),
    onClose() {},
  };
  const { input } = peer.stack;
  peer.stack.input = (buffer, offset, length) => {
    buffer.copy(packet, 7, offset, offset + length);
    input.call(peer.stack, packet, 7, length);
    packet.fill(0xee);
  };
  peer.send({ seq: 1 + 5, payload: 'later' });
  peer.send({ seq: 1, payload: 'first' });
  t.equal(Buffer.concat(chunks).toString(), 'firstlater');
});

t.test(
  'the window closes as the owner falls behind and opens as it catches up, never moving its edge back',
  async (t) => {
    const peer = new RawPeer({ stack: { tcp: { receiveBuffer: 20_000 } } }).establish();
    peer.autoConsume = false;
    let edge = 0;
    let sent = 0;
    for (let i = 0; i < 40; i++) {
      peer.send({ seq: 1 + sent, payload: Buffer.alloc(1000) });
      peer.wait(50);
      const acks = peer.sent();
      for (const ack of acks) {
        t.ok(ack.ack + ack.window >= edge, 'the right edge stays or moves right');
        edge = ack.ack + ack.window;
      }
      sent = acks.at(-1)!.ack - 1;
    }
    t.equal(sent, 20_000, 'no more than the buffer');
    peer.flow!.consumed(500);
    peer.stack.flush();
    t.equal(peer.sent().length, 0, 'no update for a crumb (silly window, RFC 9293 §3.8.6.2.2)');
    peer.flow!.consumed(15_000);
    peer.stack.flush();
    t.equal(peer.sent()[0]?.window, 15_500, 'told at once when it matters');
  },
);

t.test('the receive buffer grows with the pace of the owner, up to its bound', async (t) => {
  const window = (receiveBuffer: number): number => {
    const peer = new RawPeer({ windowScale: 7, timestamps: true, stack: { tcp: { receiveBuffer } } }).establish();
    let seq = 1;
    let widest = 0;
    for (let turn = 0; turn < 40; turn++) {
      peer.now += 10;
      peer.tsval += 10;
      for (let i = 0; i < 150; i++) {
        peer.send({ seq, payload: Buffer.alloc(1300) }, false);
        seq += 1300;
      }
      peer.stack.flush();
      for (const ack of peer.sent()) {
        widest = Math.max(widest, ack.window << Math.max(0, Math.ceil(Math.log2(receiveBuffer / 65_535))));
        seq = ack.ack;
      }
    }
    return widest;
  };
  t.ok(window(4 * 1024 * 1024) > 350_000, `${window(4 * 1024 * 1024)}`);
  t.ok(window(100_000) <= 100_000);
});

t.test(
  'Nagle: a small segment waits while another is unacknowledged, unless delay is off (RFC 9293 §3.7.4)',
  async (t) => {
    const peer = new RawPeer({ noDelay: false }).establish();
    for (const word of ['a', 'b', 'c']) {
      peer.flow!.write(Buffer.from(word));
      peer.stack.flush();
    }
    t.same(
      peer.sent().map((segment) => segment.payload.toString()),
      ['a'],
    );
    peer.send({ seq: 1, ack: 2 });
    t.same(
      peer.sent().map((segment) => segment.payload.toString()),
      ['bc'],
    );
    peer.flow!.write(Buffer.from('d'));
    peer.stack.flush();
    t.equal(peer.sent().length, 0);
    peer.flow!.setNoDelay(true);
    peer.stack.flush();
    t.equal(peer.sent()[0]?.payload.toString(), 'd');
  },
);

t.test(
  'nothing small is sent into a window that is small for the moment (silly window, RFC 9293 §3.8.6.2.1)',
  async (t) => {
    const peer = new RawPeer({ window: 20_000 }).establish();
    peer.flow!.write(Buffer.alloc(40_000));
    peer.stack.flush();
    const first = bytes(peer.sent());
    peer.send({ seq: 1, ack: 1 + first, window: 900 });
    t.equal(peer.sent().length, 0, '900 of once 20 000 bytes is silly');
    peer.wait(300);
    t.equal(bytes(peer.sent()), 900, 'but sent after a while, or both might wait for ever');
    peer.send({ seq: 1, ack: 1 + first + 900, window: 20_000 });
    t.ok(bytes(peer.sent()) > 5000);
  },
);

t.test(
  'a closed window is probed with one byte, ever more rarely, and never given up on (RFC 9293 §3.8.6.1)',
  async (t) => {
    const peer = new RawPeer({ window: 0 }).establish();
    peer.flow!.write(Buffer.from('payload'));
    peer.stack.flush();
    t.equal(peer.sent().length, 0);
    const times: number[] = [];
    for (let second = 0; second < 1200; second++) {
      peer.wait(1000);
      const probes = peer.sent();
      for (const probe of probes) {
        t.equal(probe.payload.toString(), 'p');
        times.push(second);
      }
      if (probes.length > 0) peer.send({ seq: 1, ack: 1, window: 0 });
    }
    t.ok(times.length > 15 && times.length < 40, `${times.length} probes in twenty minutes`);
    t.equal(peer.closed, undefined);
    t.ok(peer.stack.stats().tcpZeroWindowProbes! > 0);
    peer.send({ seq: 1, ack: 1, window: 1000 });
    peer.wait(10);
    t.equal(
      peer
        .sent()
        .map((segment) => segment.payload.toString())
        .join('')
        .slice(-7),
      'payload',
    );
  },
);

t.test('a window update that crosses nothing starts the flow again at once', async (t) => {
  const peer = new RawPeer({ window: 1000 }).establish();
  peer.flow!.write(Buffer.alloc(5000, 'x'));
  peer.stack.flush();
  t.equal(bytes(peer.sent()), 1000);
  peer.send({ seq: 1, ack: 1001, window: 0 });
  t.equal(peer.flow!.stats().zeroWindows, 1);
  t.equal(peer.sent().length, 0);
  peer.send({ seq: 1, ack: 1001, window: 4000 });
  t.equal(bytes(peer.sent()), 4000);
});

t.test('write says stop when the buffer is full, and onDrain says go when the peer has taken it', async (t) => {
  const peer = new RawPeer({ windowScale: 7, stack: { tcp: { sendBuffer: 100_000 } } }).establish();
  let written = 0;
  while (peer.flow!.write(Buffer.alloc(10_000))) written += 10_000;
  t.equal(written, 90_000);
  t.equal(peer.drains, 0);
  peer.stack.flush();
  for (let acked = 1; acked < 100_000; ) {
    const last = peer.sent().at(-1);
    if (last === undefined) break;
    acked = last.seq + last.payload.length;
    peer.send({ seq: 1, ack: acked });
  }
  t.equal(peer.drains, 1);
  t.equal(peer.stack.stats().memory, 0, 'nothing is held once it is acknowledged');
});

t.test('bytes come out as they were written, whatever the sizes of the writes', async (t) => {
  const peer = new RawPeer({ windowScale: 7, window: 60_000 }).establish();
  const parts: Buffer[] = [];
  for (let i = 0; i < 300; i++) parts.push(Buffer.alloc((i * 37) % 900, i));
  for (const part of parts) peer.flow!.write(part);
  peer.flow!.end();
  peer.stack.flush();
  const got: Buffer[] = [];
  let next = 1;
  for (let turn = 0; turn < 200; turn++) {
    for (const segment of peer.sent()) {
      if (segment.seq === next && segment.payload.length > 0) {
        got.push(segment.payload);
        next += segment.payload.length;
      }
    }
    peer.send({ seq: 1, ack: next });
  }
  t.ok(Buffer.concat(got).equals(Buffer.concat(parts)));
});

t.test('PSH marks the end of what was written, FIN comes after all of it', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.write(Buffer.alloc(2000));
  peer.flow!.end();
  peer.stack.flush();
  t.same(
    peer.sent().map((segment) => segment.flags),
    [ACK, ACK | PSH | FIN],
  );
  t.equal(peer.flow!.write(Buffer.from('too late')), false);
});

t.test('keep-alive asks an idle peer, goes on when it answers, ends when it does not (RFC 9293 §3.8.4)', async (t) => {
  const peer = new RawPeer({ stack: { tcp: { keepAlive: 10_000 } } }).establish();
  peer.wait(10_500);
  const [probe] = peer.sent();
  t.equal(probe?.seq, 0, 'from before the window');
  t.equal(probe?.payload.length, 0);
  peer.send({ seq: 1, ack: 1 });
  peer.wait(9000);
  t.equal(peer.sent().length, 0);
  peer.wait(200_000);
  t.equal(peer.closed, 'timeout');
  t.equal(peer.stack.stats().tcpKeepAlives, 10);

  const off = new RawPeer().establish();
  off.wait(86_400_000);
  t.equal(off.out.length, 0, 'off by default');
  t.equal(off.closed, undefined);
});

t.test('a keep-alive of the peer is answered', async (t) => {
  const peer = new RawPeer().establish();
  peer.wait(1000);
  peer.send({ seq: 0, ack: 1 });
  t.equal(peer.sent()[0]?.ack, 1);
});

t.test('the stack lists its flows, and tells each change of state', async (t) => {
  const changes: string[] = [];
  const peer = new RawPeer({ stack: { onStateChange: (_flow, from, to) => void changes.push(`${from}>${to}`) } });
  peer.establish();
  t.equal([...peer.stack.flows].length, 1);
  peer.send({ seq: 1, flags: FIN | ACK });
  peer.flow!.end();
  peer.stack.flush();
  peer.send({ seq: 2, ack: 2 });
  t.same(changes, [
    'CLOSED>LISTEN',
    'LISTEN>SYN-RECEIVED',
    'SYN-RECEIVED>ESTABLISHED',
    'ESTABLISHED>CLOSE-WAIT',
    'CLOSE-WAIT>LAST-ACK',
    'LAST-ACK>CLOSED',
  ]);
});

t.test('the tap sees every packet, both ways', async (t) => {
  const seen: string[] = [];
  const peer = new RawPeer({
    stack: { tap: (direction, _buffer, _offset, length) => void seen.push(`${direction} ${length}`) },
  });
  peer.establish();
  t.same(seen, ['in 44', 'out 44', 'in 40']);
});

t.test('an owner that throws loses its flow, and no other; the error comes out of flush', async (t) => {
  const peer = new RawPeer().establish();
  const first = peer.flow!;
  first.handler = {
    onData() {
      throw new Error('owner');
    },
    onClose() {},
  };
  peer.port = 40_001;
  peer.send({ seq: 0, flags: 2 });
  peer.iss = peer.out.at(-1)!.seq;
  peer.send({ seq: 1 });
  peer.send({ seq: 1, payload: 'fine' }, false);
  const second = peer.iss;
  peer.port = 40_000;
  peer.iss = (first as unknown as { iss: number }).iss;
  peer.send({ seq: 1, payload: 'bad' }, false);
  t.throws(() => peer.stack.flush(), { message: 'owner' });
  t.equal(peer.data, 'fine');
  t.equal(first.state, 'CLOSED');
  t.equal(peer.stack.stats().ownerErrors, 1);
  t.ok(second);
});

t.test('a flow that nobody takes holds its data until it ends, and no memory after', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: 2 });
  const flow = peer.requests[0]!.accept();
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.send({ seq: 1, payload: 'early' });
  t.ok(peer.stack.stats().memory! > 0);
  peer.send({ seq: 6, flags: 4 });
  t.equal(peer.stack.stats().memory, 0);
  peer.own(flow);
  peer.stack.flush();
  t.equal(peer.closed, 'reset-by-peer', 'whoever comes late hears how it ended');
});

t.test('an owner that resets while it is given data gets no more, and leaves no memory', async (t) => {
  const peer = new RawPeer({ windowScale: 7 }).establish();
  let chunks = 0;
  peer.flow!.handler = {
    onData: () => {
      chunks++;
      peer.flow!.reset();
    },
    onClose: (reason) => {
      peer.closed = reason;
    },
  };
  for (let i = 0; i < 40; i++) peer.send({ seq: 1 + i * 1000, payload: Buffer.alloc(1000) }, false);
  peer.stack.flush();
  t.equal(chunks, 1);
  t.equal(peer.closed, 'reset-local');
  t.equal(peer.stack.stats().memory, 0);
});

t.test('no byte is sent beyond the granted edge, even when the acknowledgement rides on an old segment', async (t) => {
  const peer = new RawPeer({ window: 20_000 }).establish();
  peer.flow!.write(Buffer.alloc(100_000));
  // The peer's later segment comes first, with the whole window; then its earlier one again, with a newer acknowledgement.
  peer.send({ seq: 1 + 100, ack: 1, window: 10_000, payload: 'later' });
  const sent = bytes(peer.sent());
  t.ok(sent > 0 && sent <= 20_000);
  peer.send({ seq: 1, ack: 1 + sent, window: 500, payload: Buffer.alloc(100) });
  peer.wait(100);
  for (const segment of peer.sent()) {
    t.ok(segment.seq + segment.payload.length <= 1 + sent + 500, `${segment.seq + segment.payload.length}`);
  }
});

t.test(
  'two ends with closed windows still hear each other: acknowledgements stay acceptable (RFC 9293 §3.10.7.4)',
  async (t) => {
    const peer = new RawPeer({ window: 0, stack: { tcp: { receiveBuffer: 2000 } } }).establish();
    peer.autoConsume = false;
    peer.flow!.write(Buffer.from('stuck'));
    peer.stack.flush();
    peer.send({ seq: 1, payload: Buffer.alloc(2000), window: 0 });
    peer.wait(3000);
    const probe = peer.sent().findLast((segment) => segment.payload.length > 0);
    t.equal(probe?.payload.length, 1, 'we probe');
    peer.send({ seq: 2001, payload: 'p', window: 0 });
    peer.wait(50);
    const [answer] = peer.sent().filter((segment) => segment.payload.length === 0);
    t.equal(answer?.seq, 1, 'from within the window, not from behind our probe');
    t.equal(answer?.ack, 2001, 'the probe of the peer is not taken');
    peer.send({ seq: 2001, ack: 2, window: 0 });
    t.equal(peer.flow!.stats().bytesOut, 1);
    peer.send({ seq: 2001, payload: 'p', ack: 2, window: 100 });
    peer.wait(10);
    t.match(
      peer
        .sent()
        .map((segment) => segment.payload.toString())
        .join(''),
      /tuck$/,
      'the window on a probe that is not taken counts',
    );
  },
);

t.test(
  'an acknowledgement from behind the one byte of a probe is taken while the window is closed, and no other',
  async (t) => {
    const acknowledged = (fields: { seq: number; payload?: string }): boolean => {
      const peer = new RawPeer({ stack: { tcp: { receiveBuffer: 2000 } } }).establish();
      peer.autoConsume = false;
      peer.send({ seq: 1, payload: Buffer.alloc(2000) });
      peer.flow!.write(Buffer.from('answer'));
      peer.stack.flush();
      peer.send({ ...fields, ack: 7 });
      peer.sent();
      peer.wait(5000);
      // What was not acknowledged is sent again.
      return bytes(peer.sent()) === 0;
    };
    t.equal(acknowledged({ seq: 2001 }), true, 'at the edge');
    t.equal(acknowledged({ seq: 2002 }), true, 'behind the probe');
    t.equal(acknowledged({ seq: 2003 }), false, 'farther');
    t.equal(acknowledged({ seq: 2000 }), false, 'before');
    t.equal(acknowledged({ seq: 2002, payload: 'x' }), false, 'text behind the probe');
  },
);
