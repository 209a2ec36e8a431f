import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { decode } from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import { AddressBlock } from '../../src/lib/address-block.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { namePattern } from '../../src/resources/name-patterns.ts';
import { NameTable } from '../../src/resources/name-table.ts';
import { Resolver } from '../../src/resources/resolver.ts';
import { reverseName } from '../../src/resources/reverse-name.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { DnsRcode, parseDnsAnswer, serializeDnsQuery } from '../../src/wire/dns.ts';

const visitor = {
  session: 's1',
  person: { username: 'alice', signInName: undefined, objectId: undefined, tenantId: undefined },
  sourceAddress: '169.254.0.2',
  sourcePort: 40_000,
  destinationAddress: '10.20.0.53',
  destinationPort: 53,
};

/** The answer of a resolver that no fault makes wait. */
const answered = (resolver: Resolver, ...args: Parameters<Resolver['answer']>): Buffer | undefined =>
  resolver.answer(...args) as Buffer | undefined;

const hosts = [
  { names: ['intranet.contoso.internal', 'www.intranet.contoso.internal'], addresses: ['10.20.0.10', 'fd20::10'] },
  { names: ['deep.lab.contoso.internal'], addresses: ['10.20.0.11'] },
  { names: ['many.contoso.internal'], addresses: Array.from({ length: 60 }, (_, i) => `10.20.1.${i + 1}`) },
];

const setup = (refuse?: string) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const faults = refuse ? { faults: { dns: () => ({ kind: 'servfail', explanation: refuse }) as const } } : {};
  const resolver = new Resolver({ hosts, domains: ['contoso.internal'], emit: telemetry.emit, clock, ...faults });
  const ask = (name: string, type = 'A') =>
    parseDnsAnswer(answered(resolver, serializeDnsQuery({ id: 7, name, type }), visitor)!);
  return { clock, resolver, journal: telemetry.journal, ask };
};

t.test('a host is found by any of its names, in any case, in both families', async (t) => {
  const { ask, journal } = setup();
  t.strictSame(ask('intranet.contoso.internal').records, [
    { name: 'intranet.contoso.internal', type: 'A', ttl: 60, data: '10.20.0.10' },
  ]);
  t.match(ask('WWW.Intranet.Contoso.Internal', 'AAAA').records, [{ type: 'AAAA', data: 'fd20::10' }]);
  t.match(journal.query({ name: 'dns.query' })[0]!.fields, { session: 's1', outcome: 'answered', answers: 1 });
});

t.test('an answer repeats the name letter by letter, as resolvers with random case want it', async (t) => {
  const { resolver } = setup();
  for (const name of ['iNtRaNeT.CONTOSO.internal', 'No-Such.contoso.INTERNAL', 'EXAMPLE.com']) {
    const query = serializeDnsQuery({ id: 7, name, type: 'A' });
    const answer = answered(resolver, query, visitor)!;
    t.same(answer.subarray(12, query.length), query.subarray(12), name);
    const { answers } = decode(answer);
    for (const record of answers ?? []) t.equal(record.name, name);
  }
});

t.test('a name without a record of the type has an empty answer, a name that is not has NXDOMAIN', async (t) => {
  const { ask } = setup();
  t.match(ask('deep.lab.contoso.internal', 'AAAA'), { rcode: DnsRcode.NoError, records: [] });
  t.match(ask('lab.contoso.internal'), { rcode: DnsRcode.NoError, records: [] }, 'names below it exist (RFC 8020)');
  t.match(ask('nothing.contoso.internal'), { rcode: DnsRcode.NxDomain, records: [] });
});

t.test('names outside its domains are refused, not forwarded', async (t) => {
  const { ask, journal } = setup();
  t.match(ask('example.com'), { rcode: DnsRcode.Refused, records: [] });
  t.match(ask('evilcontoso.internal'), { rcode: DnsRcode.Refused });
  t.match(journal.query({ name: 'dns.query' })[0]!.fields.outcome, /refused/);
});

t.test('addresses are found by their reverse names', async (t) => {
  const { ask } = setup();
  t.match(ask(reverseName('10.20.0.10'), 'PTR').records, [{ data: 'intranet.contoso.internal' }]);
  t.match(ask(reverseName('fd20::10'), 'PTR').records, [{ data: 'intranet.contoso.internal' }]);
  t.equal(reverseName('fd20::10'), `0.1.0.0.${'0.'.repeat(24)}0.2.d.f.ip6.arpa`);
});

