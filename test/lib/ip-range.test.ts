import fc from 'fast-check';
import t from 'tap';
import { addressBytes } from '../../src/lib/ip-address.ts';
import { covers, isWithin, overlaps, parseRange, rangeBytes, rangeTest } from '../../src/lib/ip-range.ts';

t.test('addresses and CIDR ranges of both families are read, shortened forms are not', async (t) => {
  const read = (text: string): string | undefined => parseRange(text)?.join('/');
  t.equal(read('10.1.2.3/8'), '10.1.2.3/8');
  t.equal(read('192.0.2.7'), '192.0.2.7/32');
  t.equal(read('fd00::/8'), 'fd00::/8');
  t.equal(read('::1'), '::1/128');
  for (const text of ['', '10', '10.1', '0x7f.1', '10.0.0.0/33', 'fd00::/129', 'example.com', '1.2.3.4.5', ':::']) {
    t.equal(read(text), undefined, text);
  }
});

t.test('a range is within another of its family that is as wide or wider', async (t) => {
  t.ok(isWithin('10.255.0.1', '10.0.0.0/8'));
  t.ok(isWithin('10.0.0.0/8', '10.0.0.0/8'));
  t.notOk(isWithin('10.0.0.0/7', '10.0.0.0/8'));
  t.notOk(isWithin('11.0.0.1', '10.0.0.0/8'));
  t.notOk(isWithin('::1', '0.0.0.0/0'));
  t.notOk(isWithin('nonsense', '0.0.0.0/0'));
});

t.test('ranges overlap when one is inside the other, whichever it is', async (t) => {
  t.ok(overlaps('10.0.0.0/8', '10.20.0.53'));
  t.ok(overlaps('10.20.0.53', '10.0.0.0/8'));
  t.notOk(overlaps('10.0.0.0/16', '10.1.0.0/16'));
  t.notOk(overlaps('fd00::/8', '10.0.0.0/8'));
});

t.test('the bytes of a range have no host bits', async (t) => {
  t.same(rangeBytes(parseRange('10.1.255.3/17')!), { network: [10, 1, 128, 0], mask: [255, 255, 128, 0] });
  t.same(rangeBytes(parseRange('0.0.0.0/0')!).mask, [0, 0, 0, 0]);
  t.equal(
    rangeBytes(parseRange('fd00::1')!).mask.every((byte) => byte === 255),
    true,
  );
});

t.test('networks cover a range alone or together', async (t) => {
  t.ok(covers(['10.0.0.0/8'], '10.20.240.0/20'));
  t.ok(covers(['192.0.2.0/24', '10.20.248.0/21', '10.20.240.0/22', '10.20.244.0/22'], '10.20.240.0/20'));
  t.notOk(covers(['10.20.248.0/21', '10.20.240.0/22', '10.20.244.0/23'], '10.20.240.0/20'));
  t.notOk(covers(['10.20.240.1', 'fd00::/8'], '10.20.240.0/20'));
  t.notOk(covers([], '10.20.240.0/20'));
  t.ok(covers(['10.0.0.0/32', '10.0.0.1/32'], '10.0.0.0/31'));
  t.ok(covers(['FD10:20::0/65', 'fd10:20:0:0:8000::/65'], 'fd10:20::/64'));
  t.notOk(covers(['fd10:20::/65'], 'fd10:20::/64'));
});

t.test('a range that is asked often answers as one that is read each time', async () => {
  const address = fc.tuple(fc.constantFrom(10, 11), fc.nat(1), fc.nat(3), fc.nat(255)).map((bytes) => bytes.join('.'));
  fc.assert(
    fc.property(address, address, fc.nat(32), (one, other, bits) => {
      const range = `${other}/${bits}`;
      return rangeTest(range)!(addressBytes(one)!) === isWithin(one, range);
    }),
  );
});
