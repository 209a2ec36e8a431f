import fc from 'fast-check';
import t from 'tap';
import { Capture } from '../../src/capture/capture.ts';
import { CaptureReader, captureFile } from '../../src/capture/reader.ts';
import { BlockRing } from '../../src/capture/ring.ts';
import { blockAt } from '../../src/wire/pcapng.ts';

function put(ring: BlockRing, length: number, number: number): void {
  const at = ring.reserve(length);
  ring.bytes.writeUInt32LE(6, at);
  ring.bytes.writeUInt32LE(length, at + 4);
  ring.bytes.writeUInt32LE(number, at + 8);
}

/** The numbers of the blocks from a position on. */
function numbers(ring: BlockRing, from: number, max: number): number[] {
  const found: number[] = [];
  for (let at = from; at < ring.head; ) {
    const { bytes, end, blocks } = ring.read(at, max);
    let seen = 0;
    for (let i = 0; i < bytes.length; i += bytes.readUInt32LE(i + 4), seen++) found.push(bytes.readUInt32LE(i + 8));
    if (seen !== blocks) throw new Error(`${seen} blocks, not ${blocks}`);
    at = end;
  }
  return found;
}

t.test('the ring holds the newest blocks whole and in order, whatever their sizes', async (t) => {
  const { failed, counterexample, errorInstance } = fc.check(
    fc.property(
      fc.array(fc.integer({ min: 3, max: 60 }), { maxLength: 200 }),
      fc.integer({ min: 1, max: 500 }),
      (sizes, max) => {
        const ring = new BlockRing(1000);
        for (const [number, words] of sizes.entries()) put(ring, words * 4, number);
        const found = numbers(ring, ring.tail, max);
        const expected = Array.from({ length: ring.next - ring.first }, (_, i) => ring.first + i);
        if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${found} is not ${expected}`);
        if (sizes.length > 0 && found.at(-1) !== sizes.length - 1) throw new Error('the newest is missing');
      },
    ),
  );
  t.notOk(failed, `${errorInstance} with ${JSON.stringify(counterexample)}`);
});

const NO_BYTES = Buffer.alloc(0);
function capture(ring = 256 * 1024, size?: number): { made: Capture; packet(length: number, session?: string): void } {
  const made: Capture = new Capture({
    id: 'c1',
    layers: 'both',
    session: undefined,
    ring,
    size,
    startedAt: 0,
    application: 'test',
    onStop: () => {},
  });
  const buffer = Buffer.alloc(70_000, 0x45);
  return {
    made,
    packet: (length, session) =>
      made.frame('inner', session, {
        time: 1,
        direction: 'in',
        head: NO_BYTES,
        headLength: 0,
        buffer,
        offset: 0,
        length,
      }),
  };
}

/** The types of the blocks of a file; it has to consist of whole ones. */
function blocksOf(file: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < file.length; at += blockAt(file, at).length) types.push(file.readUInt32LE(at));
  return types;
}

t.test('a reader that is too slow loses the oldest packets, is told how many, and can read the rest', async (t) => {
  const { made, packet } = capture();
  const reader = new CaptureReader(made);
  packet(100, 'k3');
  t.strictSame(
    blocksOf(reader.read()),
    [0x0a0d0d0a, 1, 1, 6],
    'section, journal, an interface for the session, the packet',
  );
  for (let i = 0; i < 10_000; i++) packet(100, i % 2 ? 'k3' : 'k4');
  const rest: number[] = [];
  for (let bytes = reader.read(); bytes.length > 0; bytes = reader.read()) rest.push(...blocksOf(bytes));
  const packets = rest.filter((type) => type === 6).length;
  t.ok(reader.lost > 5_000, `${reader.lost} lost`);
  t.equal(reader.lost + packets, 10_000);
  t.equal(rest[0], 1, 'the interface of the other session is described before its packets');
  t.equal(reader.end(1).readUInt32LE(0), 5);
});

t.test('keys and interfaces outlive the packets that they came with', async (t) => {
  const { made, packet } = capture();
  made.key('CLIENT_RANDOM 00 11');
  for (let i = 0; i < 5_000; i++) packet(1400, 'k3');
  const file = captureFile(made, 1);
  t.match(file.toString('latin1'), /CLIENT_RANDOM 00 11\n/);
  t.match(file.toString('latin1'), /k3 inner/);
  t.ok(file.indexOf('CLIENT_RANDOM') < 500, 'before the packets');
  t.ok(made.status.overwritten > 0);
  t.ok(file.length < 300_000);
});

t.test('interfaces and keys have an end', async (t) => {
  const { made, packet } = capture();
  for (let i = 0; i < 5_000; i++) packet(40, `s${i}`);
  const described = blocksOf(captureFile(made, 1)).filter((type) => type === 1).length;
  t.ok(described <= 2_002, `${described} interfaces`);
  for (let i = 0; i < 60_000; i++) made.key(`CLIENT_HANDSHAKE_TRAFFIC_SECRET ${'0'.repeat(64)} ${'1'.repeat(96)}`);
  t.ok(made.secrets.bytes <= 8 * 1024 * 1024);
});

t.test('it ends when it has as many bytes as it may have, and what is too long is cut', async (t) => {
  const { made, packet } = capture(256 * 1024, 100_000);
  packet(70_000);
  t.notOk(made.stopped);
  packet(70_000);
  t.ok(made.stopped);
  t.strictSame(blocksOf(captureFile(made, 1)), [0x0a0d0d0a, 1, 1, 6, 6, 5]);
});
