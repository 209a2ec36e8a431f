import fc from 'fast-check';
import t from 'tap';
import { addressBytes, addressText, canonicalAddress } from '../../src/lib/ip-address.ts';
import { formatAddress, parseAddress } from '../../src/netstack/ip/address.ts';

t.test('all spellings of an address have one in common; what is no address stays as it is', async (t) => {
  for (const [text, canonical] of [
    ['FD00:0000::0010', 'fd00::10'],
    ['fd00:0:0:0:0:0:0:10', 'fd00::10'],
    ['::FFFF:10.20.0.1', '::ffff:a14:1'],
    ['0::0', '::'],
    ['10.20.0.1', '10.20.0.1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['api.example.com', 'api.example.com'],
    ['10.20', '10.20'],
  ] as const) {
    t.equal(canonicalAddress(text), canonical);
  }
});

t.test('the stack writes addresses as they are compared', async () => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 }),
  );
  fc.assert(
    fc.property(octets, (bytes) => {
      const text = addressText(Uint8Array.from(bytes));
      const long = Buffer.from(bytes)
        .toString('hex')
        .toUpperCase()
        .replaceAll(/(....)(?!$)/g, '$1:');
      const { family, words } = parseAddress(long)!;
      return (
        canonicalAddress(long) === text &&
        formatAddress(family, words, 0) === text &&
        addressBytes(long)!.equals(Buffer.from(bytes))
      );
    }),
  );
});