/** A resolver that knows upstreams too. */
const withUpstreams = (network = '10.20.240.0/20') => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const upstreams = new NameTable({
    patterns: ['api.example.com', '*.example.org', '*.contoso.internal'].map((match) => namePattern(match)!),
    blocks: [new AddressBlock(network), new AddressBlock('fd10:20::a:0/112')],
    taken: new Set(hosts.flatMap(({ names }) => names)),
    clock,
  });
  const resolver = new Resolver({ hosts, domains: ['contoso.internal'], upstreams, emit: telemetry.emit, clock });
  const ask = (name: string, type = 'A', session = 's1') =>
    parseDnsAnswer(answered(resolver, serializeDnsQuery({ id: 7, name, type }), { ...visitor, session })!);
  return { upstreams, ask, journal: telemetry.journal };
};

t.test('names of upstreams have addresses in both families, and are found by them', async (t) => {
  const { ask } = withUpstreams();
  t.strictSame(ask('API.Example.com').records, [{ name: 'api.example.com', type: 'A', ttl: 60, data: '10.20.240.1' }]);
  t.match(ask('api.example.com', 'AAAA').records, [{ type: 'AAAA', data: 'fd10:20::a:1' }]);
  t.match(ask('deep.In.Example.ORG').records, [{ data: '10.20.240.2' }]);
  t.match(ask('deep.in.example.org', 'AAAA').records, [{ data: 'fd10:20::a:2' }]);
  for (const [address, name] of [
    ['10.20.240.1', 'api.example.com'],
    ['fd10:20::a:1', 'api.example.com'],
    ['10.20.240.2', 'deep.in.example.org'],
    ['fd10:20::a:2', 'deep.in.example.org'],
    ['10.20.0.10', 'intranet.contoso.internal'],
  ] as const) {
    t.match(ask(reverseName(address), 'PTR'), { rcode: DnsRcode.NoError, records: [{ type: 'PTR', data: name }] });
    t.match(ask(reverseName(address), 'TXT'), { rcode: DnsRcode.NoError, records: [] });
  }
  t.match(ask(reverseName('10.20.240.9'), 'PTR'), { rcode: DnsRcode.NxDomain });
  for (const name of [
    '1.240.20.10.in-addr.arpa.example',
    '240.20.10.in-addr.arpa',
    '999.240.20.10.in-addr.arpa',
    '1.0.8.in-addr.arpa',
    'a.ip6.arpa',
  ]) {
    t.match(ask(name, 'PTR'), { rcode: DnsRcode.Refused }, name);
  }
});

t.test('only a question for addresses takes one out of the pool', async (t) => {
  const { ask, upstreams, journal } = withUpstreams();
  for (const type of ['MX', 'TXT', 'HTTPS', 'PTR', 'ANY', 'TYPE65000']) {
    t.match(ask('some.example.org', type), { rcode: DnsRcode.NoError, records: [] }, type);
  }
  t.equal(upstreams.size, 1);
  t.match(journal.query({ name: 'dns.query' }).at(-1)?.fields, { outcome: 'no record of this type' });
  ask('some.example.org', 'AAAA');
  t.equal(upstreams.size, 2);
});

t.test('a wildcard gives names to what no mock host is called, and to nothing that is no host name', async (t) => {
  const { ask } = withUpstreams();
  t.match(ask('intranet.contoso.internal').records, [{ data: '10.20.0.10' }]);
  t.match(ask('many.contoso.internal', 'AAAA'), { rcode: DnsRcode.NoError, records: [] });
  t.match(ask('other.contoso.internal').records, [{ data: '10.20.240.2' }]);
  t.match(ask('contoso.internal'), { rcode: DnsRcode.NoError, records: [] });
  t.match(ask('a\\032b.contoso.internal'), { rcode: DnsRcode.NxDomain });
  t.match(ask('example.org'), { rcode: DnsRcode.Refused });
  t.match(ask('www.api.example.com'), { rcode: DnsRcode.Refused });
});

t.test('a session that has its share of names is told to come again, in the journal with the reason', async (t) => {
  const { ask, journal } = withUpstreams('192.0.2.0/28');
  for (let i = 0; i < 4; i++) t.equal(ask(`n${i}.example.org`).rcode, DnsRcode.NoError);
  t.match(ask('more.example.org'), { rcode: DnsRcode.ServFail, records: [] });
  t.match(journal.query({ name: 'dns.query' }).at(-1)?.fields, {
    session: 's1',
    outcome: /its share of 14.*resources\.names\.network/,
  });
  t.equal(ask('more.example.org', 'A', 's2').rcode, DnsRcode.NoError);
  t.match(ask('api.example.com').records, [{ data: '192.0.2.1' }]);
});

