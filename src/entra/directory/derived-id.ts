import { createHash } from 'node:crypto';

/** A GUID that is always the same for the same words (shaped as a version 8 UUID, RFC 9562 §5.8). */
export function derivedId(...words: readonly string[]): string {
  const hash = createHash('sha256').update(words.join('\0').toLowerCase()).digest().subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
