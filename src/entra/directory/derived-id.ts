import { createHash } from 'node:crypto';
import { guidOf } from '../../lib/guid.ts';

/** A GUID that is always the same for the same words (shaped as a version 8 UUID, RFC 9562 §5.8). */
export function derivedId(...words: readonly string[]): string {
  return guidOf(createHash('sha256').update(words.join('\0').toLowerCase()).digest(), 8);
}
