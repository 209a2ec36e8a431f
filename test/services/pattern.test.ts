import t from 'tap';
import { patternChunk } from '../../src/services/index.ts';
import { matchesPattern } from '../support/pattern.ts';

t.test('the pattern is the same whatever the sizes it is asked for in', async (t) => {
  const whole = Buffer.concat([patternChunk(0, 65_536), patternChunk(65_536, 65_536), patternChunk(131_072, 10)]);
  const parts: Buffer[] = [];
  for (let at = 0, step = 1; at < whole.length; step = (step * 7 + 3) % 5_001) {
    const chunk = patternChunk(at, Math.min(step + 1, whole.length - at));
    parts.push(Buffer.from(chunk));
    at += chunk.length;
  }
  t.ok(Buffer.concat(parts).equals(whole));
});

t.test('a changed, lost or shifted byte does not match', async (t) => {
  const good = Buffer.from(patternChunk(1_000, 5_000));
  t.ok(matchesPattern(good, 1_000));
  t.notOk(matchesPattern(good, 1_001), 'shifted');
  t.notOk(matchesPattern(Buffer.concat([good.subarray(0, 40), good.subarray(41)]), 1_000), 'one lost');
  good[4_999]! ^= 1;
  t.notOk(matchesPattern(good, 1_000), 'one changed');
});

t.test('a match across the end of the period is found', async (t) => {
  const bytes = Buffer.concat([patternChunk(65_000, 536), patternChunk(65_536, 1_000)]);
  t.ok(matchesPattern(bytes, 65_000));
});
