import * as dnsPacket from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import {
  DnsRcode,
  formatError,
  parseDnsAnswer,
  parseDnsQuery,
  serializeDnsAnswer,
  serializeDnsQuery,
} from '../../src/wire/dns.ts';

/* Held against dns-packet, another implementation. */

const query = (name: string, extra: Partial<dnsPacket.Packet> = {}, dnsClass = 'IN'): Buffer =>
  dnsPacket.encode({
    id: 4711,
    type: 'query',
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type: 'A', class: dnsClass as 'IN' }],
    ...extra,
  });

const record = (type: string, data: string) => ({ type, ttl: 60, data });
const MALFORMED = { code: 'ERR_DNS_MALFORMED' };

t.test('a query is read as another implementation writes it', async (t) => {
  t.match(parseDnsQuery(query('WWW.Contoso.COM')), {
    id: 4711,
    opcode: 0,
    name: 'www.contoso.com',
    type: 'A',
    class: 'IN',
    recursionDesired: true,
    udpPayload: 512,
    edns: false,
  });
  const opt = {
    name: '.',
    type: 'OPT',
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
  };
  const additionals = [{ ...opt, options: [] } as unknown as dnsPacket.OptAnswer];
  t.match(parseDnsQuery(query('a.b', { additionals })), { edns: true, udpPayload: 4096 });
  t.equal(parseDnsQuery(query('.')).name, '');
  t.equal(parseDnsQuery(query('version.bind', {}, 'CH')).class, 'CH');
});

t.test('a query of ours is read by another implementation', async (t) => {
  const { id, questions } = dnsPacket.decode(serializeDnsQuery({ id: 9, name: 'intranet.contoso.com', type: 'AAAA' }));
  t.match({ id, questions }, { id: 9, questions: [{ name: 'intranet.contoso.com', type: 'AAAA', class: 'IN' }] });
  t.match(parseDnsQuery(serializeDnsQuery({ id: 9, name: 'a.', type: 'TYPE65280' })), { name: 'a', type: 'TYPE65280' });
});

t.test('the question goes back as it came, letter by letter, and the records are of its name', async (t) => {
  const asked = 'wWw.CoNtOsO.cOm';
  const bytes = query(asked);
  const answer = serializeDnsAnswer(
    parseDnsQuery(bytes),
    { rcode: DnsRcode.NoError, records: [record('A', '10.0.0.1'), record('AAAA', 'fd00::1')], authoritative: true },
    512,
  );
  const end = 12 + asked.length + 2 + 4;
  t.same(answer.subarray(12, end), bytes.subarray(12, end));
  t.match(dnsPacket.decode(answer), {
    id: 4711,
    flag_aa: true,
    flag_rd: true,
    questions: [{ name: asked }],
    answers: [
      { name: asked, type: 'A', data: '10.0.0.1', ttl: 60 },
      { name: asked, type: 'AAAA', data: 'fd00::1' },
    ],
  });
  t.same(parseDnsAnswer(answer).records, [
    { name: 'www.contoso.com', ...record('A', '10.0.0.1') },
    { name: 'www.contoso.com', ...record('AAAA', 'fd00::1') },
  ]);
});

t.test('class and operation come back as they came', async (t) => {
  const bytes = query('version.bind', {}, 'CH');
  bytes.writeUInt16BE(bytes.readUInt16BE(2) | (4 << 11), 2);
  const parsed = parseDnsQuery(bytes);
  t.equal(parsed.opcode, 4);
  const answer = serializeDnsAnswer(parsed, { rcode: DnsRcode.NotImp, records: [], authoritative: false }, 512);
  t.match(dnsPacket.decode(answer), { opcode: 'NOTIFY', rcode: 'NOTIMP', questions: [{ class: 'CH' }] });
});

