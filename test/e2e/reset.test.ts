import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

/* What breaks off on one side of the gateway breaks off on the other: RST is no FIN, or a cut upload would look complete. */

/** A tunnel to an upstream of the test's own. */
async function tunnel(t: Test) {
  const upstream = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.teardown(() => upstream.close());
  const { port } = upstream.address() as { port: number };
  const sim = await startSimulator({
    resources: { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] },
  });
  t.teardown(() => sim.close());
  const connect = () => TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token() });
  const client = await connect();
  t.teardown(() => client.close());
  const accepted = once(upstream, 'connection') as Promise<[Socket]>;
  const stream = await client.openTcp('192.0.2.1', 9);
  stream.on('error', () => {});
  const [socket] = await accepted;
  t.teardown(() => socket.destroy());
  /** How the upstream's side ends: `end` for FIN, or the code of an error. */
  const ending = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  return { sim, client, stream, socket, ending };
}

t.test('a client that resets reaches the upstream as a reset', async (t) => {
  const { stream, socket, ending, sim } = await tunnel(t);
  stream.write('half of an upload');
  await once(socket, 'data');
  socket.resume();
  stream.destroy();
  t.equal(await ending, 'ECONNRESET');
  const end = await sim.journal.waitFor({ name: 'resource.end' });
  t.match(end.fields.reason, /reset/i);
});

t.test('a session that an administrator ends reaches the upstream as a reset', async (t) => {
  const { stream, socket, ending, sim } = await tunnel(t);
  stream.write('half of an upload');
  await once(socket, 'data');
  socket.resume();
  sim.gateway.disconnect(sim.gateway.sessions()[0]!.id);
  t.equal(await ending, 'ECONNRESET');
});

t.test('a client that leaves reaches the upstream as a reset', async (t) => {
  const { client, stream, socket, ending } = await tunnel(t);
  stream.write('half of an upload');
  await once(socket, 'data');
  socket.resume();
  await client.close();
  t.equal(await ending, 'ECONNRESET');
});

t.test('the simulator that closes reaches the upstream as a reset', async (t) => {
  const { sim, stream, socket, ending } = await tunnel(t);
  stream.write('half of an upload');
  await once(socket, 'data');
  socket.resume();
  await sim.close();
  t.equal(await ending, 'ECONNRESET');
});

t.test('an upstream that resets reaches the client as a reset', async (t) => {
  const { stream, socket } = await tunnel(t);
  const failed = once(stream, 'error') as Promise<[NodeJS.ErrnoException]>;
  stream.resume();
  socket.write('half of a download');
  await once(stream, 'data');
  socket.resetAndDestroy();
  t.equal((await failed)[0].code, 'ERR_NETSTACK_RESET');
});

t.test('an end from either side is an end of that direction only', async (t) => {
  const { stream, socket, ending } = await tunnel(t);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  stream.end('question');
  t.equal(await ending, 'end');
  t.equal(heard, 'question');
  const answer: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => answer.push(chunk));
  const ended = once(stream, 'end');
  socket.write('answer');
  await once(stream, 'data');
  socket.end(', all of it');
  await ended;
  t.equal(Buffer.concat(answer).toString(), 'answer, all of it');
});

t.test('an upstream that ends first still gets what the client sends', async (t) => {
  const { stream, socket, ending } = await tunnel(t);
  const ended = once(stream, 'end');
  stream.resume();
  socket.end('that was all');
  await ended;
  const parts: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => parts.push(chunk));
  stream.end(Buffer.alloc(3_000_000, 'u'));
  t.equal(await ending, 'end');
  t.equal(Buffer.concat(parts).length, 3_000_000, 'whole, however slowly it went on');
});
