import { type Answer, decode } from 'dns-packet';
import t from 'tap';
import { MAX_STRAY_ANSWERS } from '../../src/resources/constants.ts';
import { DnsRcode } from '../../src/wire/dns.ts';
import { right, setup, visitor } from '../support/forwarding-resolver.ts';
import { type Asked, a, answerTo, cname } from '../support/name-server.ts';

// Name servers that lie, and others who pretend to be one. They are real ones on loopback: what is told apart here is what the system hands over,
// and what it does not.

const pointer = (at: number): Buffer => Buffer.of(0xc0 | (at >> 8), at & 0xff);
const START: Answer = {
  type: 'SOA',
  name: 'example.com',
  ttl: 300,
  data: { mname: 'ns.example.com', rname: 'root.example.com', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
};
/** The answer with one record more whose name is these bytes. */
function withOwner(asked: Asked, owner: Buffer): Buffer {
  const message = Buffer.concat([answerTo(asked, []), owner, Buffer.of(0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 6, 6, 6, 6)]);
  message.writeUInt16BE(1, 6);
  return message;
}

t.test('what is no answer to the question is ignored, told, and the right answer still taken', async (t) => {
  const forged = (asked: Asked): Answer[] => [a(asked.name, '6.6.6.6')];
  const forgeries: Record<string, (asked: Asked) => Buffer> = {
    'another id': (asked) => answerTo({ ...asked, id: asked.id ^ 1 }, forged(asked)),
    'another name': (asked) => answerTo({ ...asked, name: 'victim.test' }, [a('victim.test', '6.6.6.6')]),
    'another type': (asked) => answerTo({ ...asked, type: 'AAAA' }, forged(asked)),
    'no question': (asked) => {
      const whole = answerTo(asked, []);
      whole.writeUInt16BE(0, 4);
      return whole.subarray(0, 12);
    },
    'two questions': (asked) => {
      const whole = answerTo(asked, forged(asked));
      whole.writeUInt16BE(2, 4);
      return whole;
    },
    'the question itself': (asked) => asked.bytes,
    'a few bytes': () => Buffer.from('hello'),
    nothing: () => Buffer.alloc(0),
    'more than was asked for': (asked) =>
      answerTo(
        asked,
        Array.from({ length: 200 }, () => a(asked.name, '6.6.6.6')),
      ),
    'a name without end': (asked) => {
      const whole = answerTo(asked, forged(asked));
      pointer(12).copy(whole, 12);
      return whole;
    },
  };
  for (const [name, forge] of Object.entries(forgeries)) {
    const { ask, strays, outcome } = await setup(t, [
      (asked) => {
        asked.send(forge(asked));
        right(asked);
      },
    ]);
    t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }], name);
    t.match(outcome(), /^answered by/, name);
    t.match(strays(), [{ question: 'www.example.com', count: 1 }], name);
  }
});

t.test('an answer from another port is not even seen', async (t) => {
  const { ask, strays } = await setup(t, [
    async (asked) => {
      await asked.sendFromElsewhere(answerTo(asked, [a(asked.name, '6.6.6.6')]));
      right(asked);
    },
  ]);
  t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }]);
  t.same(strays(), []);
});

t.test('an answer in letters of another case is believed over TCP only', async (t) => {
  const { ask, servers } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo({ ...asked, name: asked.name.toLowerCase() }, [
          a(asked.name, asked.transport === 'udp' ? '6.6.6.6' : '192.0.2.10'),
        ]),
      ),
  ]);
  t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }]);
  t.same(
    servers[0]!.asked.map(({ transport }) => transport),
    ['udp', 'tcp'],
  );
});

t.test('a flood of wrong answers is given up', async (t) => {
  const { ask, strays, outcome } = await setup(
    t,
    [
      (asked) => {
        for (let i = 0; i < 200; i++)
          asked.send(answerTo({ ...asked, id: (asked.id + 1 + i) & 0xffff }, [a(asked.name, '6.6.6.6')]));
      },
    ],
    { timeout: 60_000 },
  );
  t.match(await ask('www.example.com'), { rcode: DnsRcode.ServFail });
  t.match(outcome(), new RegExp(`sent ${MAX_STRAY_ANSWERS} wrong answers`));
  t.match(strays(), [{ count: MAX_STRAY_ANSWERS }]);
});

t.test('an answer that cannot be right is no answer, and the next server is asked', async (t) => {
  const lies: Record<string, (asked: Asked) => Buffer> = {
    'a pointer to itself': (asked) => withOwner(asked, pointer(answerTo(asked, []).length)),
    'a pointer ahead': (asked) => withOwner(asked, pointer(0x3fff)),
    'a pointer into the header': (asked) => withOwner(asked, pointer(2)),
    'a record that is cut off': (asked) => answerTo(asked, [a(asked.name, '6.6.6.6')]).subarray(0, -2),
    'something behind the records': (asked) =>
      Buffer.concat([answerTo(asked, [a(asked.name, '6.6.6.6')]), Buffer.alloc(9)]),
    'more records than it has': (asked) => {
      const whole = answerTo(asked, [a(asked.name, '6.6.6.6')]);
      whole.writeUInt16BE(60_000, 6);
      return whole;
    },
    'an address of three bytes': (asked) => {
      const whole = answerTo(asked, [{ type: 'TXT', name: asked.name, ttl: 1, data: 'ab' }]);
      whole.writeUInt16BE(1, whole.length - 13);
      return whole;
    },
    'an alias of itself': (asked) => answerTo(asked, [cname(asked.name, asked.name)]),
    'aliases in a circle': (asked) =>
      answerTo(asked, [
        cname(asked.name, 'b.example.com'),
        cname('b.example.com', 'c.example.com'),
        cname('c.example.com', asked.name),
      ]),
    'aliases without end': (asked) =>
      answerTo(asked, [
        cname(asked.name, 'n0.example.com'),
        ...Array.from({ length: 12 }, (_, i) => cname(`n${i}.example.com`, `n${i + 1}.example.com`)),
      ]),
  };
  for (const [name, lie] of Object.entries(lies)) {
    const { ask, outcome } = await setup(t, [(asked) => asked.send(lie(asked)), right]);
    t.match((await ask('www.example.com')).records, [{ data: '192.0.2.10' }], name);
    const alone = await setup(t, [(asked) => asked.send(lie(asked))]);
    t.match(await alone.ask('www.example.com'), { rcode: DnsRcode.ServFail }, name);
    t.match(alone.outcome(), /^failed: 127/, `${name}: ${alone.outcome()}`);
    t.match(outcome(), /^answered by/, name);
  }
});

