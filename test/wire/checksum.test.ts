import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { checksumModuleSource } from '../../scripts/checksum-module.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { allocateSummed } from '../../src/wire/checksum.ts';
import { foldSum, internetChecksum, onesSum } from '../support/packets/checksum.ts';

const swap = (word: number) => ((word & 0xff) << 8) | (word >>> 8);
const RUNS = Math.min(20_000, Number(process.env.TUNNELITE_FUZZ ?? 500));

t.test('the sum of the example in RFC 1071 §3 comes out as printed there', async (t) => {
  t.equal(onesSum(Buffer.from('0001f203f4f5f6f7', 'hex')), 0xddf2);
  t.equal(internetChecksum(Buffer.from('0001f203f4f5f6f7', 'hex')), 0x220d);
});

t.test('an IPv4 header with its right checksum sums up to nothing', async (t) => {
  //                       ver/len tos length id   frag ttl proto sum  source   destination
  const header = Buffer.from('45000073000040004011b861c0a80001c0a800c7', 'hex');
  t.equal(internetChecksum(header), 0);
  header[1]! ^= 1;
  t.not(internetChecksum(header), 0);
});

t.test('an odd last byte counts as the high half of a word', async (t) => {
  t.equal(onesSum(Buffer.from([0x12])), 0x1200);
  t.equal(onesSum(Buffer.from([0xff, 0xff, 0x01])), 0x0100, 'with end-around carry');
});

t.test('more than one packet can be summed without overflow', async (t) => {
  t.equal(onesSum(Buffer.alloc(1_000_000, 0xff)), 0xffff);
});

t.test('WebAssembly, its twin and the plain sum agree on any bytes, at any place, of any length', async (t) => {
  const native = allocateSummed(70_000);
  const twin = allocateSummed(70_000, false);
  t.not(native.constructor, twin.constructor, 'WebAssembly is in use here');
  seededRandom(7).fill(native.bytes);
  native.bytes.copy(twin.bytes);
  fc.assert(
    fc.property(fc.nat(4000), fc.oneof(fc.nat(130), fc.nat(65_536)), (at, length) => {
      const expected = swap(onesSum(native.bytes.subarray(at, at + length)));
      return native.sum(at, length) === expected && twin.sum(at, length) === expected;
    }),
    { numRuns: RUNS },
  );
});

t.test('the largest packet of the largest words does not overflow', async (t) => {
  for (const memory of [allocateSummed(65_536), allocateSummed(65_536, false)]) {
    memory.bytes.fill(0xff);
    t.equal(memory.sum(0, 65_536), 0xffff);
    t.equal(memory.sum(0, 65_535), foldSum(0xffff * 32_767 + 0xff));
  }
});

t.test('pieces of summed memory are zeroed, aligned, and none overlaps another', async (t) => {
  const pieces = Array.from({ length: 80 }, (_, i) => allocateSummed(131_200 + i));
  for (const [i, piece] of pieces.entries()) {
    t.equal(piece.bytes.length, 131_200 + i);
    t.equal(piece.bytes.byteOffset % 64, 0);
    if (piece.bytes.some((byte) => byte !== 0)) t.fail(`piece ${i} was written to by another`);
    piece.bytes.fill(i + 1);
  }
  for (const [i, piece] of pieces.entries()) {
    if (!piece.bytes.every((byte) => byte === i + 1)) t.fail(`piece ${i} was overwritten`);
  }
});

t.test('the embedded module is the one that its script makes', async (t) => {
  t.equal(readFileSync(new URL('../../src/wire/checksum-wasm.ts', import.meta.url), 'utf8'), checksumModuleSource());
});
