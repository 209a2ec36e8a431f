/*
 * A program: clients reach a real upstream through the tunnel and through the proxy of the mock network, and the upstream ends the connection in
 * every way there is. Then everything is closed, and the program has to end by itself. Prints what was done as JSON.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { startSimulator, TunnelClient } from '../../src/index.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const NAME = 'orders.contoso.internal';
const PENDING = Buffer.alloc(3_000_000, 7);

/** What the upstream does with a connection, by the first word that it is sent. */
const ENDINGS: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => void socket.resetAndDestroy(),
  end: (socket) => void socket.end('bye'),
  halfClose: (socket) => {
    socket.write('half');
    socket.end();
    socket.resume();
  },
  destroy: (socket) => void socket.destroy(),
  resetAfterEnd: (socket) => {
    socket.end('bye', () => setImmediate(() => socket.resetAndDestroy()));
  },
  closeWithPending: (socket) => {
    socket.write(PENDING);
    socket.destroySoon();
  },
  resetWithPending: (socket) => {
    socket.write(PENDING);
    setImmediate(() => socket.resetAndDestroy());
  },
  deaf: (socket) => void socket.pause(),
};

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (chunk: Buffer) => {
    const text = chunk.toString('latin1');
    const word = Object.keys(ENDINGS).find((one) => text.includes(`<${one}>`));
    if (word !== undefined) ENDINGS[word]!(socket);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as { port: number };

const sim = await startSimulator({
  log: { level: 'silent' },
  resources: { upstreams: [{ match: NAME, ports: [80], to: { host: '127.0.0.1', port } }] },
});
const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });

const direct = (): Promise<Duplex> => client.openTcp(NAME, 80);
const proxied = async (): Promise<Duplex> => {
  const stream = await client.openTcp('proxy.contoso.internal', 3128);
  stream.write(`CONNECT ${NAME}:80 HTTP/1.1\r\nHost: ${NAME}:80\r\n\r\n`);
  await once(stream, 'data');
  return stream;
};

/** What the client does meanwhile. */
const CLIENTS: Readonly<Record<string, (stream: Duplex) => void>> = {
  reads: (stream) => void stream.resume(),
  ends: (stream) => void stream.resume().end(),
  destroys: (stream) => void setImmediate(() => stream.destroy()),
  sends: (stream) => void stream.resume().write(PENDING),
};

let done = 0;
for (let round = 0; round < ROUNDS; round++) {
  for (const [ending] of Object.entries(ENDINGS)) {
    for (const act of Object.values(CLIENTS)) {
      for (const open of [direct, proxied]) {
        const stream = await open();
        stream.on('error', () => {});
        stream.write(`<${ending}>`);
        act(stream);
        // Some never end by themselves: they are cut off in the middle of it, a few turns later.
        for (let turns = 0; turns < 20 && !stream.destroyed; turns++) await new Promise((next) => setImmediate(next));
        if ((done & 3) !== 3) stream.destroy();
        done++;
      }
    }
  }
}
// The last ones are open while everything closes.
for (const ending of Object.keys(ENDINGS)) {
  const stream = await proxied();
  stream.on('error', () => {});
  stream.write(`<${ending}>`);
}
await client.close();
await sim.close();
server.close();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ done, closedAt: user + system }));
process.once('exit', () => {
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ after: user + system }));
});
