import t from 'tap';
import { TcpState } from '../../../src/netstack/core/types.ts';
import { ACK, FIN, RawPeer, RST, SYN, sackOption } from '../../support/raw-tcp-peer.ts';

t.test('RST resets only at the exact number; elsewhere in the window it is asked back (RFC 5961 §3.2)', async (t) => {
  const peer = new RawPeer().establish();
  peer.send({ seq: 1 + 1000, flags: RST });
  t.equal(peer.flow!.state, TcpState.Established);
  const [challenge] = peer.sent();
  t.equal(challenge?.flags, ACK);
  t.equal(challenge?.ack, 1);
  for (const seq of [-70_000, 0, 1 + 300_000]) peer.send({ seq, flags: RST });
  t.equal(peer.out.length, 0, 'outside of the window there is no answer');
  t.equal(peer.flow!.state, TcpState.Established);
  peer.send({ seq: 1, flags: RST });
  t.equal(peer.closed, 'reset-by-peer');
});

t.test('SYN on a connection brings a challenge, whatever its number (RFC 5961 §4.2)', async (t) => {
  for (const seq of [1, 500, -1000, 0x4000_0000]) {
    const peer = new RawPeer().establish();
    peer.send({ seq, flags: SYN });
    t.equal(peer.flow!.state, TcpState.Established, `at ${seq}`);
    t.equal(peer.sent()[0]?.flags, ACK, `at ${seq}`);
    t.equal(peer.requests.length, 1);
  }
});

t.test(
  'challenges are limited in rate, so that a flood of forgeries makes no flood of answers (RFC 5961 §7)',
  async (t) => {
    const peer = new RawPeer().establish();
    for (let i = 0; i < 1000; i++) {
      peer.send({ seq: 1 + 1000, flags: RST });
      peer.send({ seq: 5, flags: SYN });
      peer.send({ seq: 1, ack: 100_000 });
      peer.send({ seq: -5000 });
      peer.wait(1);
    }
    t.ok(peer.out.length <= 15, `${peer.out.length} answers to 4000 forgeries in a second`);
    t.ok(peer.out.length >= 2);
  },
);

t.test('acknowledgements of what was never sent, or of long ago, change nothing (RFC 5961 §5.2)', async (t) => {
  const peer = new RawPeer().establish();
  peer.flow!.write(Buffer.alloc(5000));
  peer.stack.flush();
  peer.sent();
  const before = peer.flow!.stats().cwnd;
  peer.send({ seq: 1, ack: 1 + 9000, payload: 'optimist' });
  peer.send({ seq: 1, ack: -200_000, payload: 'archaeologist' });
  t.equal(peer.data, '', 'neither is their data taken');
  t.equal(peer.flow!.stats().cwnd, before);
  t.equal(peer.stack.stats().dropTcpAck, 2);
});

t.test('a segment is taken only if it touches the window, and only the part inside (RFC 9293 §3.10.7.4)', async (t) => {
  const peer = new RawPeer({ stack: { tcp: { receiveBuffer: 4096 } } }).establish();
  peer.autoConsume = false;
  peer.send({ seq: 1 + 4096, payload: 'beyond' });
  t.equal(peer.data, '');
  t.equal(peer.sent().at(-1)?.ack, 1, 'answered with what is expected');
  peer.send({ seq: -3, payload: 'old' });
  t.equal(peer.data, '', 'old');
  peer.send({ seq: -1, payload: 'xyabc' });
  t.equal(peer.data, 'abc', 'the new part of a half-old segment');
  peer.send({ seq: 4, payload: 'z'.repeat(8000) });
  t.equal(peer.data.length, 4096, 'no byte more than was granted');
  peer.send({ seq: 4097, payload: 'more' });
  t.equal(peer.data.length, 4096, 'nothing while the window is closed');
});

t.test('segments without ACK are dropped on an open connection', async (t) => {
  const peer = new RawPeer().establish();
  peer.send({ seq: 1, flags: 0, payload: 'no ack' });
  peer.send({ seq: 1, flags: FIN });
  t.equal(peer.data, '');
  t.notOk(peer.ended);
  t.equal(peer.stack.stats().dropTcpFlags, 2);
});

t.test('an old timestamp shuts a segment out, except on RST (RFC 7323 §5.3)', async (t) => {
  const peer = new RawPeer({ timestamps: true }).establish();
  peer.send({ seq: 1, payload: 'one' });
  peer.sent();
  peer.tsval -= 100;
  peer.send({ seq: 4, payload: 'two' });
  t.equal(peer.data, 'one');
  peer.wait(50);
  t.equal(peer.sent()[0]?.ack, 4, 'it is acknowledged, though');
  t.equal(peer.stack.stats().dropTcpPaws, 1);
  peer.tsval += 100;
  peer.send({ seq: 4, payload: 'two' });
  t.equal(peer.data, 'onetwo');
  peer.tsval -= 100;
  peer.send({ seq: 7, flags: RST });
  t.equal(peer.closed, 'reset-by-peer');
});

