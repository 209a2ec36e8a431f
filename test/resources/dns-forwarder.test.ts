import { type Answer, decode } from 'dns-packet';
import t from 'tap';
import { MAX_FORWARDED_OF_SESSION } from '../../src/resources/constants.ts';
import { DnsRcode } from '../../src/wire/dns.ts';
import { right, type Script, setup } from '../support/forwarding-resolver.ts';
import { type Asked, a, answerTo, cname, NameServer } from '../support/name-server.ts';

// The servers are real ones on loopback.

t.test('a name outside the mock network is asked for elsewhere, one of the mock network never', async (t) => {
  const { ask, outcome, servers, resolver } = await setup(t, [right]);
  t.match(await ask('www.Example.com'), { rcode: DnsRcode.NoError, records: [{ data: '192.0.2.10', ttl: 300 }] });
  t.equal(outcome(), `answered by 127.0.0.1:${servers[0]!.port}`);
  t.match((await ask('intranet.contoso.internal')).records, [{ data: '10.20.0.10' }]);
  t.match(await ask('nothing.contoso.internal'), { rcode: DnsRcode.NxDomain });
  t.equal(servers[0]!.asked.length, 1);
  t.same(await resolver.addressesOf('www.example.com', 's1'), { addresses: ['192.0.2.10'] }, 'a proxy finds it too');
  t.match(resolver.counts, { questions: 3, answered: 3, forwarded: 3 });
});

t.test('each question has another id, port and spelling, so that an answer has to be guessed', async (t) => {
  const { ask, servers } = await setup(t, [right]);
  for (let i = 0; i < 24; i++) await ask('a-name-of-some-length.example.com');
  const { asked } = servers[0]!;
  const distinct = (of: (one: Asked) => unknown): number => new Set(asked.map(of)).size;
  t.equal(asked.length, 24);
  t.ok(distinct(({ id }) => id) > 20, 'ids');
  t.ok(distinct(({ port }) => port) > 20, 'ports');
  t.ok(distinct(({ name }) => name) > 20, 'spellings');
  t.ok(asked.every(({ name }) => name.toLowerCase() === 'a-name-of-some-length.example.com'));
});

t.test('records of every type come through, with names in them written out', async (t) => {
  const sets: Record<string, Answer[]> = {
    MX: [{ type: 'MX', name: 'x.example.com', ttl: 5, data: { preference: 10, exchange: 'mail.x.example.com' } }],
    SRV: [
      {
        type: 'SRV',
        name: 'x.example.com',
        ttl: 5,
        data: { priority: 1, weight: 2, port: 3, target: 'S.x.example.com' },
      },
    ],
    TXT: [{ type: 'TXT', name: 'x.example.com', ttl: 5, data: [Buffer.from('one'), Buffer.from('two')] }],
    CAA: [
      {
        type: 'CAA',
        name: 'x.example.com',
        ttl: 5,
        data: { flags: 0, tag: 'issue', value: 'ca.example', issuerCritical: false },
      },
    ],
    NS: [{ type: 'NS', name: 'x.example.com', ttl: 5, data: 'ns.x.example.com' }],
    SOA: [
      {
        type: 'SOA',
        name: 'x.example.com',
        ttl: 5,
        data: {
          mname: 'ns.x.example.com',
          rname: 'h.example.com',
          serial: 1,
          refresh: 2,
          retry: 3,
          expire: 4,
          minimum: 5,
        },
      },
    ],
    NAPTR: [
      {
        type: 'NAPTR',
        name: 'x.example.com',
        ttl: 5,
        data: {
          order: 1,
          preference: 2,
          flags: 'u',
          services: 'E2U+sip',
          regexp: '!^.*$!sip:x!',
          replacement: 'r.example.com',
        },
      },
    ],
  };
  const { raw } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo(
          asked,
          sets[asked.type]!.map((one) => ({ ...one, name: asked.name }) as Answer),
        ),
      ),
  ]);
  for (const [type, records] of Object.entries(sets)) {
    const { answers } = decode(await raw('x.example.com', type));
    const plain = (one: Answer) => JSON.parse(JSON.stringify((one as { data: unknown }).data)) as unknown;
    t.same(answers?.map(plain), records.map(plain), type);
  }
});

t.test('an answer that is cut off is fetched over TCP, and cut off again if the client takes no more', async (t) => {
  const long: Answer[] = Array.from({ length: 90 }, (_, i) => a('long.example.com', `192.0.2.${i + 1}`));
  const { ask, servers } = await setup(t, [
    (asked) =>
      asked.send(
        asked.transport === 'udp'
          ? answerTo(asked, [], { truncated: true })
          : answerTo(
              asked,
              long.map((one) => ({ ...one, name: asked.name }) as Answer),
            ),
      ),
  ]);
  t.match(await ask('long.example.com'), { truncated: true, records: [] }, '90 records have more than 1232 bytes');
  t.same(
    servers[0]!.asked.map(({ transport }) => transport),
    ['udp', 'tcp'],
  );
});

