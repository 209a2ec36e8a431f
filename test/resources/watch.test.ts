import { once } from 'node:events';
import t from 'tap';
import type { ConnectionWatch } from '../../src/lib/connection-watch.ts';
import { PairedStream } from '../../src/lib/stream-pair.ts';
import type { TcpStream } from '../../src/network/index.ts';
import { watchBetween } from '../../src/resources/watch.ts';

/** A client's flow and an upstream's socket that are joined, with a watch between. */
function joined(watch: ConnectionWatch) {
  const [client, flow] = PairedStream.pair();
  const [server, socket] = PairedStream.pair();
  watchBetween(flow, socket as unknown as TcpStream, watch);
  for (const stream of [flow, socket]) stream.on('error', () => {});
  flow.pipe(socket);
  socket.pipe(flow);
  return { client, server };
}

const text = async (stream: PairedStream): Promise<string> => String(((await once(stream, 'data')) as [Buffer])[0]);

t.test('a watch sees what passes until it has seen enough', async (t) => {
  const seen: string[] = [];
  let over = false;
  const { client, server } = joined({
    get over() {
      return over;
    },
    fromClient: (bytes) => seen.push(`> ${bytes}`),
    fromServer(bytes) {
      seen.push(`< ${bytes}`);
      over = String(bytes) === 'enough';
    },
    serverEnded: () => seen.push('$'),
    close: () => seen.push('!'),
  });
  for (const [from, to, word] of [
    [client, server, 'one'],
    [server, client, 'two'],
    [server, client, 'enough'],
    [server, client, 'three'],
    [client, server, 'four'],
  ] as const) {
    from.write(word);
    t.equal(await text(to), word);
  }
  t.strictSame(seen, ['> one', '< two', '< enough', '!']);
  for (const stream of [client, server]) stream.on('error', () => {}).destroy();
});

t.test('the end of a side, and that of the connection, are told once', async (t) => {
  const seen: string[] = [];
  const { client, server } = joined({
    over: false,
    fromClient: () => {},
    fromServer: (bytes) => seen.push(`< ${bytes}`),
    serverEnded: () => seen.push('$'),
    close: () => seen.push('!'),
  });
  client.resume();
  server.resume();
  const over = Promise.all([once(client, 'close'), once(server, 'close')]);
  client.on('end', () => client.end());
  server.end('bye');
  await over;
  t.strictSame(seen, ['< bye', '$', '!']);
});

t.test('a watch that throws is asked no more, and the bytes go their way', async (t) => {
  let asked = 0;
  const fail = (): never => {
    asked++;
    throw new Error('a defect');
  };
  const { client, server } = joined({
    over: false,
    fromClient: fail,
    fromServer: fail,
    serverEnded: fail,
    close: fail,
  });
  for (const word of ['one', 'two']) {
    client.write(word);
    t.equal(await text(server), word);
    server.write(word);
    t.equal(await text(client), word);
  }
  t.equal(asked, 2, 'once, and to be closed');
  for (const stream of [client, server]) stream.on('error', () => {}).destroy();
});
