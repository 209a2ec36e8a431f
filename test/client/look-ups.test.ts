import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { parseDnsQuery, serializeDnsAnswer } from '../../src/wire/dns.ts';
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
