import { createHash } from 'node:crypto';
import { guidOf } from '../../lib/guid.ts';

/** A GUID derived from strings: always the same for the same input (version 8 UUID, RFC 9562 §5.8). */
export function derivedId(...words: readonly string[]): string {
  return guidOf(createHash('sha256').update(words.join('\0').toLowerCase()).digest(), 8);
}
