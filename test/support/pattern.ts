import { patternChunk } from '../../src/services/index.ts';

/** True when `bytes` is what the test pattern has at `offset`. */
export function matchesPattern(bytes: Buffer, offset: number): boolean {
  for (let at = 0; at < bytes.length; ) {
    const expected = patternChunk(offset + at, bytes.length - at);
    if (bytes.compare(expected, 0, expected.length, at, at + expected.length) !== 0) return false;
    at += expected.length;
  }
  return true;
}