t.test('an answer too long for UDP is truncated, and whole over TCP', async (t) => {
  const { ask, resolver } = setup();
  t.match(ask('many.contoso.internal'), { truncated: true, records: [] });
  const [near, far] = duplexPair();
  resolver.open(far, visitor);
  const query = serializeDnsQuery({ id: 9, name: 'many.contoso.internal', type: 'A' });
  const framed = Buffer.concat([Buffer.from([0, query.length]), query]);
  // Byte by byte, and two questions on one connection.
  for (const byte of Buffer.concat([framed, framed])) near.write(Buffer.from([byte]));
  let received: Buffer = Buffer.alloc(0);
  for await (const chunk of near) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length >= 2 * (2 + received.readUInt16BE(0))) break;
  }
  const answer = parseDnsAnswer(received.subarray(2, 2 + received.readUInt16BE(0)));
  t.equal(answer.records.length, 60);
  t.equal(answer.id, 9);
  near.destroy();
});

t.test('a connection that says nothing, or claims too much, is closed', async (t) => {
  const { clock, resolver } = setup();
  const [idle, idleFar] = duplexPair();
  resolver.open(idleFar, visitor);
  clock.advance(10_000);
  t.ok(idleFar.destroyed);
  idle.destroy();
  const [greedy, greedyFar] = duplexPair();
  resolver.open(greedyFar, visitor);
  greedy.write(Buffer.from([0xff, 0xff, 1]));
  if (!greedyFar.destroyed) await once(greedyFar, 'close');
  t.ok(greedyFar.destroyed);
  greedy.destroy();
});

t.test('a connection is not idle because the server stood still', async (t) => {
  const { clock, resolver } = setup();
  const [near, far] = duplexPair();
  resolver.open(far, visitor);
  clock.advance(9_999);
  clock.stall(3_600_000);
  clock.advance(0);
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
  t.notOk(far.destroyed);
  clock.advance(1_000);
  t.ok(far.destroyed, 'but a moment later');
  near.destroy();
});

t.test('a fault makes the server fail, and the journal says why', async (t) => {
  const { ask, journal } = setup('DNS is down for the test.');
  t.equal(ask('intranet.contoso.internal').rcode, DnsRcode.ServFail);
  t.equal(journal.query({ name: 'dns.query' })[0]!.fields.outcome, 'DNS is down for the test.');
});

t.test('whatever bytes come, the answer is nothing or a message with their id, and nothing is thrown', async () => {
  const { resolver } = setup();
  const good = serializeDnsQuery({ id: 0x1234, name: 'intranet.contoso.internal', type: 'A' });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }).map((edits) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          return bytes;
        }),
      ),
      (bytes) => {
        const answer = answered(resolver, Buffer.from(bytes), visitor);
        return answer === undefined || answer.readUInt16BE(0) === Buffer.from(bytes).readUInt16BE(0);
      },
    ),
    { numRuns: 2_000 },
  );
});

t.test('the question goes back as it came: its case, its class, its operation', async (t) => {
  const { resolver, journal } = setup();
  const ask = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = serializeDnsQuery({ id: 7, name: 'iNtRaNeT.Contoso.INTERNAL', type: 'A' });
    change(bytes);
    const answer = answered(resolver, bytes, visitor)!;
    t.same(answer.subarray(12, bytes.length), bytes.subarray(12));
    return answer;
  };
  t.equal(parseDnsAnswer(ask(() => {})).records.length, 1);
  const chaos = ask((bytes) => bytes.writeUInt16BE(3, bytes.length - 2));
  t.match(parseDnsAnswer(chaos), { rcode: DnsRcode.Refused, records: [] });
  t.match(journal.query({ name: 'dns.query' }).at(-1)!.fields.outcome, /class CH/);
  const notify = ask((bytes) => bytes.writeUInt8(0x21, 2));
  t.match(parseDnsAnswer(notify), { rcode: DnsRcode.NotImp, records: [] });
  t.equal(notify[2]! & 0x78, 0x20, 'the operation too');
});

