import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createServer as createTls, connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { Netstack, NetstackOptions, TcpConnectRequest } from '../../src/netstack/core/types.ts';
import { createNetstack, driveNetstack } from '../../src/netstack/index.ts';
import { pattern } from '../support/netstack-twin.ts';
import { ACK, FIN, RawPeer, RST } from '../support/raw-tcp-peer.ts';

/** Two driven stacks on real time, joined by the event loop. */
function pair(onTcp: (request: TcpConnectRequest) => void, options: Partial<NetstackOptions> = {}) {
  const stacks: Netstack[] = [];
  const drivers: Disposable[] = [];
  const waiting: [Buffer[], Buffer[]] = [[], []];
  for (const side of [0, 1] as const) {
    const other = side === 0 ? 1 : 0;
    const stack = createNetstack({
      random: systemRandom,
      now: systemClock.monotonic(),
      onTcp,
      ...options,
      output: (buffer, offset, length) => {
        const queue = waiting[other];
        if (queue.push(Buffer.from(buffer.subarray(offset, offset + length))) > 1) return;
        setImmediate(() => {
          const batch = queue.splice(0);
          stacks[other]!.tick(systemClock.monotonic());
          for (const packet of batch) stacks[other]!.input(packet, 0, packet.length);
          stacks[other]!.flush();
        });
      },
    });
    stacks.push(stack);
    drivers.push(driveNetstack(stack, systemClock));
  }
  const [client, server] = stacks as [Netstack, Netstack];
  // Closing a stack is an error to streams that are still open.
  const connect = (): Duplex =>
    client
      .connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 })
      .toDuplex()
      .on('error', () => {});
  const close = (): void => {
    for (const stack of stacks) stack.close();
    for (const driver of drivers) driver[Symbol.dispose]();
  };
  return { client, server, connect, close };
}

t.test('streams carry megabytes both ways at once, exactly, and end on both sides', async (t) => {
  const { connect, close, server } = pair((request) => {
    const stream = request.accept().toDuplex();
    pipeline(stream, stream).catch(t.fail);
  });
  t.teardown(close);
  const data = pattern(5_000_000);
  const stream = connect();
  const got: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => void got.push(chunk));
  for (let at = 0; at < data.length; at += 100_000) {
    if (!stream.write(data.subarray(at, at + 100_000))) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await finished(stream);
  t.ok(Buffer.concat(got).equals(data));
  for (let i = 0; i < 10_000 && server.stats().memory !== 0; i++) await new Promise((resolve) => setImmediate(resolve));
  t.equal(server.stats().memory, 0, 'nothing is held once all is acknowledged');
});

t.test('a reader that pauses stops the writer at the other end: memory stays bounded', async (t) => {
  let reader: Duplex | undefined;
  const { connect, close } = pair(
    (request) => {
      reader = request.accept().toDuplex();
      reader.on('error', () => {});
    },
    { tcp: { receiveBuffer: 200_000, sendBuffer: 200_000 } },
  );
  t.teardown(close);
  const stream = connect();
  let written = 0;
  const block = Buffer.alloc(50_000);
  while (written < 50_000_000) {
    written += block.length;
    if (stream.write(block)) continue;
    const drained = await Promise.race([
      new Promise<boolean>((resolve) => stream.once('drain', () => resolve(true))),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200)),
    ]);
    if (!drained) break;
  }
  t.ok(written < 2_000_000, `${written} bytes were taken before the writer had to wait`);
  let got = 0;
  reader!.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  stream.end();
  await finished(reader!, { writable: false });
  t.equal(got, written);
  reader!.end();
});

t.test('TLS runs over a flow', async (t) => {
  const ciphers = 'PSK-AES128-GCM-SHA256';
  const psk = Buffer.alloc(16, 7);
  const tls = createTls(
    { ciphers, maxVersion: 'TLSv1.2', pskCallback: () => psk },
    (secure) => void secure.pipe(secure),
  );
  const { connect, close } = pair((request) => {
    tls.emit(
      'connection',
      request
        .accept()
        .toDuplex()
        .on('error', () => {}),
    );
  });
  t.teardown(close);
  const secure = tlsConnect({
    socket: connect(),
    ciphers,
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk, identity: 'test' }),
  });
  const data = pattern(300_000);
  secure.end(data);
  const got: Buffer[] = [];
  for await (const chunk of secure) got.push(chunk as Buffer);
  t.ok(Buffer.concat(got).equals(data));
});

t.test('a destroyed stream resets the flow (RFC 2525 §2.17), a reset flow destroys the stream', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: 2 });
  const stream = peer.requests[0]!.accept().toDuplex();
  peer.iss = peer.out.splice(0)[0]!.seq;
  peer.send({ seq: 1, payload: 'unread' });
  peer.sent();
  stream.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  peer.stack.flush();
  t.ok(peer.sent().some((segment) => segment.flags & RST));
  t.equal(peer.stack.stats().tcpFlows, 0);

  const other = new RawPeer({ accept: false });
  other.send({ seq: 0, flags: 2 });
  const victim = other.requests[0]!.accept().toDuplex();
  other.iss = other.out.splice(0)[0]!.seq;
  other.send({ seq: 1 });
  const failed = new Promise((resolve) => victim.once('error', resolve));
  other.send({ seq: 1, flags: RST });
  t.match(await failed, { code: 'ERR_NETSTACK_RESET' });
  t.throws(
    () => {
      const flow = other.requests[0]!.accept();
      flow.handler = { onData() {}, onClose() {} };
      return new RawPeer().establish().flow!.toDuplex();
    },
    { code: 'ERR_NETSTACK_FLOW_TAKEN' },
  );
});