t.test('after 24 idle days an old timestamp is let in again (RFC 7323 §5.5)', async (t) => {
  const peer = new RawPeer({ timestamps: true }).establish();
  peer.wait(25 * 86_400_000);
  peer.tsval -= 1000;
  peer.send({ seq: 1, payload: 'hello again' });
  t.equal(peer.data, 'hello again');
});

t.test('a segment without the agreed timestamps is dropped (RFC 7323 §3.2)', async (t) => {
  const peer = new RawPeer({ timestamps: true }).establish();
  peer.omitTimestamps = true;
  peer.send({ seq: 1, payload: 'who?' });
  t.equal(peer.data, '');
  t.equal(peer.stack.stats().dropTcpNoTimestamp, 1);
  peer.send({ seq: 1, flags: RST });
  t.equal(peer.closed, 'reset-by-peer', 'RST needs none');
});

t.test('overlapping segments never change a byte that was taken, and deliver each once', async (t) => {
  const peer = new RawPeer({ sack: true }).establish();
  peer.send({ seq: 1 + 4, payload: 'EFGH' });
  peer.send({ seq: 1 + 2, payload: 'cdef' });
  peer.send({ seq: 1 + 6, payload: 'ghij' });
  t.equal(peer.data, '');
  peer.send({ seq: 1, payload: 'ab' });
  t.equal(peer.data.length, 10);
  t.equal(peer.data.toLowerCase(), 'abcdefghij');
  peer.send({ seq: 1, payload: 'XXXXXXXXXX' });
  t.equal(peer.data.length, 10);
});

t.test('SACK blocks that lie are of no consequence (RFC 2018 §8)', async (t) => {
  const peer = new RawPeer({ sack: true, windowScale: 7 }).establish();
  peer.flow!.write(Buffer.alloc(10_000, 'x'));
  peer.stack.flush();
  peer.sent();
  const lies: (readonly [number, number])[][] = [
    [[1, 100_000]],
    [[50_000, 60_000]],
    [[9000, 3000]],
    [[-5000, -1]],
    [[-0x7fff_0000, 5]],
    [[1, 1]],
    [
      [1, 2],
      [2, 3],
      [3, 4],
    ],
  ];
  for (const blocks of lies) peer.send({ seq: 1, ack: 1, options: sackOption(peer, ...blocks) });
  t.equal(peer.flow!.state, TcpState.Established);
  // Whoever claims all and then takes it back gets everything again (reneging).
  peer.send({ seq: 1, ack: 1, options: sackOption(peer, [1361, 10_001]) });
  peer.wait(3000);
  const resent = peer.sent().filter((segment) => segment.payload.length > 0);
  t.ok(
    resent.some((segment) => segment.seq === 1),
    'the hole',
  );
  peer.send({ seq: 1, ack: 1361 });
  for (let i = 0; i < 20 && peer.flow!.stats().bytesOut > 0; i++) peer.wait(1000);
  const covered = new Set(peer.sent().map((segment) => segment.seq));
  t.ok(covered.has(1361), 'what was reneged is sent again');
});

t.test('dividing acknowledgements gains nothing over whole ones (RFC 3465)', async (t) => {
  const grow = (pieces: number): number => {
    const peer = new RawPeer({ windowScale: 7, window: 65_535 }).establish();
    peer.flow!.write(Buffer.alloc(1_000_000));
    peer.stack.flush();
    const flight = peer.sent().reduce((sum, segment) => sum + segment.payload.length, 0);
    for (let i = 1; i <= pieces; i++) peer.send({ seq: 1, ack: 1 + Math.floor((flight * i) / pieces) });
    return peer.flow!.stats().cwnd;
  };
  t.ok(grow(1000) <= grow(5) + 1500, `${grow(1000)} against ${grow(5)}`);
});

t.test('a tiny MSS does not make us send tiny segments without end (CVE-2019-11479)', async (t) => {
  for (const mss of [0, 1, 20, 48]) {
    const peer = new RawPeer({ mss }).establish();
    peer.flow!.write(Buffer.alloc(1000));
    peer.stack.flush();
    const [first] = peer.sent();
    t.ok(first!.payload.length >= 48, `announced ${mss}, sent ${first!.payload.length}`);
  }
});

