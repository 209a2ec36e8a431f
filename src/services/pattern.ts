const PERIOD = 1 << 16;

/** 64 KiB whose byte at `i` depends on both bytes of `i`, so that a lost, repeated or shifted block shows. Twice, so that any start has a whole period. */
function makeBlock(): Buffer {
  const bytes = Buffer.allocUnsafeSlow(PERIOD * 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (Math.imul(i & 0xffff, 0x9e3779b1) >>> 24) & 0xff;
  return bytes;
}

/** Made when it is first asked for: few runs do. */
let block: Buffer | undefined;

/** Up to 64 KiB of the endless test pattern from `offset`, at most `limit` bytes. A view: do not write to it. */
export function patternChunk(offset: number, limit: number): Buffer {
  const start = offset % PERIOD;
  block ??= makeBlock();
  return block.subarray(start, start + Math.min(limit, PERIOD));
}
