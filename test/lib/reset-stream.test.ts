import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import t, { type Test } from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { resetStream } from '../../src/lib/reset-stream.ts';
import { join } from '../../src/resources/join.ts';

t.setTimeout(60_000);

/** A connection of the machine's, and its other end. */
async function connection(t: Test): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [[Socket], unknown];
  for (const socket of [near, far]) socket.on('error', () => {});
  t.teardown(() => {
    far.destroy();
    server.close();
  });
  return { near, far };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const BEFORE: Readonly<Record<string, (socket: Socket) => unknown>> = {
  'at once': () => {},
  'right after its end': (socket) => socket.end(),
  'right after its last words': (socket) => socket.end('bye'),
  'a tick after its end': (socket) => {
    socket.end();
    return new Promise<void>((resolve) => process.nextTick(resolve));
  },
  'a turn after its end': (socket) => {
    socket.end();
    return turn();
  },
  'with bytes that are not taken': (socket) => socket.write(Buffer.alloc(64 << 20)),
  'with bytes that are not taken, and its end': (socket) => socket.end(Buffer.alloc(64 << 20)),
  'after the end of both sides': async (socket) => {
    socket.resume().end();
    await once(socket, 'finish');
  },
  'when it is closed': (socket) => socket.destroy(),
};

for (const [when, before] of Object.entries(BEFORE)) {
  t.test(`a connection that is reset ${when} is closed for good`, async (t) => {
    const { near, far } = await connection(t);
    const errors: unknown[] = [];
    near.on('error', (error: NodeJS.ErrnoException) => errors.push(error.syscall));
    far.pause();
    const closed = once(near, 'close');
    await before(near);
    resetStream(near);
    await closed;
    t.ok(near.destroyed);
    t.notOk(errors.includes('reset'), 'nothing was refused');
  });
}

t.test('a flow that ends and breaks off at once leaves no socket behind', async (t) => {
  const { near, far } = await connection(t);
  const [client, flow] = duplexPair();
  join(flow, near, new ManualClock());
  far.resume();
  const closed = once(near, 'close');
  client.end();
  flow.once('end', () => process.nextTick(() => flow.destroy()));
  await closed;
  t.ok(near.destroyed);
});