t.test('a window that shrinks is lived with (RFC 9293 §3.8.6)', async (t) => {
  const peer = new RawPeer({ window: 10_000 }).establish();
  peer.flow!.write(Buffer.alloc(20_000, 'w'));
  peer.stack.flush();
  const sent = peer.sent().reduce((sum, segment) => sum + segment.payload.length, 0);
  t.ok(sent <= 10_000);
  peer.send({ seq: 1, ack: 1, window: 500 });
  peer.stack.flush();
  t.equal(peer.sent().length, 0, 'nothing new beyond the shrunk edge');
  peer.send({ seq: 1, ack: 1 + sent, window: 0 });
  peer.wait(2000);
  const probes = peer.sent();
  t.ok(probes.length >= 1 && probes.every((probe) => probe.payload.length === 1), 'one byte at a time');
  peer.send({ seq: 1, ack: 1 + sent, window: 65_535 });
  t.ok(
    peer.sent().some((segment) => segment.payload.length > 1000),
    'and on it goes',
  );
  t.equal(peer.flow!.state, TcpState.Established);
});

t.test('many holes of one byte cost no more than the cap on out-of-order data', async (t) => {
  const peer = new RawPeer({ sack: true, stack: { limits: { outOfOrderBytes: 20_000 } } }).establish();
  for (let i = 0; i < 2000; i++) peer.send({ seq: 1 + 2 * i + 1, payload: 'x' });
  const stats = peer.stack.stats();
  t.ok(stats.outOfOrderBytes! <= 20_000, `${stats.outOfOrderBytes} bytes`);
  t.ok(stats.refusedOutOfOrder! > 1000, 'each refusal counted');
  for (let i = 0; i < 4000; i += 100) peer.send({ seq: 1 + i, payload: 'y'.repeat(100) });
  t.equal(peer.data.length, 4000, 'what comes in order still gets through');
  t.equal(peer.stack.stats().outOfOrderBytes, 0);
});

t.test('no options, however malformed, do more than be ignored', async (t) => {
  const malformed = [
    [2],
    [2, 0, 0, 0],
    [2, 40, 1, 1],
    [8, 10, 1, 1],
    [5, 10, 1, 2, 3, 4, 5, 6],
    [5, 3, 1, 1],
    [3, 3, 255, 1],
    [0, 0, 0, 0, 2, 4, 0, 1],
    Array.from({ length: 20 }, () => 1),
    [254, 1, 1, 1],
  ];
  for (const bytes of malformed) {
    while (bytes.length % 4) bytes.push(0);
    const peer = new RawPeer().establish();
    peer.send({ seq: 1, payload: 'data', options: Buffer.from(bytes) });
    t.equal(peer.data, 'data', bytes.join(' '));
  }
  const scaled = new RawPeer({ windowScale: 200 }).establish();
  scaled.flow!.write(Buffer.alloc(100_000));
  scaled.stack.flush();
  t.equal(scaled.flow!.state, TcpState.Established, 'a shift beyond 14 is taken as 14 (RFC 7323 §2.3)');
});

t.test('data after FIN, and a FIN that moves, are not believed', async (t) => {
  const peer = new RawPeer().establish();
  peer.send({ seq: 1 + 10, flags: FIN | ACK, payload: 'tail' });
  t.notOk(peer.ended, 'there is a gap before it');
  peer.send({ seq: 1, flags: FIN | ACK, payload: 'abc' });
  t.notOk(peer.ended, 'a second FIN elsewhere is no FIN');
  peer.send({ seq: 4, payload: 'defghij' });
  t.ok(peer.ended);
  t.equal(peer.data, 'abcdefghijtail');
  peer.send({ seq: 1 + 15, payload: 'posthumous' });
  t.equal(peer.data, 'abcdefghijtail');
  t.equal(peer.flow!.state, TcpState.CloseWait);
});

t.test(
  'text that reaches beyond a FIN is cut off there, whether it comes before the gap is closed or closes it',
  async (t) => {
    const early = new RawPeer().establish();
    early.send({ seq: 7, flags: FIN | ACK });
    early.send({ seq: 4, payload: 'defXXXX' });
    t.equal(early.data, '', 'there is a gap');
    early.send({ seq: 1, payload: 'abc' });
    t.equal(early.data, 'abcdef');
    t.ok(early.ended);
    t.equal(early.sent().at(-1)?.ack, 8, 'the FIN is acknowledged, and nothing behind it');

    const closing = new RawPeer().establish();
    closing.send({ seq: 7, flags: FIN | ACK });
    closing.send({ seq: 1, payload: 'abcdefXXXX' });
    t.equal(closing.data, 'abcdef');
    t.ok(closing.ended);
    t.equal(closing.sent().at(-1)?.ack, 8);

    const behind = new RawPeer().establish();
    behind.send({ seq: 4, flags: FIN | ACK });
    behind.send({ seq: 6, payload: 'XXXX' });
    behind.send({ seq: 1, payload: 'abc' });
    t.equal(behind.data, 'abc', 'what lies wholly behind it is nothing');
    t.ok(behind.ended);
  },
);