t.test('a stream that is closed like the socket of a program ends with FIN, unless it was cut off', async (t) => {
  const opened = () => {
    const peer = new RawPeer({ accept: false });
    peer.send({ seq: 0, flags: 2 });
    const stream = Object.assign(peer.requests[0]!.accept().toDuplex(), { closesOnDestroy: true });
    stream.on('error', () => {});
    peer.iss = peer.out.splice(0)[0]!.seq;
    peer.send({ seq: 1 });
    return { peer, stream };
  };
  const flagsOf = (peer: RawPeer): number => {
    peer.stack.flush();
    return peer.sent().reduce((all, { flags }) => all | flags, 0);
  };
  const done = opened();
  done.stream.destroy(new Error('not needed any more'));
  t.equal(flagsOf(done.peer) & (FIN | RST), FIN);
  done.peer.send({ seq: 1, ack: 2, payload: 'goodbye' });
  t.notOk(flagsOf(done.peer) & RST);
  const over = new Promise((resolve) => done.stream.once('over', resolve));
  done.peer.send({ seq: 8, ack: 2, flags: FIN | ACK });
  t.equal(await over, undefined, 'both directions came to their end');

  for (const [bytes, flag] of [
    [1024, FIN],
    [1025, RST],
  ] as const) {
    const unread = opened();
    unread.peer.send({ seq: 1, payload: Buffer.alloc(bytes) });
    t.equal(unread.stream.readableLength, bytes);
    unread.stream.destroy();
    t.equal(flagsOf(unread.peer) & (FIN | RST), flag, `${bytes} bytes that nobody has read`);
  }

  const late = opened();
  late.peer.send({ seq: 1, flags: FIN | ACK });
  late.stream.resume();
  await new Promise((resolve) => late.stream.once('end', resolve));
  late.stream.destroy();
  t.equal(flagsOf(late.peer) & (FIN | RST), FIN, 'after the other end');

  for (const [why, cut] of [
    ['unread', ({ peer, stream }) => peer.send({ seq: 1, payload: Buffer.alloc(1025) }) ?? stream.destroy()],
    ['aborted', ({ stream }) => stream.destroy(new DOMException('Enough.', 'AbortError'))],
  ] as [string, (one: ReturnType<typeof opened>) => unknown][]) {
    const one = opened();
    const over = new Promise((resolve) => one.stream.once('over', resolve));
    cut(one);
    t.ok(flagsOf(one.peer) & RST, why);
    t.type(await over, Error, why);
  }
});

t.test('a refused connection is an error of the stream', async (t) => {
  const { connect, close } = pair((request) => request.refuse());
  t.teardown(close);
  const stream = connect();
  await t.rejects(finished(stream), { code: 'ERR_NETSTACK_REFUSED' });
});

t.test('the driver ticks exactly when a deadline is due, and not once it is stopped', async (t) => {
  const clock = new ManualClock();
  const times: number[] = [];
  const stack = createNetstack({
    random: systemRandom,
    now: clock.monotonic(),
    output: () => void times.push(Math.round(clock.monotonic())),
  });
  const driver = driveNetstack(stack, clock);
  stack.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 });
  clock.advance(20_000);
  t.same(times, [0, 1000, 3000, 7000, 15_000], 'SYN and its repetitions');
  driver.stop();
  driver.stop();
  clock.advance(100_000);
  t.equal(times.length, 5);
  t.equal(clock.pending, 0, 'no timer is left');
  stack.close();
});

t.test('an idle stack asks for no time at all', async (t) => {
  const clock = new ManualClock();
  const stack = createNetstack({ random: systemRandom, now: 0, output() {} });
  using _ = driveNetstack(stack, clock);
  t.equal(stack.nextDeadline, Infinity);
  t.equal(clock.pending, 0);
});

t.test('bad addresses and taken ports are refused in words', async (t) => {
  const stack = createNetstack({ random: systemRandom, now: 0, output() {} });
  const local = { localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 };
  t.throws(() => stack.connect({ ...local, remoteAddress: 'example.com' }), { code: 'ERR_NETSTACK_ADDRESS' });
  t.throws(() => stack.connect({ ...local, remoteAddress: '::1' }), { code: 'ERR_NETSTACK_ADDRESS' });
  stack.connect({ ...local, localPort: 5 });
  t.throws(() => stack.connect({ ...local, localPort: 5 }), { code: 'ERR_NETSTACK_PORT_IN_USE' });
  t.equal(stack.connect({ ...local, localAddress: '10.0.0.9', localPort: 5 }).localPort, 5);
  stack.close();
  t.throws(() => stack.connect(local), { code: 'ERR_CLOSED' });
});

t.test('the end of a stream comes after all that its reader has not taken yet', async (t) => {
  const peer = new RawPeer({ accept: false });
  peer.send({ seq: 0, flags: 2 });
  const stream = peer.requests[0]!.accept().toDuplex();
  peer.iss = peer.out.at(-1)!.seq;
  let sent = 0;
  for (let i = 0; i < 150; i++) {
    peer.send({ seq: 1 + sent, payload: Buffer.alloc(1000, i) });
    sent += 1000;
  }
  peer.send({ seq: 1 + sent, flags: FIN | ACK });
  const got: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => void got.push(chunk));
  await once(stream, 'end');
  t.ok(Buffer.concat(got).equals(Buffer.concat(Array.from({ length: 150 }, (_, i) => Buffer.alloc(1000, i)))));
  stream.destroy();
});