t.test('the next server is asked when one fails, refuses, hangs up or stays silent; then that one last', async (t) => {
  const bad: Record<string, Script> = {
    SERVFAIL: (asked) => asked.send(answerTo(asked, [], { rcode: 2 })),
    REFUSED: (asked) => asked.send(answerTo(asked, [], { rcode: 5 })),
    NOTIMP: (asked) => asked.send(answerTo(asked, [], { rcode: 4 })),
    silence: () => {},
    'a cut-off answer and a closed connection': (asked) =>
      asked.transport === 'udp' ? asked.send(answerTo(asked, [], { truncated: true })) : asked.hangUp(),
  };
  for (const [name, script] of Object.entries(bad)) {
    const { ask, servers } = await setup(t, [script, right]);
    t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }], name);
    t.ok(servers[0]!.asked.length > 0, name);
    if (name !== 'silence') continue;
    const before = servers[0]!.asked.length;
    await ask('www.example.com');
    t.equal(servers[0]!.asked.length, before, 'who was silent is not waited for again');
  }
});

t.test('when none has an answer the client is told so, and the journal why', async (t) => {
  const { ask, outcome, servers, resolver } = await setup(t, [
    (asked) => asked.send(answerTo(asked, [], { rcode: 2 })),
    () => {},
  ]);
  t.match(await ask('www.example.com'), { rcode: DnsRcode.ServFail, records: [] });
  t.match(outcome(), /^failed: 127\.0\.0\.1:\d+: SERVFAIL; 127\.0\.0\.1:\d+ did not answer within 0\.3 s$/);
  t.equal(servers[1]!.asked.length, 1);
  t.match(resolver.counts, { failed: 1, forwarded: 1 });
});

t.test('a server where nobody listens is passed over at once', async (t) => {
  const gone = await NameServer.start(() => {});
  await gone[Symbol.asyncDispose]();
  const { ask, outcome } = await setup(t, [], { servers: [{ host: '127.0.0.1', port: gone.port }], timeout: 60_000 });
  t.match(await ask('www.example.com'), { rcode: DnsRcode.ServFail });
  t.match(outcome(), /ECONNREFUSED/);
});

t.test('that there is no such name, or no such record, is passed on with the zone’s start', async (t) => {
  const soa = (name: string): Answer => ({
    type: 'SOA',
    name,
    ttl: 86_400,
    data: { mname: 'ns.example.com', rname: 'h.example.com', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
  });
  const { raw, outcome } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo(asked, [], {
          rcode: asked.name.toLowerCase().startsWith('no') ? 3 : 0,
          authorities: [soa('victim.test'), soa('example.com')],
        }),
      ),
  ]);
  const nothing = decode(await raw('no.example.com'));
  t.match(nothing, { rcode: 'NXDOMAIN', flag_aa: false, flag_ra: true });
  t.match(nothing.authorities, [{ name: 'example.com', ttl: 10_800 }], 'of the zone of the name, and not for days');
  t.equal(nothing.authorities?.length, 1);
  t.match(outcome(), /^no such name, says 127/);
  t.match(decode(await raw('empty.example.com')), {
    rcode: 'NOERROR',
    answers: [],
    authorities: [{ name: 'example.com' }],
  });
  t.match(outcome(), /^no record of this type, says 127/);
});

t.test('a server without EDNS is asked without', async (t) => {
  const { ask } = await setup(t, [
    (asked) => {
      if (decode(asked.bytes).additionals?.length) {
        const header = Buffer.from(asked.bytes.subarray(0, 12));
        header.writeUInt16BE(0x8181, 2);
        header.fill(0, 4);
        asked.send(header);
      } else right(asked);
    },
  ]);
  t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }]);
});

t.test('an alias of ours that leads out is followed outside, and a circle across both ends', async (t) => {
  const { ask, outcome } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo(asked, [
          /^round/i.test(asked.name) ? cname(asked.name, 'round.contoso.internal') : a(asked.name, '192.0.2.10'),
        ]),
      ),
  ]);
  t.match((await ask('out.contoso.internal')).records, [
    { name: 'out.contoso.internal', type: 'CNAME', data: 'www.example.com' },
    { name: 'www.example.com', type: 'A', data: '192.0.2.10' },
  ]);
  t.match(await ask('round.contoso.internal'), { rcode: DnsRcode.ServFail });
  t.match(outcome(), /aliases/);
});

