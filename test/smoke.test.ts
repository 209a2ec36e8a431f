import t from 'tap';
type X = { a: number };
t.test('tap runs TypeScript sources by type stripping', async (t) => {
  const x: X = { a: 1 };
  t.equal(x.a, 1);
});
