import fc from 'fast-check';
import t from 'tap';
import { HeldBodies } from '../../src/services/held-bodies.ts';

t.test('a session gets half of what the others leave', async (t) => {
  const bodies = new HeldBodies(1000);
  t.equal(bodies.take('a', 500), true);
  t.equal(bodies.take('a', 1), false);
  t.equal(bodies.take('b', 251), false);
  t.equal(bodies.take('b', 250), true);
  t.equal(bodies.take(undefined, 125), true);
  t.equal(bodies.held, 875);
  bodies.release('a', 500);
  t.equal(bodies.take('b', 187), true, 'what others gave back is shared again');
  bodies.release('b', 437);
  bodies.release(undefined, 125);
  t.equal(bodies.held, 0);
});

t.test(
  'whatever is taken and released, there is never more than the limit, and room for one more session',
  async () => {
    const step = fc.record({ session: fc.nat(4), bytes: fc.nat(400), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const bodies = new HeldBodies(1000);
        const own = new Map<number, number>();
        for (const { session, bytes, release } of steps) {
          const before = own.get(session) ?? 0;
          if (release) {
            const freed = Math.min(before, bytes);
            bodies.release(String(session), freed);
            own.set(session, before - freed);
          } else if (bodies.take(String(session), bytes)) {
            own.set(session, before + bytes);
          }
        }
        const sum = [...own.values()].reduce((a, b) => a + b, 0);
        return bodies.held === sum && sum < 1000 && bodies.take('new', Math.floor((1000 - sum) / 2));
      }),
    );
  },
);
