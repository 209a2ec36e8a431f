import t from 'tap';
import { ExpiringStore } from '../../../src/entra/context/expiring-store.ts';
import { ManualClock } from '../../../src/lib/clock.ts';

t.test('an entry is there until time limit, and gone at that very moment', async (t) => {
  const clock = new ManualClock();
  const store = new ExpiringStore<string>(clock, 10);
  store.set('a', 'one', 5);
  clock.advance(4999);
  t.equal(store.get('a'), 'one');
  clock.advance(1);
  t.equal(store.get('a'), undefined);
  clock.advance(-1000);
  t.equal(store.get('a'), undefined, 'gone for good, whatever the clock does');
});

t.test('setting an entry again gives it a new value and a new time', async (t) => {
  const clock = new ManualClock();
  const store = new ExpiringStore<string>(clock, 10);
  store.set('a', 'one', 5);
  clock.advance(4000);
  store.set('a', 'two', 5);
  clock.advance(4000);
  t.equal(store.get('a'), 'two');
});

t.test(
  'a full store drops an eighth, the oldest; an entry that is set again takes no room and counts as new',
  async (t) => {
    const store = new ExpiringStore<number>(new ManualClock(), 16);
    for (let i = 0; i < 16; i++) store.set(String(i), i, 60);
    store.set('0', 100, 60);
    const held = (): string[] =>
      Array.from({ length: 17 }, (_, i) => String(i)).filter((key) => store.get(key) !== undefined);
    t.equal(held().length, 16, 'nothing had to go');
    store.set('16', 16, 60);
    t.strictSame(held(), ['0', ...Array.from({ length: 14 }, (_, i) => String(i + 3))], 'the two oldest went');
  },
);

t.test('a store of a few entries makes room for one', async (t) => {
  const store = new ExpiringStore<number>(new ManualClock(), 3);
  for (let i = 0; i < 4; i++) store.set(String(i), i, 60);
  t.strictSame(
    ['0', '1', '2', '3'].map((key) => store.get(key)),
    [undefined, 1, 2, 3],
  );
});

t.test('an entry can be deleted, and all of them', async (t) => {
  const store = new ExpiringStore<number>(new ManualClock(), 3);
  store.set('a', 1, 60);
  store.set('b', 2, 60);
  t.equal(store.delete('a'), true);
  t.equal(store.delete('a'), false);
  t.strictSame([store.get('a'), store.get('b')], [undefined, 2]);
  store.clear();
  t.equal(store.get('b'), undefined);
});
