import t from 'tap';
import { dataBytes, nameBytes, uint16s } from '../../src/wire/dns-data.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');

t.test('a name is its labels, each behind its length', async (t) => {
  t.equal(hex(nameBytes('a.bc')), '0161' + '026263' + '00');
  t.equal(hex(nameBytes('a.bc.')), '0161' + '026263' + '00', 'a dot at the end is nothing more');
  t.equal(hex(nameBytes('.')), '00', 'the root');
});

t.test('a backslash makes what follows a byte of the label', async (t) => {
  t.equal(hex(nameBytes(String.raw`a\.b`)), '03612e62' + '00');
  t.equal(hex(nameBytes(String.raw`\000\255`)), '0200ff' + '00');
  t.equal(hex(nameBytes(String.raw`\\`)), '015c' + '00');
});

t.test('labels have 1 to 63 bytes, and a name 255', async (t) => {
  const label = (length: number): string => 'x'.repeat(length);
  t.equal(nameBytes(label(63)).length, 65);
  for (const name of [label(64), 'a..b', '.a', 'é'.repeat(32)])
    t.throws(() => nameBytes(name), { code: 'ERR_DNS_MALFORMED', message: /has a label of/ });
  t.equal(hex(nameBytes('')), '00', 'no name is the root');
  const long = (last: number): string => [label(63), label(63), label(63), label(last)].join('.');
  t.equal(nameBytes(long(61)).length, 255);
  t.throws(() => nameBytes(long(62)), { code: 'ERR_DNS_MALFORMED', message: /a name has 256 bytes/ });
});

t.test('each kind of record has its own data', async (t) => {
  t.equal(hex(dataBytes('A', '192.0.2.1')), 'c0000201');
  t.equal(hex(dataBytes('AAAA', '2001:db8::1')), `20010db8${'0'.repeat(22)}01`);
  t.equal(hex(dataBytes('CNAME', 'a.b')), '0161016200');
  t.equal(hex(dataBytes('MX', '10 a.b')), '000a' + '0161016200');
  t.equal(hex(dataBytes('SRV', '1 2  443 a.b')), '0001000201bb' + '0161016200');
  t.equal(
    hex(dataBytes('SOA', 'a. b. 1 2 3 4 4294967295')),
    '016100' + '016200' + '00000001' + '00000002' + '00000003' + '00000004' + 'ffffffff',
  );
});

t.test('a long text is several strings of up to 255 bytes', async (t) => {
  t.equal(hex(dataBytes('TXT', 'ab c')), '0461622063');
  for (const [length, strings] of [
    [255, [255]],
    [256, [255, 1]],
    [600, [255, 255, 90]],
  ] as const) {
    const bytes = dataBytes('TXT', 'x'.repeat(length));
    const found: number[] = [];
    for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) found.push(bytes[at]!);
    t.strictSame(found, [...strings], `${length} bytes`);
  }
});

t.test('numbers of 16 bits stand one after the other', async (t) => {
  t.equal(hex(uint16s(1, 0xffff)), '0001ffff');
  t.equal(hex(uint16s()), '');
});
