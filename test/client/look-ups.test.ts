import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { type DnsQuery, type DnsRcode, parseDnsQuery, serializeDnsAnswer } from '../../src/wire/dns.ts';
import { innerNetwork, scriptedGateway, welcome } from '../support/scripted-gateway.ts';

t.test('500 look-ups at once never collide on a port, nor pings on an identifier', async (t) => {
  const ports = new Set<number>();
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket);
    innerNetwork(socket, {
      onUdp: (request) => {
        ports.add(request.remotePort);
        const flow = request.accept((payload) => {
          const query = parseDnsQuery(payload);
          // Each name is a number, and its address is that number.
          const data = `10.1.${Number.parseInt(query.name, 10) >> 8}.${Number.parseInt(query.name, 10) & 255}`;
          const answer = { rcode: 0, records: [{ type: 'A', ttl: 1, data }], authoritative: true } as const;
          const bytes = serializeDnsAnswer(query, answer, 512);
          queueMicrotask(() => flow.send(bytes, request.localAddress, request.localPort));
        });
      },
    });
  });
  // Each time the same number is drawn, as happens by chance.
  await using client = await gateway.connect({ random: { ...seededRandom(2), uint32: () => 7 } });
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const found = await Promise.all(numbers.map((i) => client.resolve(`${i}.contoso.internal`)));
  t.strictSame(
    found,
    numbers.map((i) => [`10.1.${i >> 8}.${i & 255}`]),
  );
  t.equal(ports.size, 500);
  const pings = await Promise.all(numbers.slice(0, 50).map(() => client.ping('10.0.0.1')));
  t.equal(pings.length, 50);
});

t.test('an answer that was cut off is no answer without addresses', async (t) => {
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket);
    innerNetwork(socket, {
      onUdp: (request) => {
        const flow = request.accept((payload) => {
          const records = Array.from({ length: 40 }, () => ({ type: 'A', ttl: 1, data: '10.1.1.1' }));
          const bytes = serializeDnsAnswer(parseDnsQuery(payload), { rcode: 0, records, authoritative: true }, 512);
          queueMicrotask(() => flow.send(bytes, request.localAddress, request.localPort));
        });
      },
    });
  });
  await using client = await gateway.connect();
  await t.rejects(client.resolve('many.contoso.internal'), { code: 'ERR_CLIENT_DNS', message: /too long/ });
});

/** A client of a resolver that answers each question with the payloads that a test makes of it. */
async function resolverOf(answers: (query: DnsQuery) => readonly Buffer[], headers: Record<string, string> = {}) {
  const asked: string[] = [];
  const gateway = await scriptedGateway(async (socket) => {
    await welcome(socket, headers);
    innerNetwork(socket, {
      onUdp: (request) => {
        const flow = request.accept((payload) => {
          const query = parseDnsQuery(payload);
          asked.push(`${query.type} ${query.name}`);
          for (const bytes of answers(query)) {
            queueMicrotask(() => flow.send(bytes, request.localAddress, request.localPort));
          }
        });
      },
    });
  });
  const clock = new ManualClock();
  const client = await gateway.connect({ clock });
  return {
    client,
    asked,
    clock,
    async [Symbol.asyncDispose]() {
      await client.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const says = (query: DnsQuery, rcode: DnsRcode, ...records: (readonly [type: string, data: string])[]): Buffer =>
  serializeDnsAnswer(
    query,
    { rcode, records: records.map(([type, data]) => ({ type, ttl: 1, data })), authoritative: true },
    512,
  );

t.test('the addresses of both families are found, behind whatever other names', async (t) => {
  await using lab = await resolverOf(
    (query) => [
      says(query, 0, ['CNAME', 'other.contoso.internal'], query.type === 'A' ? ['A', '10.1.1.1'] : ['AAAA', 'fd00::7']),
    ],
    { 'X-CSTP-Address-IP6': 'fd00::2/64' },
  );
  t.strictSame(await lab.client.resolve('intranet.contoso.internal'), ['10.1.1.1', 'fd00::7']);
  t.strictSame(lab.asked.sort(), ['A intranet.contoso.internal', 'AAAA intranet.contoso.internal']);
});

t.test('a name in another script is asked for in the letters of DNS [RFC 5891]', async (t) => {
  await using lab = await resolverOf((query) => [says(query, 0, ['A', '10.1.1.1'])]);
  t.strictSame(await lab.client.resolve('bücher.contoso.internal'), ['10.1.1.1']);
  t.strictSame(lab.asked, ['A xn--bcher-kva.contoso.internal']);
});

t.test('only an answer with the number of the question is one, and a question that is answered is over', async (t) => {
  await using lab = await resolverOf((query) => [
    Buffer.from('nonsense'),
    says({ ...query, id: query.id ^ 1 }, 0, ['A', '10.6.6.6']),
    says(query, 0, ['A', '10.1.1.1']),
  ]);
  t.strictSame(await lab.client.resolve('intranet.contoso.internal'), ['10.1.1.1']);
  const before = lab.clock.pending;
  t.strictSame(await lab.client.resolve('intranet.contoso.internal'), ['10.1.1.1']);
  t.equal(lab.clock.pending, before, 'it leaves no timer');
});

t.test('why a name has no address is told, in words and as the number of DNS', async (t) => {
  for (const [rcode, words] of [
    [0, /^x\.contoso\.internal: it has no address\.$/],
    [2, /the server failed/],
    [3, /the name does not exist/],
    [5, /only for the on-premises network/],
    [4, /DNS error 4/],
  ] as const) {
    await using lab = await resolverOf((query) => [says(query, rcode)]);
    const error = { code: 'ERR_CLIENT_DNS', message: words, details: { rcode } };
    await t.rejects(lab.client.resolve('x.contoso.internal'), error, `${rcode}`);
  }
});

t.test('a datagram or a ping that is answered leaves no timer', async (t) => {
  const clock = new ManualClock();
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket);
    innerNetwork(socket, {
      onEcho: () => true,
      onUdp: (request) => {
        const flow = request.accept((payload) => {
          queueMicrotask(() => flow.send(payload, request.localAddress, request.localPort));
        });
      },
    });
  });
  await using client = await gateway.connect({ clock });
  const echo = async (): Promise<string> => {
    await client.ping('10.0.0.1');
    return String(await client.exchangeUdp('10.0.0.1', 7, Buffer.from('hello')));
  };
  await echo();
  const before = clock.pending;
  t.equal(await echo(), 'hello');
  t.equal(clock.pending, before);
});