t.test('a FIN beyond the window, or before what was taken, is none', async (t) => {
  const peer = new RawPeer({ stack: { tcp: { receiveBuffer: 4096 } } }).establish();
  peer.autoConsume = false;
  peer.send({ seq: 1 + 70_000, flags: FIN | ACK });
  peer.send({ seq: 1, payload: 'abc' });
  peer.send({ seq: 2, flags: FIN | ACK });
  t.notOk(peer.ended);
  peer.send({ seq: 4, payload: 'def' });
  t.equal(peer.data, 'abcdef');
  peer.send({ seq: 7, flags: FIN | ACK });
  t.ok(peer.ended);
});

t.test('a flood of SYNs stops at the cap on half-open connections, and the flows that are open go on', async (t) => {
  const peer = new RawPeer({ stack: { limits: { tcpHalfOpen: 10 } } }).establish();
  const { flow } = peer;
  for (let i = 0; i < 100; i++) peer.send({ seq: 0, flags: SYN, port: 1000 + i });
  t.equal(peer.stack.stats().tcpHalfOpen, 10);
  t.equal(peer.stack.stats().refusedHalfOpen, 90);
  peer.own(flow!);
  peer.send({ seq: 1, payload: 'still here' });
  t.equal(peer.data, 'still here');
  peer.wait(70_000);
  t.equal(peer.stack.stats().tcpHalfOpen, 0, 'and it passes');
});

t.test('the cap on flows refuses the next one and says so', async (t) => {
  const peer = new RawPeer({ stack: { limits: { tcpFlows: 3 } } });
  for (let i = 0; i < 5; i++) peer.send({ seq: 0, flags: SYN, port: 1000 + i });
  t.equal(peer.requests.length, 3);
  t.equal(peer.stack.stats().refusedFlows, 2);
  t.throws(() => peer.stack.connect({ localAddress: '10.1.2.3', remoteAddress: '10.77.0.1', remotePort: 5 }), {
    code: 'ERR_NETSTACK_LIMIT',
  });
});

t.test('a stack that is short of memory refuses new flows and shrinks what it offers', async (t) => {
  const peer = new RawPeer({ windowScale: 7, stack: { limits: { memory: 100_000 } } }).establish();
  peer.flow!.write(Buffer.alloc(150_000));
  peer.stack.flush();
  peer.sent();
  peer.send({ seq: 0, flags: SYN, port: 999 });
  t.equal(peer.requests.length, 1);
  t.equal(peer.stack.stats().refusedMemory, 1);
  peer.send({ seq: 1 + 5000, payload: 'early' });
  t.equal(peer.stack.stats().refusedOutOfOrder, 1, 'nothing is kept that can be sent again');
});

t.test(
  'the time of a peer stays fresh while segments bear it, though its clock stands still (RFC 7323 §5.5)',
  async (t) => {
    const DAY = 86_400_000;
    const peer = new RawPeer({ timestamps: true }).establish();
    peer.wait(20 * DAY);
    peer.send({ seq: 1, payload: 'a' });
    peer.wait(20 * DAY);
    peer.tsval--;
    peer.send({ seq: 2, payload: 'old' });
    t.equal(peer.data, 'a', 'twenty days ago is not too long');
    t.equal(peer.stack.stats().dropTcpPaws, 1);
    peer.wait(5 * DAY);
    peer.send({ seq: 2, payload: 'b' });
    t.equal(peer.data, 'ab', 'more than 24 days are');
  },
);

t.test('a header that is too short, or longer than its segment, is dropped as that', async (t) => {
  const peer = new RawPeer().establish();
  for (const [words, payload, dropped] of [
    [4, 'data', true],
    [0, 'data', true],
    [7, 'data', true],
    [6, 'data', false],
    [5, 'data', false],
  ] as const) {
    const before = peer.stack.stats().dropTcpHeader!;
    const { input } = peer.stack;
    peer.stack.input = (buffer, offset, length) => {
      // The checksum is made right again: ones' complement of what was added.
      const packet = Buffer.from(buffer.subarray(offset, offset + length));
      const change = (words << 12) - (packet.readUInt16BE(32) & 0xf000);
      packet.writeUInt16BE(packet.readUInt16BE(32) + change, 32);
      const sum = packet.readUInt16BE(36) - change;
      packet.writeUInt16BE(sum < 0 ? sum + 0xffff : sum > 0xffff ? sum - 0xffff : sum, 36);
      input.call(peer.stack, packet, 0, length);
    };
    peer.send({ seq: 1, payload });
    peer.stack.input = input;
    t.equal(peer.stack.stats().dropTcpHeader! - before, dropped ? 1 : 0, `${words} words`);
  }
  t.equal(peer.stack.stats().dropTcpChecksum, 0);
  t.equal(peer.data, 'data');
});
