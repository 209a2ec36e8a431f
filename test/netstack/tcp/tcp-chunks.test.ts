import { Buffer } from 'node:buffer';
import t from 'tap';
import { CHUNK_IDLE } from '../../../src/netstack/core/constants.ts';
import type { TcpFlow } from '../../../src/netstack/index.ts';
import { NetstackTwin, pattern } from '../../support/netstack-twin.ts';

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
