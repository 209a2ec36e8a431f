import { Buffer } from 'node:buffer';
import t from 'tap';
import { CHUNK_IDLE } from '../../../src/netstack/core/constants.ts';
import type { TcpFlow } from '../../../src/netstack/index.ts';
import { TcpDuplex } from '../../../src/netstack/tcp/duplex.ts';
import { NetstackTwin, pattern } from '../../support/netstack-twin.ts';
import { RawPeer } from '../../support/raw-tcp-peer.ts';

/** One flow from `a` to `b` on virtual time, and everything that `b` was handed, as it was handed. */
function flow() {
  const pieces: Buffer[] = [];
  let received = 0;
  let far: TcpFlow | undefined;
  const twin = new NetstackTwin({
    impairment: { delay: 1 },
    b: {
      onTcp: (request) => {
        far = request.accept();
        far.handler = {
          onData: (data) => {
            pieces.push(data);
            received += data.length;
            far!.consumed(data.length);
          },
          onClose: () => {},
        };
      },
    },
  });
  const near = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 });
  near.handler = { onData: () => {}, onClose: () => {} };
  let sent = 0;
  return {
    twin,
    near,
    pieces,
    get received() {
      return received;
    },
    /** Sends so many bytes of the pattern in one go, and lets all of them arrive. */
    send(bytes: number): void {
      near.write(pattern(bytes, sent));
      sent += bytes;
      twin.until(() => received === sent);
      if (received !== sent) throw new Error(`${received} of ${sent} bytes came`);
    },
    /** Everything that was handed over still is what was sent. */
    whole: (): boolean => Buffer.concat(pieces).equals(pattern(received)),
  };
}

/** Bytes of memory behind pieces: what V8 counts. */
const memoryOf = (pieces: readonly Buffer[]): number =>
  [...new Set(pieces.map((piece) => piece.buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);

t.test('large chunks are filled on after a part of them was handed over, which stays as it was', (t) => {
  const one = flow();
  // Until chunks are as large as they get.
  one.send(600_000);
  one.pieces.length = 0;
  const before = one.received;
  let largest = 0;
  for (let i = 0; i < 300; i++) one.send(4000 + i);
  for (const piece of one.pieces) largest = Math.max(largest, piece.length);
  const bytes = one.received - before;
  t.ok(largest < 16_384, `pieces of up to ${largest} bytes`);
  t.ok(Buffer.concat(one.pieces).equals(pattern(bytes, before)));
  const memory = memoryOf(one.pieces);
  t.ok(memory < 1.2 * bytes + 65_536, `${memory} bytes of memory for ${bytes}`);
  t.end();
});

t.test('a small piece never holds a large chunk, and the room that it left is used again', (t) => {
  const one = flow();
  one.send(600_000);
  one.pieces.length = 0;
  for (let i = 0; i < 50; i++) {
    one.send(100);
    one.send(3000);
  }
  for (const piece of one.pieces) {
    if (piece.length < 2048) t.equal(piece.buffer.byteLength, piece.length);
  }
  const large = one.pieces.filter((piece) => piece.length >= 2048);
  t.ok(large.length >= 50);
  t.ok(memoryOf(large) <= 1.2 * 50 * 3000 + 65_536, `${memoryOf(large)} bytes of memory`);
  t.ok(Buffer.concat(one.pieces).equals(pattern(50 * 3100, 600_000)));
  t.end();
});

t.test('small requests take no memory beside their own bytes, which stay as they were', (t) => {
  const [one, other] = [flow(), flow()];
  for (const each of [one, other]) for (let i = 0; i < 5; i++) each.send(100);
  const taken: number[] = [];
  const real = Buffer.allocUnsafeSlow;
  t.teardown(() => {
    Buffer.allocUnsafeSlow = real;
  });
  Buffer.allocUnsafeSlow = (size) => {
    taken.push(size);
    return real(size);
  };
  for (let i = 0; i < 50; i++) {
    one.send(100 + i);
    other.send(300 - i);
  }
  Buffer.allocUnsafeSlow = real;
  t.strictSame(
    taken.filter((size) => size >= 2048),
    [],
  );
  for (const each of [one, other]) {
    for (const piece of each.pieces) t.equal(piece.buffer.byteLength, piece.length);
    t.ok(each.whole());
  }
  t.end();
});

t.test('a flow that falls silent gives its chunk back, and begins small again', (t) => {
  const one = flow();
  one.send(600_000);
  one.send(4000);
  const last = one.pieces.at(-1)!;
  t.ok(last.buffer.byteLength >= 16_384, `a chunk of ${last.buffer.byteLength}`);
  // One that goes on keeps it.
  one.send(4000);
  t.equal(one.pieces.at(-1)!.buffer, last.buffer);
  one.twin.run(3 * CHUNK_IDLE);
  t.equal(one.twin.b.nextTimer, Infinity, 'and nobody looks any more');
  one.send(3000);
  const next = one.pieces.at(-1)!;
  t.not(next.buffer, last.buffer);
  t.ok(next.buffer.byteLength <= 8192, `then one of ${next.buffer.byteLength}`);
  t.ok(one.whole());
  t.end();
});

t.test('a flow that trickles gives its chunk back too', (t) => {
  const one = flow();
  one.send(600_000);
  one.send(4000);
  const { buffer } = one.pieces.at(-1)!;
  for (let i = 0; i < 6; i++) {
    one.twin.run(CHUNK_IDLE / 2);
    one.send(3000);
  }
  t.not(one.pieces.at(-1)!.buffer, buffer);
  t.ok(one.pieces.at(-1)!.buffer.byteLength <= 8192);
  t.ok(one.whole());
  t.end();
});

t.test('with its connection a chunk goes at once', (t) => {
  const one = flow();
  one.send(600_000);
  one.send(4000);
  one.near.reset();
  one.twin.run(50);
  t.equal(one.twin.b.nextTimer, Infinity);
  t.end();
});

/** Ten flows that each get a short request in every batch, and what each was handed. */
function requests(flowing: boolean | undefined, bytes: number, rounds: number): Buffer[] {
  const pieces: Buffer[] = [];
  const twin = new NetstackTwin({
    impairment: { delay: 1 },
    b: {
      onTcp: (request) => {
        const far = request.accept();
        far.handler = {
          ...(flowing === undefined ? {} : { flowing }),
          onData: (data) => {
            pieces.push(data);
            far.consumed(data.length);
          },
          onClose: () => {},
        };
      },
    },
  });
  const flows = Array.from({ length: 10 }, () => {
    const near = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 80 });
    near.handler = { onData: () => {}, onClose: () => {} };
    return near;
  });
  for (let round = 1; round <= rounds; round++) {
    for (const near of flows) near.write(Buffer.alloc(bytes, round));
    twin.until(() => pieces.length === round * flows.length);
  }
  return pieces;
}

