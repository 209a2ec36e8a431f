import t from 'tap';
import { Parcels } from '../../src/network/parcel.ts';

const text = (parcel: { readonly buffer: Buffer; readonly length: number }): string =>
  parcel.buffer.toString('latin1', 0, parcel.length);

t.test('datagrams under way have memory of their own, which serves again once they were read', async (t) => {
  const parcels = new Parcels();
  const source = Buffer.from('..first');
  const first = parcels.pack(source, 2, 5);
  source.fill('x');
  const second = parcels.pack(Buffer.from('second'), 0, 6);
  t.strictSame([text(first), text(second)], ['first', 'second'], 'copies');
  parcels.recycle(first);
  const third = parcels.pack(Buffer.from('3'), 0, 1);
  t.equal(third, first);
  t.strictSame(
    [text(third), text(second)],
    ['3', 'second'],
    'and a shorter one is not followed by the rest of a longer',
  );
});

t.test('memory for a datagram that no tunnel has is not kept', async (t) => {
  const parcels = new Parcels();
  const large = parcels.pack(Buffer.alloc(60_000, 'l'), 0, 60_000);
  t.equal(large.length, 60_000);
  parcels.recycle(large);
  t.not(parcels.pack(Buffer.from('s'), 0, 1), large);
});

t.test('no more is kept than some megabytes', async (t) => {
  const parcels = new Parcels();
  const all = Array.from({ length: 3000 }, () => parcels.pack(Buffer.from('x'), 0, 1));
  for (const parcel of all) parcels.recycle(parcel);
  const again = new Set(Array.from({ length: 3000 }, () => parcels.pack(Buffer.from('x'), 0, 1)));
  t.equal(all.filter((parcel) => again.has(parcel)).length, 1024);
});
