import * as dnsPacket from 'dns-packet';
import t from 'tap';
import { readDnsReply, readReplyRecords } from '../../src/wire/dns-reply.ts';

type Packet = Parameters<typeof dnsPacket.encode>[0];

const QUESTION = { name: 'www.contoso.com', type: 'A', class: 'IN' } as const;

/** A reply as another implementation writes it. */
const reply = (more: Partial<Packet> = {}): Buffer =>
  dnsPacket.encode({ id: 4711, type: 'response', questions: [QUESTION], ...more } as Packet);

const answers = (...records: object[]): Buffer => reply({ answers: records as never });

/** One record without a question, by its type and raw data. */
function raw(type: number, data: Buffer, { ttl = 60, recordClass = 1 } = {}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x8000, 2);
  header.writeUInt16BE(1, 6);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(recordClass, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([header, Buffer.from('\x01a\x00', 'latin1'), fixed, data]);
}

const malformed = (message: RegExp) => ({ code: 'ERR_DNS_MALFORMED', message });

t.test('the header of a reply is read bit by bit', async (t) => {
  const bytes = reply();
  t.match(readDnsReply(bytes), { id: 4711, answers: true, opcode: 0, rcode: 0, truncated: false });
  t.equal(readDnsReply(bytes).question.toString('hex'), bytes.subarray(12).toString('hex'));
  const flags = (value: number) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt16BE(value, 2);
    return readDnsReply(changed);
  };
  t.match(flags(0x0000), { answers: false, opcode: 0, rcode: 0, truncated: false });
  t.match(flags(0x8203), { answers: true, opcode: 0, rcode: 3, truncated: true });
  t.match(flags(0xf80f), { answers: true, opcode: 15, rcode: 15, truncated: false });
});

t.test('only one question is one', async (t) => {
  const two = reply({ questions: [QUESTION, QUESTION] } as never);
  t.equal(readDnsReply(two).question.length, 0);
  t.throws(() => readReplyRecords(two), malformed(/claims 2 questions/));
  const none = reply({ questions: [] });
  t.equal(readDnsReply(none).question.length, 0);
  t.strictSame(readReplyRecords(none), { answer: [], authority: [] });
});

t.test('each record comes with its name, its type, its time and its data', async (t) => {
  const { answer, authority } = readReplyRecords(
    reply({
      answers: [
        { name: 'WWW.contoso.com', type: 'CNAME', ttl: 30, data: 'Web.contoso.com' },
        { name: 'web.contoso.com', type: 'A', ttl: 60, data: '192.0.2.1' },
        { name: 'web.contoso.com', type: 'AAAA', ttl: 60, data: '2001:db8::1' },
        { name: 'web.contoso.com', type: 'TXT', ttl: 60, data: 'text' },
      ] as never,
      authorities: [{ name: 'contoso.com', type: 'NS', ttl: 90, data: 'ns.contoso.com' }] as never,
      additionals: [{ name: 'ns.contoso.com', type: 'A', ttl: 90, data: '192.0.2.9' }] as never,
    }),
  );
  t.strictSame(
    answer.map(({ name, type, ttl, target, addresses }) => [name, type, ttl, target, addresses]),
    [
      ['www.contoso.com', 'CNAME', 30, 'web.contoso.com', []],
      ['web.contoso.com', 'A', 60, undefined, ['192.0.2.1']],
      ['web.contoso.com', 'AAAA', 60, undefined, ['2001:db8::1']],
      ['web.contoso.com', 'TXT', 60, undefined, []],
    ],
  );
  t.strictSame(
    authority.map(({ name, type }) => [name, type]),
    [['contoso.com', 'NS']],
  );
  t.equal(answer[0]?.data.toString('latin1'), '\x03Web\x07contoso\x03com\x00', 'names in data are written out');
  t.equal(answer[3]?.data.toString('latin1'), '\x04text');
  t.notOk('target' in answer[1]!);
});

t.test('names in data are written out, whatever comes before and behind them', async (t) => {
  const data = (record: object): string => readReplyRecords(answers(record)).answer[0]!.data.toString('latin1');
  const name = 'www.contoso.com';
  const there = '\x03www\x07contoso\x03com\x00';
  t.equal(data({ name, type: 'MX', ttl: 1, data: { preference: 258, exchange: name } }), `\x01\x02${there}`);
  t.equal(
    data({ name, type: 'SRV', ttl: 1, data: { priority: 1, weight: 2, port: 3, target: name } }),
    `\x00\x01\x00\x02\x00\x03${there}`,
  );
  const soa = { mname: name, rname: name, serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 };
  const numbers = [1, 2, 3, 4, 5].map((n) => `\0\0\0${String.fromCharCode(n)}`).join('');
  t.equal(data({ name, type: 'SOA', ttl: 1, data: soa }), there + there + numbers);
  const naptr = { order: 1, preference: 2, flags: 'u', services: 'E2U', regexp: '', replacement: name };
  t.equal(data({ name, type: 'NAPTR', ttl: 1, data: naptr }), `\x00\x01\x00\x02\x01u\x03E2U\x00${there}`);
});

