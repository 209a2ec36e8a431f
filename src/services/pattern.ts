const PERIOD = 1 << 16;

/** 64 KiB whose byte at `i` depends on both bytes of `i`, so that a lost, repeated or shifted block shows. Twice, so that any start has a whole period. */
const block: Buffer = (() => {
  const bytes = Buffer.allocUnsafeSlow(PERIOD * 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (Math.imul(i & 0xffff, 0x9e3779b1) >>> 24) & 0xff;
  return bytes;
})();

/** Up to 64 KiB of the endless test pattern from `offset`, at most `limit` bytes. A view: do not write to it. */
export function patternChunk(offset: number, limit: number): Buffer {
  const start = offset % PERIOD;
  return block.subarray(start, start + Math.min(limit, PERIOD));
}

/** True when `bytes` is what the test pattern has at `offset`. */
export function matchesPattern(bytes: Buffer, offset: number): boolean {
  for (let at = 0; at < bytes.length; ) {
    const expected = patternChunk(offset + at, bytes.length - at);
    if (bytes.compare(expected, 0, expected.length, at, at + expected.length) !== 0) return false;
    at += expected.length;
  }
  return true;
}