t.test(
  'an answer that leads to this machine, its link or a metadata service is refused, unless that is meant',
  async (t) => {
    const bad = ['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.7.7', '169.254.169.254', '100.100.100.200'];
    const lead =
      (address: string): Script =>
      (asked) =>
        asked.send(answerTo(asked, [a(asked.name, address)]));
    for (const address of bad) {
      const { ask, outcome, resolver } = await setup(t, [lead(address)]);
      t.match(await ask('rebind.example.com'), { rcode: DnsRcode.Refused, records: [] }, address);
      t.match(outcome(), new RegExp(`^refused: rebind.example.com resolves to ${address}`));
      t.match(await resolver.addressesOf('rebind.example.com', undefined), { failure: /resolves to/ });
      const allowed = await setup(t, [lead(address)], { local: true });
      const isMetadata = bad.indexOf(address) >= 4;
      t.equal(
        (await allowed.ask('rebind.example.com')).rcode,
        isMetadata ? DnsRcode.Refused : DnsRcode.NoError,
        address,
      );
    }
    for (const address of ['::1', '::', 'fe80::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', 'fd00:ec2::254']) {
      const { ask } = await setup(t, [
        (asked) => asked.send(answerTo(asked, [{ type: 'AAAA', name: asked.name, ttl: 1, data: address }])),
      ]);
      t.match(await ask('rebind.example.com', 'AAAA'), { rcode: DnsRcode.Refused, records: [] }, address);
    }
    const some = await setup(t, [
      (asked) => asked.send(answerTo(asked, [a(asked.name, '127.0.0.1'), a(asked.name, '192.0.2.9')])),
    ]);
    t.match((await some.ask('rebind.example.com')).records, [{ data: '192.0.2.9' }]);
    t.match(some.outcome(), /^answered by .*, without a part of it: .*127\.0\.0\.1/);
  },
);

t.test('one question that many ask is put once', async (t) => {
  const held: Asked[] = [];
  const { ask, servers } = await setup(t, [(asked) => void held.push(asked)], { timeout: 60_000 });
  const all = Array.from({ length: 20 }, (_, i) => ask('www.example.com', 'A', `s${i}`));
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  right(held[0]!);
  for (const { records } of await Promise.all(all)) t.match(records, [{ data: '192.0.2.10' }]);
  t.equal(servers[0]!.asked.length, 1);
});

t.test(
  'no session has more than its share of questions under way, and all together no more than there may be',
  async (t) => {
    const { ask, forwarder, outcome } = await setup(t, [() => {}], { timeout: 60_000 }, MAX_FORWARDED_OF_SESSION + 4);
    const open = Array.from({ length: MAX_FORWARDED_OF_SESSION }, (_, i) => ask(`n${i}.example.com`));
    t.match(await ask('one-more.example.com'), { rcode: DnsRcode.ServFail });
    t.match(outcome(), /other queries of the session wait/);
    const others = Array.from({ length: 4 }, (_, i) => ask(`m${i}.example.com`, 'A', 's2'));
    t.match(await ask('too-many.example.com', 'A', 's2'), { rcode: DnsRcode.ServFail });
    t.match(outcome(), /68 other queries wait for the name servers/);
    t.equal(forwarder.size, MAX_FORWARDED_OF_SESSION + 4);
    forwarder.close();
    for (const { rcode } of await Promise.all([...open, ...others])) t.equal(rcode, DnsRcode.ServFail);
    t.equal(forwarder.size, 0);
  },
);

t.test('only the domains that are named go elsewhere, if some are; and some names never do', async (t) => {
  const { ask, servers } = await setup(t, [right], { domains: ['corp.example', 'lab.contoso.internal'] });
  t.match((await ask('db.corp.example')).records, [{ data: '192.0.2.10' }]);
  t.match((await ask('corp.example')).records, [{ data: '192.0.2.10' }]);
  t.match(
    (await ask('x.lab.contoso.internal')).records,
    [{ data: '192.0.2.10' }],
    'part of a domain of the mock network',
  );
  t.match(await ask('x.contoso.internal'), { rcode: DnsRcode.NxDomain });
  t.match(await ask('www.example.com'), { rcode: DnsRcode.Refused });
  t.match(await ask('evilcorp.example'), { rcode: DnsRcode.Refused });
  t.equal(servers[0]!.asked.length, 3);
  const all = await setup(t, [right]);
  for (const name of ['localhost', 'x.localhost', 'a.invalid', 'abc.onion']) {
    t.match(await all.ask(name), { rcode: DnsRcode.Refused }, name);
  }
  for (const type of ['AXFR', 'IXFR', 'OPT', 'TYPE250']) {
    t.match(await all.ask('example.com', type), { rcode: DnsRcode.NotImp }, type);
  }
  t.equal(all.servers[0]!.asked.length, 0);
});

t.test('without servers nothing is forwarded, and other servers are used at once', async (t) => {
  const { ask, forwarder, servers } = await setup(t, [right], { servers: [] });
  t.match(await ask('www.example.com'), { rcode: DnsRcode.Refused });
  forwarder.use({ servers: [{ host: '127.0.0.1', port: servers[0]!.port }], domains: [], timeout: 300, local: false });
  t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }]);
});
