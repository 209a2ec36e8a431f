import fc from 'fast-check';
import t from 'tap';
import {
  decodeNameConstraints,
  encodeNameConstraints,
  normalizePermitted,
  permitsDns,
  permitsIp,
  uncovered,
  unite,
} from '../../src/certs/name-constraints.ts';

/** As it stands in a certificate: OID, critical, value. */
function extension(value: Buffer): Buffer {
  const octets = Buffer.concat([Buffer.from([0x04, 0x82, value.length >> 8, value.length & 0xff]), value]);
  return Buffer.concat([Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e, 0x01, 0x01, 0xff]), octets]);
}

t.test('a name below a permitted one is permitted, a name that merely ends alike is not', async (t) => {
  const names = { dns: ['contoso.internal'], ips: [] };
  t.ok(permitsDns(names, 'contoso.internal'));
  t.ok(permitsDns(names, 'Intranet.Contoso.Internal'));
  t.ok(permitsDns(names, '*.contoso.internal'));
  t.notOk(permitsDns(names, 'evilcontoso.internal'));
  t.notOk(permitsDns(names, 'internal'));
});

t.test('an address range is permitted when all of it is inside a permitted range of its own family', async (t) => {
  const names = { dns: [], ips: ['10.0.0.0/8', 'fd00::/8'] };
  t.ok(permitsIp(names, '10.255.0.1'));
  t.ok(permitsIp(names, '10.1.0.0/16'));
  t.ok(permitsIp(names, 'fd12::1'));
  t.notOk(permitsIp(names, '11.0.0.1'));
  t.notOk(permitsIp(names, '10.0.0.0/7'));
  t.notOk(permitsIp(names, 'fe80::1'));
  t.notOk(permitsIp({ dns: [], ips: ['0.0.0.0/0'] }, '::1'));
});

t.test('uniting adds only what is not covered yet', async (t) => {
  const a = { dns: ['localhost'], ips: ['127.0.0.0/8'] };
  const b = { dns: ['a.localhost', 'example.test'], ips: ['127.0.0.1', '10.0.0.0/8'] };
  const both = unite(a, b);
  t.same(both, { dns: ['localhost', 'example.test'], ips: ['127.0.0.0/8', '10.0.0.0/8'] });
  t.same([...uncovered(both, a), ...uncovered(both, b)], []);
  t.not(uncovered(a, b).length, 0);
});

t.test('normalizing lowers case, drops wildcards and clears host bits', async (t) => {
  t.same(normalizePermitted({ dns: ['*.Example.Test', '.x.test'], ips: ['10.1.2.3/8', '::1', '192.0.2.7'] }), {
    dns: ['example.test', 'x.test'],
    ips: ['10.0.0.0/8', '::1/128', '192.0.2.7/32'],
  });
});

t.test('what is encoded is read back from the extension', async (t) => {
  const label = fc.stringMatching(/^[a-z][a-z0-9]{0,20}$/);
  const ip4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`);
  const ip6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, bits]) => `${ip}/${bits}`);
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.array(label, { maxLength: 20 }),
        fc.array(fc.oneof(ip4, ip6), { minLength: 1, maxLength: 20 }),
        (dns, ips) => {
          const permitted = normalizePermitted({ dns, ips });
          const read = decodeNameConstraints(extension(encodeNameConstraints(permitted)));
          return JSON.stringify(read) === JSON.stringify({ kind: 'full', permitted });
        },
      ),
    ),
  );
});

t.test('what an extension does not mention is free', async (t) => {
  const names = { dns: ['contoso.internal'], ips: ['10.0.0.0/8'] };
  const dns = decodeNameConstraints(extension(encodeNameConstraints(names, 'dns')))!;
  t.match(dns, { kind: 'dns', permitted: { dns: ['contoso.internal'] } });
  t.ok(permitsIp(dns.permitted, '8.8.8.8') && permitsIp(dns.permitted, '2001:db8::1'));
  t.notOk(permitsDns(dns.permitted, 'example.com'));
  const off = decodeNameConstraints(Buffer.from('a certificate without the extension'))!;
  t.equal(off.kind, 'off');
  t.ok(permitsDns(off.permitted, 'example.com') && permitsIp(off.permitted, '8.8.8.8'));
  t.strictSame(uncovered(off.permitted, names), []);
});

t.test('reading never throws, whatever follows the object identifier', async (t) => {
  const oid = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        decodeNameConstraints(Buffer.concat([oid, bytes]));
      }),
    ),
  );
});

t.test(
  'what is permitted is read subtree by subtree; what is cut off is no constraint, what is no range is none',
  async (t) => {
    const der = (tag: number, ...content: Buffer[]): Buffer => {
      const all = Buffer.concat(content);
      return Buffer.concat([Buffer.from([tag, all.length]), all]);
    };
    const subtree = (tag: number, value: Buffer): Buffer => der(0x30, der(tag, value));
    const read = (...subtrees: Buffer[]) => decodeNameConstraints(extension(der(0x30, der(0xa0, ...subtrees))));
    const name = subtree(0x82, Buffer.from('a.test'));
    const range = subtree(0x87, Buffer.from('0a000000ff000000', 'hex'));
    t.same(read(name, range), { kind: 'full', permitted: { dns: ['a.test'], ips: ['10.0.0.0/8'] } });
    for (const length of [0, 4, 16]) {
      const odd = subtree(0x87, Buffer.alloc(length));
      t.same(read(name, odd, range)?.permitted.ips, ['10.0.0.0/8'], `a range of ${length} bytes`);
    }
    t.same(read(name, subtree(0x81, Buffer.from('x')))?.permitted.dns, ['a.test'], 'a mail address is no name');
    t.equal(read(name, Buffer.from([0x30])), undefined);
    t.equal(read(name, Buffer.from([0x30, 5, 0x82, 1])), undefined);
    t.equal(read(name, der(0x30)), undefined, 'a subtree of nothing');
  },
);
