import fc from 'fast-check';
import t from 'tap';
import { LinkedSet } from '../../src/lib/linked-set.ts';

t.test('a linked set is a set that knows its first', async () => {
  const step = fc.tuple(fc.constantFrom('add', 'delete', 'shift'), fc.nat(9));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const model = new Set<number>();
      const linked = new LinkedSet<number>();
      for (const [kind, n] of steps) {
        const value = kind === 'shift' ? linked.first : n;
        if (value === undefined) continue;
        if (linked.has(value) !== model.has(value)) return false;
        if (kind === 'add') {
          model.delete(value);
          model.add(value);
          linked.add(value);
        } else if (linked.delete(value) !== model.delete(value)) return false;
        if (linked.size !== model.size || linked.first !== [...model][0]) return false;
      }
      while (linked.first !== undefined) {
        if (linked.first !== [...model][0]) return false;
        model.delete(linked.first);
        linked.delete(linked.first);
      }
      return model.size === 0 && linked.size === 0;
    }),
  );
});