t.test('an answer that is too long goes truncated', async (t) => {
  const records = Array.from({ length: 40 }, (_, i) => record('A', `10.0.0.${i}`));
  const answer = { rcode: DnsRcode.NoError, records, authoritative: true };
  const parsed = parseDnsQuery(query('many.contoso.com'));
  t.match(parseDnsAnswer(serializeDnsAnswer(parsed, answer, 512)), { truncated: true, records: [] });
  t.equal(parseDnsAnswer(serializeDnsAnswer(parsed, answer, 4096)).records.length, 40);
});

t.test(
  'answers of another implementation are read: compressed names, chains of aliases, records of no interest',
  async (t) => {
    const bytes = dnsPacket.encode({
      id: 1,
      type: 'response',
      questions: [{ name: 'www.contoso.com', type: 'A' }],
      answers: [
        { name: 'www.contoso.com', type: 'CNAME', ttl: 5, data: 'web.contoso.com' },
        { name: 'web.contoso.com', type: 'TXT', ttl: 5, data: 'not for us' },
        { name: 'web.contoso.com', type: 'A', ttl: 5, data: '192.0.2.7' },
      ],
    });
    t.match(parseDnsAnswer(bytes).records, [
      { name: 'www.contoso.com', type: 'CNAME', data: 'web.contoso.com' },
      { name: 'web.contoso.com', type: 'A', data: '192.0.2.7' },
    ]);
    // The same with a pointer at each name.
    const question = serializeDnsQuery({ id: 1, name: 'www.contoso.com', type: 'A' });
    const pointed = Buffer.concat([question, Buffer.from('c0100005000100000005000603776562c010', 'hex')]);
    pointed.writeUInt16BE(0x8000, 2);
    pointed.writeUInt16BE(1, 6);
    t.match(parseDnsAnswer(pointed).records, [{ name: 'contoso.com', type: 'CNAME', data: 'web.contoso.com' }]);
  },
);

t.test('a query tells how large an answer may be only where that is asked for', async (t) => {
  const plain = serializeDnsQuery({ id: 1, name: 'a', type: 'A' });
  t.equal(plain.readUInt16BE(10), 0, 'no record behind the question');
  t.equal(plain.length, 12 + 3 + 4);
  const told = serializeDnsQuery({ id: 1, name: 'a', type: 'A', udpPayload: 1232 });
  t.equal(told.readUInt16BE(10), 1);
  t.equal(told.subarray(19).toString('hex'), '000029' + '04d0' + '000000000000');
});

t.test('all letters are the same in either case, and nothing beside them is', async (t) => {
  const named = (byte: number): Buffer =>
    Buffer.concat([query('.').subarray(0, 12), Buffer.from([1, byte, 0, 0, 1, 0, 1])]);
  for (let byte = 0x40; byte <= 0x5b; byte++) {
    const letter = byte > 0x40 && byte < 0x5b;
    t.equal(parseDnsQuery(named(byte)).name, String.fromCharCode(letter ? byte + 0x20 : byte));
  }
});

t.test('bytes that are no letters stay apart from those that are', async (t) => {
  const bytes = Buffer.concat([query('.').subarray(0, 12), Buffer.from([3, 0x61, 0x2e, 0xc3, 0, 0, 1, 0, 1])]);
  const { name, question } = parseDnsQuery(bytes);
  t.equal(name, 'a\\046\\195');
  t.same(serializeDnsQuery({ id: 1, name, type: 'A' }).subarray(12), question);
});

