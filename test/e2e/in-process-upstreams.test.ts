import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { testLeaf } from '../support/certificates.ts';

t.setTimeout(120_000);

const NAME = 'orders.contoso.internal';

async function running(t: Test) {
  const sim = await startSimulator({ log: { level: 'silent' } });
  t.teardown(() => sim.close());
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  const fetch = async (url: string, options = {}): Promise<string> =>
    (await client.fetch(url, options)).body.toString();
  return { sim, client, fetch };
}

/** Until a connection is over, however that is; also when it was over before anybody had it. */
const over = (opening: Promise<Duplex>): Promise<void> =>
  new Promise((resolve) => {
    opening.then(
      (stream) =>
        stream
          .on('error', () => {})
          .once('close', resolve)
          .resume(),
      () => resolve(),
    );
  });

const textOf = async (stream: Duplex): Promise<string> => String(((await once(stream, 'data')) as [Buffer])[0]);

t.test('a function in this process answers for a name, until it is removed', async (t) => {
  const { sim, client, fetch } = await running(t);
  const seen: unknown[] = [];
  const { id, inProcess, to } = sim.resources.add({ match: NAME, ports: [80] }, (request, response) => {
    const { remoteAddress, remotePort, localPort } = request.socket;
    seen.push({ remoteAddress, remotePort, localPort });
    request.setTimeout(60_000);
    response.end(`${request.method} ${request.url}`);
  });
  t.strictSame([inProcess, to], [true, null]);
  t.equal(await fetch(`http://${NAME}/a?b`), 'GET /a?b');
  t.equal(await fetch(`http://${NAME}/up`, { method: 'POST', body: Buffer.alloc(500_000) }), 'POST /up');
  const { address } = client as unknown as { address?: string };
  t.match(seen, [{ remoteAddress: address ?? String, remotePort: Number, localPort: 80 }]);
  const [first] = sim.journal.expect({ name: 'resource.request', fields: { host: NAME } }, { atLeast: 1 });
  t.match(first!.fields, { decision: 'allow', explanation: /its handler in this process answers/ });
  const entries = (sim.resources.har() as unknown as { log: { entries: { request: { url: string } }[] } }).log.entries;
  t.strictSame(
    entries.map(({ request }) => request.url),
    [`http://${NAME}/a?b`, `http://${NAME}/up`],
  );
  const gone = over(Promise.resolve(await client.openTcp(NAME, 80)));
  t.equal(sim.resources.remove(id).ended >= 1, true);
  await gone;
  await t.rejects(client.openTcp(NAME, 80));
});

t.test('servers and a fastify instance answer without listening', async (t) => {
  const { sim, client, fetch } = await running(t);
  const app = Fastify();
  app.get('/items/:id', async (request) => ({ id: (request.params as { id: string }).id, from: request.ip }));
  sim.resources.add({ match: 'fastify.contoso.internal', ports: [80] }, app);
  t.match(JSON.parse(await fetch('http://fastify.contoso.internal/items/7')), {
    id: '7',
    from: /^169\.254\.|^10\.|^fd/,
  });

  const leaf = await testLeaf('secure.contoso.internal');
  const hello = (_request: IncomingMessage, response: ServerResponse): void => void response.end('hello');
  const secure = createSecureServer({ key: leaf.keyPem, cert: leaf.certPem }, hello);
  sim.resources.add({ match: 'secure.contoso.internal', ports: [443] }, secure);
  t.equal(await fetch('https://secure.contoso.internal/', { ca: leaf.caPem }), 'hello');

  const upgrading = createServer(hello);
  upgrading.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  sim.resources.add({ match: 'upgrade.contoso.internal', ports: [80] }, upgrading);
  const upgraded = await client.openTcp('upgrade.contoso.internal', 80);
  upgraded.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  t.match(await textOf(upgraded), /^HTTP\/1.1 101/);
  upgraded.write('ping');
  t.equal(await textOf(upgraded), 'ping');
  upgraded.destroy();

  const echo = createTcpServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  sim.resources.add({ match: 'echo.contoso.internal', ports: [7] }, echo);
  const stream = await client.openTcp('echo.contoso.internal', 7);
  const sent = Buffer.alloc(2_000_000, 'half-close ');
  stream.end(sent);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  t.ok(Buffer.concat(parts).equals(sent), 'all of it comes back after the end was sent');
  await app.close();
});

t.test('a slow reader in this process holds the client back, and one that breaks off resets it', async (t) => {
  const { sim, client } = await running(t);
  let served: Duplex | undefined;
  const arrived = Promise.withResolvers<void>();
  sim.resources.add(
    { match: 'slow.contoso.internal', ports: [9] },
    createTcpServer({ pauseOnConnect: true }, (socket) => {
      served = socket;
      arrived.resolve();
    }),
  );
  const stream = await client.openTcp('slow.contoso.internal', 9);
  const failed = once(stream, 'error');
  await arrived.promise;
  let taken = 0;
  const piece = Buffer.alloc(65_536);
  // Until nobody takes more.
  while (stream.write(piece)) taken += piece.length;
  t.ok(taken < 64 << 20, `${taken} bytes were taken`);
  served!.destroy();
  const [error] = (await failed) as [Error & { code: string }];
  t.equal(error.code, 'ERR_NETSTACK_RESET');
});

t.test('what throws or takes no connections is said so', async (t) => {
  const { sim, client } = await running(t);
  t.throws(() => sim.resources.add({ match: NAME }, {} as never), { code: 'ERR_RESOURCE_RULE', hint: /fastify/ });
  const both = { match: NAME, to: { host: 'localhost', port: 1 } };
  t.throws(() => sim.resources.add(both, () => {}), {
    code: 'ERR_RESOURCE_RULE',
    message: /both a handler and a target/,
  });
  t.strictSame(sim.resources.list().upstreams, []);
  const broken = createTcpServer();
  broken.on('connection', () => {
    throw new Error('a defect of mine');
  });
  sim.resources.add({ match: NAME, ports: [1] }, broken);
  await over(client.openTcp(NAME, 1));
  sim.journal.expect({ name: 'resource.end', where: ({ fields }) => /a defect of mine/.test(fields.reason) });
  const failing = Fastify();
  failing.register(async () => {
    throw new Error('not today');
  });
  sim.resources.add({ match: 'failing.contoso.internal', ports: [80] }, failing);
  await over(client.openTcp('failing.contoso.internal', 80));
  await sim.reset();
  t.strictSame(sim.resources.list().upstreams, []);
});
