const SLAB_BYTES = 16_384;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/**
 * A copy of a few bytes for long-term use. Node allocates small Buffers from pools of 64 KiB (8 KiB before Node 25), shared with
 * short-lived Buffers. A pool is freed with its last Buffer, so four bytes can retain all of it. Only long-lived copies share the pools of
 * this function.
 */
export function keep(bytes: Uint8Array): Buffer {
  const { length } = bytes;
  if (length > SLAB_BYTES) {
    const own = Buffer.allocUnsafeSlow(length);
    own.set(bytes);
    return own;
  }
  if (used + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  copy.set(bytes);
  used += length;
  return copy;
}
