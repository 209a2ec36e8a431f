import fc from 'fast-check';
import t from 'tap';
import { AddressBlock } from '../../src/lib/address-block.ts';

t.test('a block numbers its host addresses, and knows what is not of it', async (t) => {
  const small = new AddressBlock('192.0.2.13/30');
  t.match(small, { family: 4, size: 2 });
  t.strictSame([small.at(1), small.at(2)], ['192.0.2.13', '192.0.2.14']);
  for (const [address, number] of [
    ['192.0.2.13', 1],
    ['192.0.2.14', 2],
    ['192.0.2.12', undefined],
    ['192.0.2.15', undefined],
    ['192.0.2.16', undefined],
    ['::192.0.2.13', undefined],
    ['api.example.com', undefined],
  ] as const) {
    t.equal(small.numberOf(address), number, address);
  }
  const wide = new AddressBlock('fd10:20::/32');
  t.equal(wide.size, 2 ** 32 - 1);
  t.equal(wide.at(0x1_0000), 'fd10:20::1:0');
  t.equal(wide.numberOf('FD10:0020::0001:0000'), 0x1_0000);
  t.equal(wide.numberOf('fd10:20:1::1'), undefined);
  t.equal(new AddressBlock('192.0.2.1/32').size, 0);
});

t.test('number and address of a block belong together', async () => {
  for (const network of ['10.20.240.0/20', '10.0.0.0/8', 'fd10:20::a:0/112', 'fd10::/64']) {
    const block = new AddressBlock(network);
    fc.assert(fc.property(fc.integer({ min: 1, max: block.size }), (n) => block.numberOf(block.at(n)) === n));
  }
});
