import { once } from 'node:events';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { type ConfigInput, TunnelClient } from '../../src/index.ts';
import { start } from '../support/running-simulator.ts';

// How the journal says that a connection to a resource has ended, when the resource is the first to close it.

t.setTimeout(120_000);

const HOST = 'intranet.contoso.internal';
const SIZE = 700_000;

async function connected(t: Test, config: ConfigInput = {}) {
  const sim = await start(t, config);
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  const end = async (since: number) =>
    (await sim.journal.waitFor({ name: 'resource.end', fields: { protocol: 'tcp' }, since })).fields;
  /** Sends a request for the last page of a connection. */
  const ask = async (path: string) => {
    const stream = await client.openTcp(HOST, 80);
    stream.write(`GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
    return stream;
  };
  return { sim, client, end, ask };
}

t.test('a page whose connection is to be closed after it ends as it should', async (t) => {
  const { sim, client, end } = await connected(t);
  for (const scheme of ['http', 'https']) {
    const mark = sim.journal.mark();
    const { status } = await client.fetch(`${scheme}://${HOST}/whoami`, {
      ca: sim.ca,
      headers: { connection: 'close' },
    });
    t.equal(status, 200);
    t.match(await end(mark), { outcome: 'completed', reason: 'closed' }, scheme);
  }
});

t.test('a client that answers the end of TLS with its own has broken nothing', async (t) => {
  const { sim, client, end } = await connected(t);
  const mark = sim.journal.mark();
  const secure = tlsConnect({ socket: await client.openTcp(HOST, 443), servername: HOST, ca: sim.ca });
  secure.write(`GET /bytes/${SIZE} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
  t.ok((await buffer(secure)).length > SIZE);
  secure.end();
  t.match(await end(mark), { outcome: 'completed', reason: 'closed' });
});

t.test('who reads to the end, and ends then, gets all of it, and the journal has every byte', async (t) => {
  const { sim, end, ask } = await connected(t);
  const mark = sim.journal.mark();
  const stream = await ask(`/bytes/${SIZE}`);
  const page = await buffer(stream);
  t.equal(sim.journal.count({ name: 'resource.end', fields: { protocol: 'tcp' }, since: mark }), 0, 'not over yet');
  stream.end();
  t.match(await end(mark), { outcome: 'completed', reason: 'closed', bytesOut: page.length });
  t.ok(page.length > SIZE);
});

t.test('a service that breaks off in the middle of its answer has broken the connection', async (t) => {
  const { sim, end, ask } = await connected(t);
  await using _reset = sim.faults.add({
    on: { seam: 'decision', kind: 'resource', port: 80 },
    then: { do: 'reset', bytes: 5000 },
  });
  const mark = sim.journal.mark();
  const stream = await ask(`/bytes/${SIZE}`);
  await t.rejects(buffer(stream), { code: 'ERR_NETSTACK_RESET' });
  t.match(await end(mark), { outcome: 'broken', reason: /reset by a fault rule/ });
});

t.test('who resets the connection after the answer has broken it', async (t) => {
  const { sim, end, ask } = await connected(t);
  const mark = sim.journal.mark();
  const stream = await ask('/whoami');
  await buffer(stream);
  stream.destroy();
  t.match(await end(mark), { outcome: 'broken', reason: /reset/i });
});

t.test('a session that ends in the middle of an answer has broken the connection', async (t) => {
  const { sim, end, ask } = await connected(t);
  const mark = sim.journal.mark();
  const stream = await ask('/bytes/50000000');
  stream.on('error', () => {});
  await once(stream, 'data');
  await using _cut = sim.faults.add({
    on: { seam: 'decision', kind: 'session' },
    then: { do: 'terminate' },
  });
  t.match(await end(mark), { outcome: 'broken' });
});

t.test('a simulator that closes tells the end of those that the client has not ended', async (t) => {
  const { sim, end, ask } = await connected(t);
  const mark = sim.journal.mark();
  await buffer(await ask('/whoami'));
  const ended = end(mark);
  await sim.close();
  t.match(await ended, { outcome: 'broken' });
});

t.test('upstreams that are the first to end, or that reset, are told apart in the same way', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (word) => {
      if (word.toString() === 'end') socket.end('bye').resume();
      else socket.resetAndDestroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const name = 'orders.contoso.internal';
  const { sim, client, end } = await connected(t, {
    resources: { upstreams: [{ match: name, ports: [90], to: { host: '127.0.0.1', port } }] },
  });
  for (const [word, outcome] of [
    ['end', 'completed'],
    ['reset', 'broken'],
  ] as const) {
    const mark = sim.journal.mark();
    const stream = await client.openTcp(name, 90);
    stream.on('error', () => {});
    stream.write(word);
    if (word === 'end') {
      t.equal((await buffer(stream)).toString(), 'bye');
      stream.end();
    }
    t.match(await end(mark), { outcome }, word);
  }
});
