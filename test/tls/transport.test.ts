import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { FULL_READ_BYTES } from '../../src/tls/constants.ts';
import { Transport } from '../../src/tls/transport.ts';

const BYTES = 1024 * 1024;

/** Both ends of a TCP connection; that of the server within a transport. */
async function pair(t: Test): Promise<{ peer: Socket; transport: Transport }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [raw] = (await once(server, 'connection')) as [Socket];
  const transport = new Transport(raw);
  t.teardown(() => {
    peer.destroy();
    transport.destroy();
    server.close();
  });
  return { peer, transport };
}

t.test('of a peer that has sent much, no turn of the event loop reads more than two full reads', async (t) => {
  const { peer, transport } = await pair(t);
  transport.hold();
  // All of it is with the system before the first byte is read.
  await new Promise<unknown>((resolve) => peer.write(Buffer.alloc(BYTES), resolve));
  let turn = 0;
  const inTurn: number[] = [];
  const count = (): void => {
    turn++;
    if (!done()) setImmediate(count);
  };
  const sum = (): number => inTurn.reduce((a, b) => a + (b ?? 0), 0);
  const done = (): boolean => sum() >= BYTES;
  const all = new Promise<void>((resolve) => {
    transport.on('data', (chunk: Buffer) => {
      inTurn[turn] = (inTurn[turn] ?? 0) + chunk.length;
      if (done()) resolve();
    });
  });
  setImmediate(count);
  transport.release();
  await all;
  t.equal(sum(), BYTES);
  const most = Math.max(...inTurn.filter((bytes) => bytes !== undefined));
  t.ok(most <= 2 * FULL_READ_BYTES, `${most} bytes in one turn`);
});

t.test('a peer that is held, or that TLS takes no more from, is not read at the end of a rest', async (t) => {
  const { peer, transport } = await pair(t);
  transport.hold();
  await new Promise<unknown>((resolve) => peer.write(Buffer.alloc(BYTES), resolve));
  let bytes = 0;
  transport.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    transport.hold();
  });
  transport.release();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  t.ok(bytes > 0 && bytes <= 2 * FULL_READ_BYTES, `${bytes}`);
});