/** A zone with a record of each type, asked as dns-packet reads the answers. */
const withRecords = () => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const record = (name: string, type: string, data: string, ttl = 60) => ({ name, type, data, ttl });
  const zone = [
    record('mail.contoso.internal', 'A', '10.20.0.77', 5),
    record('mail.contoso.internal', 'AAAA', 'fd20::77'),
    record('contoso.internal', 'MX', '10 mail.contoso.internal'),
    record('contoso.internal', 'MX', '0 .'),
    record('contoso.internal', 'TXT', 'v=spf1 -all'),
    record('long.contoso.internal', 'TXT', 'ä'.repeat(200)),
    record('_ldap._tcp.contoso.internal', 'SRV', '0 5 389 dc.contoso.internal'),
    record('10.20.0.77', 'PTR', 'mail.contoso.internal'),
    record('fd20::77', 'PTR', 'mail.contoso.internal'),
    record('WWW.contoso.internal', 'CNAME', 'Intranet.contoso.internal'),
    record('start.contoso.internal', 'CNAME', 'www.contoso.internal'),
    record('gone.contoso.internal', 'CNAME', 'nothing.contoso.internal'),
    record('out.contoso.internal', 'CNAME', 'www.example.com'),
    record('a.contoso.internal', 'CNAME', 'b.contoso.internal'),
    record('b.contoso.internal', 'CNAME', 'a.contoso.internal'),
    record('only.example.net', 'TXT', 'elsewhere'),
  ];
  const domains = ['contoso.internal'];
  const resolver = new Resolver({ hosts, records: zone, domains, emit: telemetry.emit, clock });
  const bytes = (name: string, type: string) => answered(resolver, serializeDnsQuery({ id: 7, name, type }), visitor)!;
  const ask = (name: string, type: string) => decode(bytes(name, type)).answers!;
  const rcode = (name: string, type: string) => parseDnsAnswer(bytes(name, type)).rcode;
  return { ask, rcode };
};

t.test('records of each type are answered as another implementation reads them', async (t) => {
  const { ask, rcode } = withRecords();
  t.match(ask('Mail.contoso.internal', 'A'), [{ name: 'Mail.contoso.internal', ttl: 5, data: '10.20.0.77' }]);
  t.match(ask('mail.contoso.internal', 'AAAA'), [{ data: 'fd20::77' }]);
  t.match(ask('contoso.internal', 'MX'), [
    { data: { preference: 10, exchange: 'mail.contoso.internal' } },
    { data: { preference: 0, exchange: '.' } },
  ]);
  t.match(ask('contoso.internal', 'TXT'), [{ data: [Buffer.from('v=spf1 -all')] }]);
  const [long] = ask('long.contoso.internal', 'TXT') as { data: Buffer[] }[];
  t.strictSame(
    long!.data.map(({ length }) => length),
    [255, 145],
  );
  t.equal(Buffer.concat(long!.data).toString(), 'ä'.repeat(200));
  t.match(ask('_ldap._tcp.contoso.internal', 'SRV'), [
    { data: { priority: 0, weight: 5, port: 389, target: 'dc.contoso.internal' } },
  ]);
  for (const address of ['10.20.0.77', 'fd20::77']) {
    t.match(ask(reverseName(address), 'PTR'), [{ data: 'mail.contoso.internal' }]);
  }
  t.equal(rcode('_tcp.contoso.internal', 'SRV'), DnsRcode.NoError, 'names below it exist');
  t.equal(rcode('mail.contoso.internal', 'TXT'), DnsRcode.NoError, 'a name without such a record');
  t.match(ask('only.example.net', 'TXT'), [{ data: [Buffer.from('elsewhere')] }]);
  t.equal(rcode('only.example.net', 'A'), DnsRcode.NoError);
  t.equal(rcode('example.net', 'A'), DnsRcode.Refused);
});

t.test('an alias is answered with what it stands for, and one without an end fails', async (t) => {
  const { ask, rcode } = withRecords();
  t.match(ask('start.contoso.internal', 'A'), [
    { name: 'start.contoso.internal', type: 'CNAME', data: 'www.contoso.internal' },
    { name: 'www.contoso.internal', type: 'CNAME', data: 'Intranet.contoso.internal' },
    { name: 'intranet.contoso.internal', type: 'A', data: '10.20.0.10' },
  ]);
  t.match(ask('www.contoso.internal', 'CNAME'), [{ type: 'CNAME', data: 'Intranet.contoso.internal' }]);
  t.match(ask('out.contoso.internal', 'A'), [{ type: 'CNAME', data: 'www.example.com' }]);
  t.equal(rcode('gone.contoso.internal', 'A'), DnsRcode.NxDomain, 'the code is about the last name (RFC 6604)');
  t.match(ask('gone.contoso.internal', 'A'), [{ type: 'CNAME' }]);
  t.equal(rcode('a.contoso.internal', 'A'), DnsRcode.ServFail);
});

