import fc from 'fast-check';
import t from 'tap';
import { ReplayWindow } from '../../../src/dtls/record/replay-window.ts';

t.test('a record is fresh once', (t) => {
  const window = new ReplayWindow();
  t.equal(window.fresh(0), true);
  window.mark(0);
  t.equal(window.fresh(0), false);
  t.equal(window.fresh(1), true);
  t.end();
});

t.test('63 records back is within the window, 64 is not', (t) => {
  const window = new ReplayWindow();
  window.mark(100);
  t.equal(window.fresh(37), true);
  t.equal(window.fresh(36), false);
  t.end();
});

t.test('any order of records is judged as by a list of all of them', (t) => {
  const sequences = fc.array(fc.oneof(fc.nat(150), fc.nat(150), fc.integer({ min: 2 ** 47, max: 2 ** 47 + 200 })), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(sequences, (list) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let highest = -1;
      for (const sequence of list) {
        const expected = !seen.has(sequence) && highest - sequence < 64;
        if (window.fresh(sequence) !== expected) return false;
        if (!expected) continue;
        window.mark(sequence);
        seen.add(sequence);
        highest = Math.max(highest, sequence);
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.end();
});