t.test('data of the wrong length are no data', async (t) => {
  const wrong = malformed(/wrong length/);
  const root = Buffer.of(0);
  for (const [name, type, data] of [
    ['A', 1, Buffer.alloc(3)],
    ['A', 1, Buffer.alloc(5)],
    ['AAAA', 28, Buffer.alloc(15)],
    ['AAAA', 28, Buffer.alloc(4)],
    ['CNAME', 5, Buffer.concat([root, Buffer.alloc(1)])],
    ['MX', 15, Buffer.concat([Buffer.alloc(2), root, Buffer.alloc(1)])],
    ['SOA', 6, Buffer.concat([root, root, Buffer.alloc(19)])],
    ['SOA', 6, Buffer.concat([root, root, Buffer.alloc(21)])],
    ['NAPTR', 35, Buffer.concat([Buffer.alloc(7), root, Buffer.alloc(1)])],
  ] as const) {
    t.throws(() => readReplyRecords(raw(type, data)), wrong, `${name} of ${data.length} bytes`);
  }
  for (const [type, data] of [
    [6, Buffer.concat([root, root, Buffer.alloc(20)])],
    [35, Buffer.concat([Buffer.alloc(7), root])],
    [26, Buffer.concat([Buffer.alloc(2), root, root])],
  ] as const) {
    t.equal(readReplyRecords(raw(type, data)).answer.length, 1, `type ${type}`);
  }
  t.equal(
    readReplyRecords(raw(65280, Buffer.alloc(3, 9))).answer[0]?.type,
    'TYPE65280',
    'of unknown types any will do',
  );
});

t.test('times above the largest count as none, and records of other classes are left out', async (t) => {
  const ttl = (value: number) => readReplyRecords(raw(1, Buffer.alloc(4), { ttl: value })).answer[0]?.ttl;
  t.strictSame([0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff].map(ttl), [0, 0x7fff_ffff, 0, 0]);
  t.strictSame(readReplyRecords(raw(1, Buffer.alloc(4), { recordClass: 3 })).answer, []);
});

t.test('a reply has to be whole, of no more than 1024 records, with nothing behind them', async (t) => {
  const good = raw(1, Buffer.alloc(4));
  t.throws(() => readReplyRecords(Buffer.concat([good, Buffer.of(0)])), malformed(/bytes after its records/));
  t.throws(() => readReplyRecords(good.subarray(0, -1)), { code: 'ERR_DNS_MALFORMED' });
  const claims = (...counts: [number, number, number]) => {
    const bytes = Buffer.from(good);
    for (const [i, count] of counts.entries()) bytes.writeUInt16BE(count, 6 + 2 * i);
    return () => readReplyRecords(bytes);
  };
  t.throws(claims(1025, 0, 0), malformed(/claims 1025 records/));
  t.throws(claims(1000, 24, 1), malformed(/claims 1025 records/));
  const record = good.subarray(12);
  const most = Buffer.concat([good.subarray(0, 12), ...Array.from({ length: 1024 }, () => record)]);
  most.writeUInt16BE(1000, 6);
  most.writeUInt16BE(20, 8);
  most.writeUInt16BE(4, 10);
  const { answer, authority } = readReplyRecords(most);
  t.strictSame([answer.length, authority.length], [1000, 20]);
});

t.test('hints of services are addresses too', async (t) => {
  const parameter = (key: number, value: Buffer, length = value.length): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(key, 0);
    head.writeUInt16BE(length, 2);
    return Buffer.concat([head, value]);
  };
  const start = Buffer.from('0001' + '0161' + '00', 'hex');
  const of = (type: number, ...parameters: Buffer[]) =>
    readReplyRecords(raw(type, Buffer.concat([start, ...parameters]))).answer[0]?.addresses;
  const two = parameter(4, Buffer.from([192, 0, 2, 1, 192, 0, 2, 2]));
  const six = parameter(6, Buffer.from(`20010db8${'0'.repeat(23)}1`, 'hex'));
  for (const type of [64, 65]) {
    t.strictSame(of(type, parameter(1, Buffer.from('\x02h2')), two, six), ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
    t.strictSame(of(type), []);
  }
  t.strictSame(of(65_000, two), [], 'of no other type');
  t.throws(() => of(65, parameter(4, Buffer.alloc(6))), malformed(/an address has the wrong length/));
  t.throws(() => of(65, parameter(1, Buffer.alloc(2), 3)), malformed(/a parameter is cut off/));
  t.throws(() => of(65, Buffer.alloc(3)), malformed(/a parameter is cut off/));
});

t.test('an owner keeps the letters that it came in; those of a pointer to the question are lower case', async (t) => {
  const header = Buffer.from('000080000001000200000000', 'hex');
  const question = Buffer.from('\x04AZaz\x03@[`\x00\x00\x01\x00\x01', 'latin1');
  const rest = Buffer.from('00010001000000010004c0000201', 'hex');
  const bytes = Buffer.concat([
    header,
    question,
    Buffer.from('c00c', 'hex'),
    rest,
    Buffer.from('\x02AZ\x00', 'latin1'),
    rest,
  ]);
  const { answer } = readReplyRecords(bytes);
  t.strictSame(
    answer.map(({ owner }) => owner.toString('latin1')),
    ['\x04azaz\x03@[`\x00', '\x02AZ\x00'],
  );
  t.strictSame(
    answer.map(({ name }) => name),
    ['azaz.@[`', 'az'],
  );
});
