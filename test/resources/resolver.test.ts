import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { Resolver, reverseName } from '../../src/resources/resolver.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { DnsRcode, parseDnsAnswer, serializeDnsQuery } from '../../src/wire/dns.ts';

const visitor = {
  user: 'alice',
  session: 's1',
  signInName: undefined,
  tenantId: undefined,
  sourceAddress: '169.254.0.2',
  sourcePort: 40_000,
  destinationAddress: '10.20.0.53',
  destinationPort: 53,
};

const hosts = [
  { names: ['intranet.contoso.internal', 'www.intranet.contoso.internal'], addresses: ['10.20.0.10', 'fd20::10'] },
  { names: ['deep.lab.contoso.internal'], addresses: ['10.20.0.11'] },
  { names: ['many.contoso.internal'], addresses: Array.from({ length: 60 }, (_, i) => `10.20.1.${i + 1}`) },
];

const setup = (refuse?: string) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const faults = refuse ? { faults: { decision: () => ({ kind: 'refuse', explanation: refuse }) as const } } : {};
  const resolver = new Resolver({ hosts, domains: ['contoso.internal'], emit: telemetry.emit, clock, ...faults });
  const ask = (name: string, type = 'A') =>
    parseDnsAnswer(resolver.answer(serializeDnsQuery({ id: 7, name, type }), visitor)!);
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
        const answer = resolver.answer(Buffer.from(bytes), visitor);
        return answer === undefined || answer.readUInt16BE(0) === Buffer.from(bytes).readUInt16BE(0);
      },
    ),
    { numRuns: 2_000 },
  );
});
