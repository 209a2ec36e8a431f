import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { DnsRcode, serializeDnsQuery } from '../../src/wire/dns.ts';
import { a, answerTo, NameServer } from '../support/name-server.ts';
import { connect, start } from '../support/running-simulator.ts';

/*
 * A great many questions of every kind through one tunnel: each is answered or refused and counted, and none leaves anything behind.
 * TUNNELITE_QUERIES=100000 asks that many, and prints how long it took.
 */

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const QUERIES = Number(process.env['TUNNELITE_QUERIES'] ?? 5_000);
const SOCKETS = 16;
const WINDOW = 4;
const HEAP_MIB = 24;

t.setTimeout(Math.max(120_000, QUERIES * 10));

/** What is asked for, and what may come back. */
const KINDS: readonly {
  readonly question: (i: number) => { readonly name: string; readonly type: string } | Buffer;
  readonly codes: readonly number[];
}[] = [
  { question: () => ({ name: 'intranet.contoso.internal', type: 'A' }), codes: [DnsRcode.NoError] },
  { question: () => ({ name: 'API.contoso.INTERNAL', type: 'AAAA' }), codes: [DnsRcode.NoError] },
  { question: (i) => ({ name: `nothing${i}.contoso.internal`, type: 'A' }), codes: [DnsRcode.NxDomain] },
  { question: () => ({ name: 'long.contoso.internal', type: 'TXT' }), codes: [DnsRcode.NoError] },
  { question: (i) => ({ name: `w${i}.example.org`, type: 'A' }), codes: [DnsRcode.NoError, DnsRcode.ServFail] },
  { question: (i) => ({ name: `a${i}.corp.example`, type: 'A' }), codes: [DnsRcode.NoError] },
  { question: (i) => ({ name: `home${i}.corp.example`, type: 'A' }), codes: [DnsRcode.Refused] },
  { question: (i) => ({ name: `bad${i}.corp.example`, type: 'A' }), codes: [DnsRcode.ServFail] },
  { question: (i) => ({ name: `www${i}.example.net`, type: 'HTTPS' }), codes: [DnsRcode.Refused] },
  { question: () => Buffer.from('00000100000100000000000003777777', 'hex'), codes: [DnsRcode.FormErr] },
];

t.test(`${QUERIES} questions are each answered or refused, and counted`, async (t) => {
  await using server = await NameServer.start((asked) => {
    if (/^bad/i.test(asked.name)) asked.send(answerTo(asked, [], { rcode: 2 }));
    else asked.send(answerTo(asked, [a(asked.name, /^home/i.test(asked.name) ? '127.0.0.1' : '192.0.2.10')]));
    // What a test looks at later is not what is measured here.
    server.asked.length = 0;
  });
  const sim = await start(t, {
    gateway: { splitDns: [] },
    services: { records: [{ name: 'long.contoso.internal', type: 'TXT', data: 'x'.repeat(2_000) }] },
    resources: {
      upstreams: [{ match: '*.example.org' }],
      dns: { servers: [`127.0.0.1:${server.port}`], domains: ['corp.example'] },
    },
  });
  const { client } = await connect(t, sim);
  const codes = new Map<string, number>();
  let next = 0;
  let answered = 0;

  const ask = async (): Promise<void> => {
    const socket = await client.openUdp('10.20.0.53', 53);
    const waiting = new Map<number, readonly number[]>();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const more = (): void => {
      while (waiting.size < WINDOW && next < QUERIES) {
        const i = next++;
        const id = i & 0xffff;
        const { question, codes } = KINDS[i % KINDS.length]!;
        const asked = question(i);
        const bytes = Buffer.isBuffer(asked) ? Buffer.from(asked) : serializeDnsQuery({ id, ...asked });
        bytes.writeUInt16BE(id, 0);
        waiting.set(id, codes);
        socket.send(bytes);
      }
      if (waiting.size === 0) resolve();
    };
    socket.on('message', (bytes: Buffer) => {
      const id = bytes.readUInt16BE(0);
      const expected = waiting.get(id);
      waiting.delete(id);
      const rcode = bytes[3]! & 0x0f;
      if (!expected?.includes(rcode)) codes.set(`unexpected ${rcode}`, (codes.get(`unexpected ${rcode}`) ?? 0) + 1);
      codes.set(`code ${rcode}`, (codes.get(`code ${rcode}`) ?? 0) + 1);
      answered++;
      more();
    });
    more();
    await done;
    socket.close();
  };

  await client.openUdp('10.20.0.53', 53).then((socket) => socket.close());
  collectGarbage();
  const before = process.memoryUsage();
  const began = performance.now();
  await Promise.all(Array.from({ length: SOCKETS }, ask));
  const seconds = (performance.now() - began) / 1000;
  collectGarbage();
  const after = process.memoryUsage();
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1);

  t.equal(answered, QUERIES);
  t.same(
    [...codes.keys()].filter((code) => code.startsWith('unexpected')),
    [],
  );
  const { dns } = sim.resources.list();
  t.equal(dns.questions, QUERIES);
  t.equal(dns.answered + dns.refused + dns.failed + dns.malformed + dns.dropped, QUERIES);
  t.equal(dns.malformed, QUERIES / KINDS.length);
  t.equal(dns.forwarded, (3 * QUERIES) / KINDS.length);
  t.ok(
    after.heapUsed - before.heapUsed < HEAP_MIB * 1_048_576,
    `the heap grew by ${mib(after.heapUsed - before.heapUsed)} MiB`,
  );
  t.comment(
    `${QUERIES} questions in ${seconds.toFixed(1)} s, ${Math.round(QUERIES / seconds)} a second; ${JSON.stringify(Object.fromEntries(codes))}; ` +
      `heap ${mib(before.heapUsed)} to ${mib(after.heapUsed)} MiB, RSS ${mib(before.rss)} to ${mib(after.rss)} MiB`,
  );
});