t.test('records that nobody asked for are left out', async (t) => {
  const { ask } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo(asked, [
          a('intranet.contoso.internal', '6.6.6.6'),
          cname(asked.name, 'edge.example.net'),
          a('victim.test', '6.6.6.6'),
          a('edge.example.net', '192.0.2.11'),
        ]),
      ),
  ]);
  t.strictSame((await ask('www.example.com')).records, [
    { name: 'www.example.com', type: 'CNAME', ttl: 300, data: 'edge.example.net' },
    { name: 'edge.example.net', type: 'A', ttl: 300, data: '192.0.2.11' },
  ]);
});

t.test('an alias that leads into the mock network is followed there, whatever the server says of it', async (t) => {
  const { ask } = await setup(t, [
    (asked) =>
      asked.send(
        answerTo(asked, [cname(asked.name, 'intranet.contoso.internal'), a('intranet.contoso.internal', '6.6.6.6')]),
      ),
  ]);
  t.match((await ask('evil.example.com')).records, [
    { name: 'evil.example.com', type: 'CNAME', data: 'intranet.contoso.internal' },
    { name: 'intranet.contoso.internal', type: 'A', data: '10.20.0.10' },
  ]);
});

t.test('hints of addresses in HTTPS records are addresses too', async (t) => {
  const https = (asked: Asked, address: readonly number[]): Buffer => {
    const data = Buffer.of(0, 1, 0, 0, 4, 0, 4, ...address);
    const head = Buffer.of(0xc0, 12, 0, 65, 0, 1, 0, 0, 0, 9, 0, data.length);
    const message = Buffer.concat([answerTo(asked, []), head, data]);
    message.writeUInt16BE(1, 6);
    return message;
  };
  for (const [address, rcode] of [
    [[127, 0, 0, 1], DnsRcode.Refused],
    [[192, 0, 2, 1], DnsRcode.NoError],
  ] as const) {
    const { ask } = await setup(t, [(asked) => asked.send(https(asked, address))]);
    t.match(await ask('www.example.com', 'HTTPS'), { rcode });
  }
});

t.test('a server that asks us is found out', async (t) => {
  const setupLoop = await setup(t, [
    async (asked) => {
      const back = await setupLoop.resolver.answer(Buffer.from(asked.bytes), { ...visitor, session: 's9' });
      asked.send(back!);
    },
  ]);
  t.match(await setupLoop.ask('a-rather-long-name.example.com'), { rcode: DnsRcode.ServFail });
  t.match(setupLoop.outcome(), /SERVFAIL/, 'what the other was told');
  t.equal(setupLoop.servers[0]!.asked.length, 1, 'once around');
});

t.test(
  'over TCP there is no further way: an answer that is cut off, or a question not understood, is a failure',
  async (t) => {
    const answers: Record<string, [(asked: Asked) => Buffer, RegExp]> = {
      'cut off': [(asked) => answerTo(asked, [a(asked.name, '6.6.6.6')], { truncated: true }), /over TCP is truncated/],
      'not understood': [
        (asked) => {
          const header = Buffer.from(asked.bytes.subarray(0, 12));
          header.writeUInt16BE(0x8181, 2);
          header.fill(0, 4);
          return header;
        },
        /: FORMERR$/,
      ],
    };
    for (const [name, [answer, why]] of Object.entries(answers)) {
      const { ask, outcome, servers } = await setup(t, [(asked) => asked.send(answer(asked))], { timeout: 10_000 });
      t.match(await ask('www.example.com'), { rcode: DnsRcode.ServFail, records: [] }, name);
      t.match(outcome(), why, name);
      t.strictSame(
        servers[0]!.asked.map(({ transport }) => transport),
        ['udp', 'tcp'],
        name,
      );
    }
  },
);

t.test('the name that an alias leads to is passed on in the letters that it came in', async (t) => {
  const { raw } = await setup(t, [
    (asked) =>
      asked.send(answerTo(asked, [cname(asked.name, 'Edge.Example.NET'), a('Edge.Example.NET', '192.0.2.11')])),
  ]);
  const { answers } = decode(await raw('www.example.com'));
  t.strictSame(
    answers!.map(({ name }) => name),
    ['www.example.com', 'Edge.Example.NET'],
  );
});

t.test('who asks for an alias gets it, and no start of a zone beside it', async (t) => {
  const { raw } = await setup(t, [
    (asked) => asked.send(answerTo(asked, [cname(asked.name, 'edge.example.net')], { authorities: [START] })),
  ]);
  const { answers, authorities } = decode(await raw('www.example.com', 'CNAME'));
  t.match(answers, [{ type: 'CNAME', data: 'edge.example.net' }]);
  t.strictSame(authorities, []);
});
