import fc from 'fast-check';
import t from 'tap';
import { minimize } from '../../../src/scenario/shrink/minimize.ts';

/** Minimizes the numbers below `length`, of which all of `needed` have to be there for a failure. */
async function run(length: number, needed: readonly number[]) {
  let tries = 0;
  const items = Array.from({ length }, (_, i) => i);
  const left = await minimize(items, async (part) => {
    tries++;
    return needed.every((one) => part.includes(one));
  });
  return { left, tries };
}

t.test('what is needed is what is left, in its order', async (t) => {
  t.strictSame((await run(20, [13, 4])).left, [4, 13]);
  t.strictSame((await run(20, [0])).left, [0]);
  t.strictSame((await run(1, [0])).left, [0]);
  t.strictSame((await run(20, [])).left, [], 'what fails without anything');
  t.strictSame((await run(0, [])).left, []);
  await fc.assert(
    fc.asyncProperty(
      fc
        .integer({ min: 1, max: 60 })
        .chain((length) => fc.tuple(fc.constant(length), fc.subarray([...Array(length).keys()]))),
      async ([length, needed]) => {
        const { left } = await run(length, needed);
        t.strictSame(left, needed);
      },
    ),
    { numRuns: 200 },
  );
});

t.test('few are found with few tries, and no part is tried twice', async (t) => {
  t.ok((await run(1000, [500])).tries <= 25);
  t.ok((await run(1000, [13, 987])).tries <= 120);
  const seen = new Set<string>();
  await minimize([...Array(40).keys()], async (part) => {
    t.notOk(seen.has(part.join()), `${part}`);
    seen.add(part.join());
    return part.includes(3) && part.includes(30);
  });
});

t.test('where several parts fail, nothing of the one that is found can be left out', async (t) => {
  const fails = (part: readonly number[]): boolean =>
    part.filter((one) => one % 3 === 0).length >= 2 || part.length > 12;
  const left = await minimize([...Array(30).keys()], async (part) => fails(part));
  t.ok(fails(left));
  for (const one of left) t.notOk(fails(left.filter((other) => other !== one)));
});

t.test('it ends when it is told that it is enough, with what fails', async (t) => {
  let tries = 0;
  const left = await minimize(
    [...Array(64).keys()],
    async (part) => {
      tries++;
      return part.includes(7) && part.includes(50);
    },
    () => tries >= 9,
  );
  t.ok(tries <= 10);
  t.ok(left.includes(7) && left.includes(50) && left.length < 64);
});
