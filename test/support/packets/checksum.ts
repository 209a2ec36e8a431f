/** Folds a sum of 16-bit words (below 2^32) to 16 bits with end-around carry (RFC 1071 §1). */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * One's-complement sum of `bytes` as big-endian 16-bit words, an odd last byte padded with zero; folded. Plain and slow: what the
 * stack's own sums are compared with.
 *
 * @param initial a folded sum to go on from, such as that of a pseudo-header
 */
export function onesSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  const even = bytes.length & ~1;
  for (let i = 0; i < even; i += 2) {
    sum += (bytes[i]! << 8) | bytes[i + 1]!;
    // 32 768 words cannot overflow 32 bits; more than one IP packet might.
    if (sum > 0x7fff_ffff) sum = foldSum(sum);
  }
  if (even < bytes.length) sum += bytes[even]! << 8;
  return foldSum(sum >>> 0);
}

/** The Internet checksum of `bytes` (RFC 1071): 0 when they hold their own, right checksum. */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  return ~onesSum(bytes, initial) & 0xffff;
}