t.test('short requests that are processed at once share memory, and stay as they were', (t) => {
  const pieces = requests(true, 100, 20);
  t.equal(pieces.length, 200);
  const blocks = new Set(pieces.map(({ buffer }) => buffer));
  t.ok(blocks.size < 10, `${blocks.size} blocks for ${pieces.length} requests`);
  t.ok(memoryOf(pieces) < 200 * 100 * 1.5, 'and these hold little else');
  t.ok(
    Math.max(...[...blocks].map(({ byteLength }) => byteLength)) <= 4096,
    'one of them retains a small block at most',
  );
  for (const [index, piece] of pieces.entries()) {
    if (!piece.equals(Buffer.alloc(100, Math.floor(index / 10) + 1))) t.fail(`request ${index} has changed`);
  }
  t.end();
});

t.test('data that may wait has memory of its own', (t) => {
  for (const flowing of [false, undefined]) {
    const pieces = requests(flowing, 100, 3);
    t.ok(
      pieces.every(({ buffer, length }) => buffer.byteLength === length),
      String(flowing),
    );
  }
  const large = requests(true, 600, 1);
  t.ok(
    large.every(({ buffer }) => new Set(large.map((one) => one.buffer)).size === 10 && buffer.byteLength <= 2048),
    'and so has more than a short request',
  );
  t.end();
});

t.test('a stream says that it processes data at once only while somebody reads it and nothing waits', async (t) => {
  const flow = {
    handler: undefined,
    consumed: () => {},
    write: () => true,
    end: () => {},
    close: () => {},
    reset: () => {},
  };
  const stream = new TcpDuplex(flow as unknown as TcpFlow);
  t.teardown(() => stream.destroy());
  t.notOk(stream.flowing, 'without a reader');
  stream.onData(Buffer.from('waits'));
  const seen: string[] = [];
  stream.on('data', (data: Buffer) => seen.push(data.toString()));
  t.notOk(stream.flowing, 'while something waits');
  await new Promise(setImmediate);
  t.strictSame(seen, ['waits']);
  t.ok(stream.flowing, 'once it was read');
  stream.pause();
  t.notOk(stream.flowing, 'paused');
});

t.test('an owner cannot use up more than it was given', async (t) => {
  const peer = new RawPeer({ stack: { tcp: { receiveBuffer: 20_000 } } }).establish();
  peer.autoConsume = false;
  peer.send({ seq: 1, payload: Buffer.alloc(8000) });
  peer.flow!.consumed(1_000_000);
  peer.stack.flush();
  t.equal(peer.stack.stats().memory, 0);
  peer.wait(100);
  t.equal(peer.sent().at(-1)?.window, 20_000, 'the window is the buffer');
});

t.test('what is left of a scaled window is told rounded down, so that nobody sends beyond it', async (t) => {
  const BUFFER = 256 * 1024;
  const peer = new RawPeer({ windowScale: 7 }).establish();
  peer.autoConsume = false;
  let sent = 0;
  const send = (length: number): number => {
    peer.send({ seq: 1 + sent, payload: Buffer.alloc(length) });
    sent += length;
    peer.wait(100);
    return peer.sent().at(-1)!.window;
  };
  while (sent < BUFFER - 2000) send(1000);
  // 100 bytes are left, less than one step of 128.
  t.equal(send(BUFFER - 100 - sent), 0);
  t.ok(send(28 + 72) === 0 && peer.data.length === BUFFER, 'what was granted before is taken');
});

t.test('a segment counts as old when its last byte is', async (t) => {
  const peer = new RawPeer().establish();
  peer.send({ seq: 1, payload: 'hello' });
  peer.send({ seq: 1, payload: 'hello' });
  peer.send({ seq: 1, payload: 'hell' });
  t.equal(peer.stack.stats().dropTcpWindow, 2);
  peer.send({ seq: 1, payload: 'hello!' });
  t.equal(peer.stack.stats().dropTcpWindow, 2);
  t.equal(peer.data, 'hello!');
});