t.test('what is no query or no answer is refused with a code', async (t) => {
  const good = query('contoso.com');
  const answer = serializeDnsAnswer(
    parseDnsQuery(good),
    { rcode: DnsRcode.NoError, records: [record('A', '10.0.0.1')], authoritative: true },
    512,
  );
  for (let length = 0; length < good.length; length++)
    t.throws(() => parseDnsQuery(good.subarray(0, length)), MALFORMED);
  for (let length = 0; length < answer.length; length++)
    t.throws(() => parseDnsAnswer(answer.subarray(0, length)), MALFORMED);
  t.throws(() => parseDnsQuery(answer), MALFORMED);
  t.throws(() => parseDnsAnswer(good), MALFORMED);
  t.throws(() => serializeDnsQuery({ id: 1, name: 'a..b', type: 'A' }), MALFORMED);
  t.throws(() => serializeDnsQuery({ id: 1, name: `${'x'.repeat(64)}.com`, type: 'A' }), MALFORMED);
  t.throws(() => serializeDnsQuery({ id: 1, name: Array(130).fill('a').join('.'), type: 'A' }), MALFORMED);
  t.throws(() => serializeDnsQuery({ id: 1, name: 'a', type: 'NONSENSE' }), MALFORMED);
  const pointing = Buffer.from(good);
  pointing[12] = 0xc0;
  t.throws(() => parseDnsQuery(pointing), MALFORMED, 'the first name has nothing to point at');
  t.equal(formatError(Buffer.alloc(11)), undefined);
  t.equal(formatError(answer), undefined, 'an answer is never answered');
  t.match(parseDnsAnswer(formatError(Buffer.from(good.subarray(0, 12)))!), { id: 4711, rcode: DnsRcode.FormErr });
});

t.test('no bytes make it fail otherwise', async () => {
  const only = (read: (bytes: Buffer) => unknown) => (bytes: Uint8Array) => {
    try {
      read(Buffer.from(bytes));
      return true;
    } catch (error) {
      return (error as { code?: string }).code === 'ERR_DNS_MALFORMED';
    }
  };
  const good = query('a.contoso.com');
  const mutated = fc
    .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 60 }))
    .map(([at, byte, tail]) => {
      const bytes = Buffer.concat([good, tail]);
      bytes[at] = byte;
      return bytes;
    });
  for (const read of [parseDnsQuery, parseDnsAnswer]) {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), only(read)));
    fc.assert(fc.property(mutated, only(read)));
  }
});

/** The same bytes, counting how often one is looked at. */
function counting(bytes: Buffer): { readonly bytes: Buffer; reads(): number } {
  let reads = 0;
  const proxy = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (typeof key === 'string' && key.startsWith('read')) reads += 4;
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { bytes: proxy, reads: () => reads };
}

t.test('reading looks at each byte a few times, however the names point at each other', async (t) => {
  // Records whose names lead through as many pointers as fit, each one step further back.
  for (const length of [500, 5000, 60_000]) {
    const head = Buffer.from([0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 16, 0, 1]);
    const pointers = Buffer.alloc(2 * Math.floor(length / 8));
    const first = head.length + 11;
    for (let i = 0; i < pointers.length; i += 2) {
      pointers.writeUInt16BE(0xc000 | ((i === 0 ? 12 : first + i - 2) & 0x3fff), i);
    }
    const holder = Buffer.concat([Buffer.from([0, 0, 16, 0, 1, 0, 0, 0, 0]), Buffer.alloc(2), pointers]);
    holder.writeUInt16BE(pointers.length, 9);
    const records: Buffer[] = [];
    for (let size = 0; size < length; size += 16) {
      const record = Buffer.alloc(16);
      record.writeUInt16BE(0xc000 | ((first + pointers.length - 2) & 0x3fff), 0);
      record.set([0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 1], 2);
      records.push(record);
    }
    const count = Math.min(255, records.length);
    const message = Buffer.concat([head, holder, ...records.slice(0, count)]);
    message.writeUInt16BE(count + 1, 6);
    const seen = counting(message);
    try {
      parseDnsAnswer(seen.bytes);
    } catch {
      // Whether it is believed does not matter.
    }
    t.ok(seen.reads() < 40 * message.length, `${seen.reads()} reads of ${message.length} bytes`);
    const asQuery = Buffer.from(message);
    asQuery.writeUInt16BE(0, 2);
    const asked = counting(asQuery);
    try {
      parseDnsQuery(asked.bytes);
    } catch {
      // As above.
    }
    t.ok(asked.reads() < 10 * message.length, `${asked.reads()} reads of ${message.length} bytes`);
  }
});
