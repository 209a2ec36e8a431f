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

t.test('records in order, with any gaps, stay marked for as long as they are in the window', async (t) => {
  for (const [name, step] of Object.entries({
    'one after the other': () => 1,
    'every other': () => 2,
    'one and then a gap': (n: number) => (n % 2 === 0 ? 1 : 3),
    'gaps of 31 to 33': (n: number) => 31 + (n % 3),
    'one, and a gap of 32': (n: number) => (n % 2 === 0 ? 1 : 32),
    'gaps of 63 to 65': (n: number) => 63 + (n % 3),
  })) {
    const window = new ReplayWindow();
    const marked = new Set<number>();
    let wrong = 0;
    for (let n = 0, sequence = 0; n < 200; n++, sequence += step(n)) {
      window.mark(sequence);
      marked.add(sequence);
      for (let age = 0; age < 64 && age <= sequence; age++) {
        if (window.fresh(sequence - age) === marked.has(sequence - age)) wrong++;
      }
    }
    t.equal(wrong, 0, name);
  }
});

t.test('a record that comes late is marked wherever it stands in the window', async (t) => {
  for (let age = 1; age < 64; age++) {
    const window = new ReplayWindow();
    window.mark(100);
    window.mark(100 - age);
    const marked = Array.from({ length: 64 }, (_, i) => i).filter((i) => !window.fresh(100 - i));
    t.strictSame(marked, [0, age]);
    // And it moves on with those that follow.
    window.mark(101);
    t.equal(window.fresh(100 - age), false, `${age} records back, or too old`);
  }
});

t.test('marking a record once more changes nothing', async (t) => {
  const marked = (again: readonly number[]): number[] => {
    const window = new ReplayWindow();
    for (const sequence of [100, 99, 90, 60, ...again]) window.mark(sequence);
    return Array.from({ length: 64 }, (_, age) => 100 - age).filter((sequence) => !window.fresh(sequence));
  };
  for (const again of [100, 99, 90, 60]) t.strictSame(marked([again]), [100, 99, 90, 60], `${again}`);
});
