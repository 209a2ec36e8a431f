const SLAB_BYTES = 16_384;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/**
 * A copy of a few bytes that is going to live long. Node cuts small Buffers from pools of 64 KiB (8 KiB before Node 25), which are shared
 * with Buffers that live for a moment: a pool is freed with the last of them, so that four bytes can hold all of it. Here only
 * those share that live long; what one of them leaves behind is freed with its neighbours.
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
