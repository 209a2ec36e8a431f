const PERIOD = 1 << 16;

/** 64 KiB in which each byte depends on both bytes of its index, so that lost, repeated or shifted blocks show. Stored twice for any start. */
function makeBlock(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(PERIOD * 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (Math.imul(i & 0xffff, 0x9e3779b1) >>> 24) & 0xff;
  return bytes;
}

/** Created on first use: few runs need it. */
let block: Buffer | undefined;

/** Up to 64 KiB of the endless test pattern from `offset`, at most `limit` bytes. A view: do not write to it. */
export function patternChunk(offset: number, limit: number): Buffer {
  const start = offset % PERIOD;
  block ??= makeBlock();
  return block.subarray(start, start + Math.min(limit, PERIOD));
}