t.test('a hundred thousand questions are answered, and leave no more behind than tables hold', async (t) => {
  const { upstreams, ask, journal } = withUpstreams('192.0.2.0/24');
  const codes = new Map<number, number>();
  for (let i = 0; i < 100_000; i++) {
    const { rcode } = ask(i % 2 === 0 ? `n${i}.example.org` : `n${i}.contoso.example`);
    codes.set(rcode, (codes.get(rcode) ?? 0) + 1);
  }
  t.equal(codes.get(DnsRcode.Refused), 50_000);
  t.equal((codes.get(DnsRcode.NoError) ?? 0) + (codes.get(DnsRcode.ServFail) ?? 0), 50_000);
  t.ok(upstreams.size <= 254, `${upstreams.size} names`);
  t.ok(journal.query({ name: 'dns.query' }).length <= 10_000);
});

t.test('an answer that says no tells how long that holds, with the start of authority (RFC 2308)', async (t) => {
  const clock = new ManualClock();
  const resolver = new Resolver({
    hosts,
    domains: ['contoso.internal'],
    records: [{ name: 'gone.contoso.internal', type: 'CNAME', data: 'nowhere.contoso.internal', ttl: 5 }],
    emit: new Telemetry({ clock }).emit,
    clock,
  });
  const ask = (name: string, type = 'A') =>
    decode(resolver.answer(serializeDnsQuery({ id: 7, name, type }), visitor) as Buffer);
  for (const [name, type] of [
    ['nothing.contoso.internal', 'A'],
    ['intranet.contoso.internal', 'MX'],
    ['gone.contoso.internal', 'A'],
  ] as const) {
    t.match(ask(name, type).authorities, [
      {
        name: 'contoso.internal',
        type: 'SOA',
        ttl: 60,
        data: { mname: 'dns.contoso.internal', rname: 'hostmaster.contoso.internal', minimum: 60 },
      },
    ]);
  }
  t.strictSame(ask('intranet.contoso.internal').authorities, []);
  t.strictSame(ask('example.com').authorities, [], 'who refuses speaks for no zone');
  t.match(ask('contoso.internal', 'SOA').answers, [{ type: 'SOA', name: 'contoso.internal' }]);
});

t.test('a wildcard answers for what is below it, and for nothing that there is (RFC 4592)', async (t) => {
  const clock = new ManualClock();
  const resolver = new Resolver({
    hosts,
    domains: ['contoso.internal'],
    records: [
      { name: '*.contoso.internal', type: 'A', data: '10.20.0.99', ttl: 5 },
      { name: '*.apps.contoso.internal', type: 'CNAME', data: 'intranet.contoso.internal', ttl: 5 },
    ],
    emit: new Telemetry({ clock }).emit,
    clock,
  });
  const ask = (name: string, type = 'A') =>
    parseDnsAnswer(resolver.answer(serializeDnsQuery({ id: 7, name, type }), visitor) as Buffer);
  t.match(ask('anything.contoso.internal').records, [{ name: 'anything.contoso.internal', data: '10.20.0.99' }]);
  t.match(ask('a.b.contoso.internal').records, [{ data: '10.20.0.99' }]);
  t.match(ask('x.apps.contoso.internal').records, [{ type: 'CNAME' }, { type: 'A', data: '10.20.0.10' }]);
  t.match(ask('anything.contoso.internal', 'MX'), { rcode: DnsRcode.NoError, records: [] });
  t.match(ask('intranet.contoso.internal').records, [{ data: '10.20.0.10' }], 'a host is itself');
  t.match(ask('lab.contoso.internal'), { rcode: DnsRcode.NoError, records: [] }, 'a name with names below it is');
  t.match(ask('other.lab.contoso.internal'), { rcode: DnsRcode.NxDomain }, 'lab is closer, and has no wildcard');
  t.match(ask('anything.example.com'), { rcode: DnsRcode.Refused });
});

t.test('a domain of one label is the zone of all names below it, at any depth', async (t) => {
  const clock = new ManualClock();
  const records = [{ name: 'a.b.c.lab', type: 'A', data: '10.20.0.9', ttl: 5 }] as const;
  const resolver = new Resolver({ hosts: [], domains: ['lab'], records, emit: new Telemetry({ clock }).emit, clock });
  const ask = (name: string) =>
    decode(resolver.answer(serializeDnsQuery({ id: 7, name, type: 'A' }), visitor) as Buffer);
  for (const name of ['nothing.lab', 'x.b.c.lab']) {
    t.match(ask(name), { rcode: 'NXDOMAIN', authorities: [{ type: 'SOA', name: 'lab' }] }, name);
  }
  for (const name of ['lab', 'c.lab', 'b.c.lab']) {
    t.match(ask(name), { rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA', name: 'lab' }] }, name);
  }
});
