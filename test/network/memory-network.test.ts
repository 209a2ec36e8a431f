import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { type Line, type LineOptions, MemoryNetwork } from '../../src/network/index.ts';
import type { DatagramSocket } from '../../src/udp/index.ts';

const PORT = 443;

interface Lab {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly line: Line;
  /** Fires every timer up to this time, with turns of the event loop between them. */
  run(until?: number): Promise<void>;
}

function lab(options: Partial<LineOptions> = {}, seed = 1): Lab {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: seededRandom(seed) });
  const line = network.line({ address: '198.51.100.1', ...options });
  const run = async (until = Infinity): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    while (clock.next < Infinity && clock.next <= until) {
      clock.fire();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (until < Infinity) clock.moveTo(until);
  };
  return { clock, network, line, run };
}

async function serve(t: Test, { network }: Lab, onConnection: (socket: Socket) => void): Promise<void> {
  const server = network.listener(createServer({ allowHalfOpen: true }, onConnection));
  await new Promise<void>((resolve) => server.listen({ port: PORT, host: '127.0.0.1' }, resolve));
  t.strictSame(server.address(), { address: '127.0.0.1', port: PORT, family: 'IPv4' });
  t.teardown(() => server.close());
}

async function listen({ network }: Lab, onDatagram: (bytes: Buffer, key: string) => void): Promise<DatagramSocket> {
  return network.openDatagrams({
    host: '127.0.0.1',
    port: PORT,
    receiver: {
      onDatagram: (buffer, offset, length, from) =>
        onDatagram(Buffer.from(buffer.subarray(offset, offset + length)), from.key),
      onBatchEnd: () => {},
    },
  });
}

interface Way {
  send(bytes: Buffer): void;
}

/** A client's port for datagrams. */
async function open({ line }: Lab, onDatagram: (bytes: Buffer) => void): Promise<Way> {
  const socket = await line.openDatagrams({
    host: '0.0.0.0',
    port: 0,
    receiver: {
      onDatagram: (buffer, offset, length) => onDatagram(Buffer.from(buffer.subarray(offset, offset + length))),
      onBatchEnd: () => {},
    },
  });
  const to = socket.endpoint('127.0.0.1', PORT);
  return { send: (bytes) => void socket.send(bytes, 0, bytes.length, to) };
}

t.test('a connection takes its round trips, and each side ends by itself', async (t) => {
  const here = lab({ link: { delay: 20 } });
  const { clock, line, run } = here;
  const seen: string[] = [];
  const note = (text: string): void => void seen.push(`${clock.monotonic()} ${text}`);
  await serve(t, here, (socket) => {
    note(`accepted ${socket.remoteAddress}`);
    socket.on('data', (bytes) => note(`server got ${bytes}`));
    socket.on('end', () => {
      note('server saw the end');
      socket.end('goodbye');
    });
  });
  const client = line.connect({ host: 'gateway', port: PORT });
  client.on('connect', () => {
    note('connected');
    client.end('hello');
  });
  client.on('data', (bytes) => note(`client got ${bytes}`));
  client.on('end', () => note('client saw the end'));
  client.on('close', () => note('closed'));
  await run();
  t.strictSame(seen, [
    '20 accepted 198.51.100.1',
    '40 connected',
    '60 server got hello',
    '60 server saw the end',
    '80 client got goodbye',
    '80 client saw the end',
    '80 closed',
  ]);
});

t.test('a port where nobody listens refuses, and a reset is told', async (t) => {
  const here = lab();
  await serve(t, here, (socket) => socket.resetAndDestroy());
  const codes: (string | undefined)[] = [];
  for (const port of [PORT + 1, PORT]) {
    const client = here.line.connect({ host: 'gateway', port });
    client.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code));
    client.resume();
  }
  await here.run();
  t.strictSame(codes, ['ECONNREFUSED', 'ECONNRESET']);
});

t.test('bytes arrive whole and in order over a bad link, and wait while there is no way', async (t) => {
  const here = lab({ link: { delay: 5, jitter: 40, loss: 0.3 } });
  let got = '';
  await serve(t, here, (socket) => socket.on('data', (bytes) => (got += bytes)));
  const client = here.line.connect({ host: 'gateway', port: PORT });
  const sent = Array.from({ length: 300 }, (_, i) => `${i};`);
  for (const part of sent.slice(0, 200)) {
    client.write(part);
    await here.run(here.clock.monotonic() + 1);
  }
  await here.run();
  t.equal(got, sent.slice(0, 200).join(''));
  here.line.link.passTcp(false);
  for (const part of sent.slice(200)) {
    client.write(part);
    await here.run(here.clock.monotonic() + 1);
  }
  await here.run();
  t.equal(got, sent.slice(0, 200).join(''), 'nothing more came');
  here.line.link.passTcp(true);
  await here.run();
  t.equal(got, sent.join(''));
});

t.test('who writes more than a window waits until it is read', async (t) => {
  const here = lab();
  let server: Socket | undefined;
  await serve(t, here, (socket) => {
    server = socket;
    socket.pause();
  });
  const client = here.line.connect({ host: 'gateway', port: PORT });
  const part = Buffer.alloc(100_000, 'x');
  for (let i = 0; i < 20; i++) client.write(part);
  await here.run();
  const left = client.writableLength;
  t.ok(left > 1_000_000, `${left} bytes wait`);
  let got = 0;
  server!.on('data', (bytes) => (got += bytes.length));
  server!.resume();
  await here.run();
  t.equal(got, 2_000_000);
  t.equal(client.writableLength, 0);
});

t.test('a rate is kept in both directions, and a queue that is too long loses', async (t) => {
  const here = lab({ link: { delay: 0, up: 10_000 } });
  const times: number[] = [];
  const socket = await listen(here, () => times.push(here.clock.monotonic()));
  const way = await open(here, () => {});
  for (let i = 0; i < 40; i++) way.send(Buffer.alloc(500));
  await here.run();
  // 50 ms for each, and no more than a second of them waits.
  t.strictSame(times.slice(0, 3), [50, 100, 150]);
  t.equal(times.length, 21);
  t.strictSame(here.line.link.stats, { sent: 40, lost: 19 });
  await socket.close();
});

t.test('datagrams go both ways until they are cut, and again after that', async (t) => {
  const here = lab({ link: { delay: 3 } });
  const got: string[] = [];
  const socket = await listen(here, (bytes, key) => {
    const [address, port] = key.split(':');
    socket.send(bytes, 0, bytes.length, socket.endpoint(address!, Number(port)));
  });
  const way = await open(here, (bytes) => got.push(`${here.clock.monotonic()} ${bytes}`));
  const send = async (text: string): Promise<void> => {
    way.send(Buffer.from(text));
    await here.run();
  };
  await send('one');
  here.line.link.passUdp(false);
  await send('two');
  here.line.link.passUdp(true);
  await send('three');
  t.strictSame(got, ['6 one', '12 three']);
  t.equal(here.line.link.stats.lost, 1);
  await t.rejects(
    listen(here, () => {}),
    { code: 'EADDRINUSE' },
  );
  await socket.close();
  await send('four');
  t.equal(got.length, 2, 'nobody is there');
  const again = await listen(here, () => {});
  await again.close();
});

t.test('an easy NAT keeps a port for five minutes, a hard one for half a minute', async (t) => {
  for (const [nat, quiet, same] of [
    ['easy', 299_000, true],
    ['easy', 301_000, false],
    ['hard', 29_000, true],
    ['hard', 31_000, false],
  ] as const) {
    const here = lab({ nat });
    const keys: string[] = [];
    const socket = await listen(here, (_, key) => keys.push(key));
    let answers = 0;
    const way = await open(here, () => answers++);
    way.send(Buffer.from('a'));
    await here.run(quiet);
    const [address, port] = keys[0]!.split(':');
    if (same) socket.send(Buffer.from('b'), 0, 1, socket.endpoint(address!, Number(port)));
    else {
      socket.send(Buffer.from('b'), 0, 1, socket.endpoint(address!, Number(port)));
      await here.run();
      t.equal(answers, 0, `${nat}: the old port leads nowhere after ${quiet} ms`);
    }
    way.send(Buffer.from('c'));
    await here.run();
    t.equal(keys[0] === keys[1], same, `${nat} after ${quiet} ms`);
    if (same) t.equal(answers, 1);
    await socket.close();
  }
});

t.test('only a hard NAT has a port for each destination, and lets nobody else in', async (t) => {
  for (const [nat, ports, answered] of [
    ['easy', 1, 1],
    ['hard', 2, 0],
  ] as const) {
    const here = lab({ nat });
    const from = new Set<number>();
    for (const remote of [1, 2]) from.add(here.line.nat.outbound(7, remote));
    t.equal(from.size, ports);
    const [first] = from;
    t.equal(here.line.nat.inbound(first!, 3) === undefined ? 0 : 1, answered, 'from a third one');
    t.equal(here.line.nat.inbound(first!, 1), 7);
  }
});

t.test('rebinding gives another port, and roaming another address and broken connections', async (t) => {
  const here = lab({ nat: 'easy' });
  const keys: string[] = [];
  const socket = await listen(here, (_, key) => keys.push(key));
  const closed: string[] = [];
  await serve(t, here, (accepted) => {
    accepted.on('close', () => closed.push('server'));
    accepted.resume();
  });
  const client = here.line.connect({ host: 'gateway', port: PORT });
  client.on('error', (error: NodeJS.ErrnoException) => closed.push(error.code ?? ''));
  const way = await open(here, () => {});
  const send = async (): Promise<void> => {
    way.send(Buffer.from('a'));
    await here.run();
  };
  await send();
  here.line.rebind();
  await send();
  here.line.roam('203.0.113.9');
  await send();
  t.equal(new Set(keys).size, 3);
  t.match(keys[1], /^198\.51\.100\.1:/);
  t.match(keys[2], /^203\.0\.113\.9:/);
  t.strictSame(closed, ['ENETDOWN'], 'the other side hears nothing');
  await socket.close();
});

t.test('a way for datagrams to one far end hears that end alone, and of a port that nobody has', async (t) => {
  const here = lab({ link: { delay: 20 } });
  const { clock, line, network, run } = here;
  const seen: string[] = [];
  const note = (text: string): void => void seen.push(`${clock.monotonic()} ${text}`);
  const ways = (port: number) =>
    line.connectDatagrams(
      { host: '192.0.2.1', port },
      {
        onOpen: () => note('open'),
        onDatagram: (payload) => note(String(payload)),
        onError: ({ code }) => note(`${code}`),
      },
    );
  const server = await listen(here, (bytes, key) => {
    note(`server got ${bytes.length} from ${key}`);
    const [address, port] = key.split(':');
    const to = { address: address!, port: Number(port) };
    void server.send(bytes, 0, bytes.length, server.endpoint(to.address, to.port));
    void stranger.send(Buffer.from('evil'), 0, 4, stranger.endpoint(to.address, to.port));
  });
  const stranger = await network.openDatagrams({
    host: '127.0.0.1',
    port: 0,
    receiver: { onDatagram: () => {}, onBatchEnd: () => {} },
  });
  const way = ways(PORT);
  t.strictSame(seen, [], 'nothing is told before it is returned');
  await run();
  way.send(Buffer.from('hello'));
  await run();
  t.strictSame(seen.splice(0), ['0 open', '20 server got 5 from 198.51.100.1:40000', '40 hello']);
  way.send(Buffer.alloc(65_508));
  t.strictSame(seen.splice(0), ['40 EMSGSIZE']);
  way.send(Buffer.from('late'));
  way.close();
  await run();
  t.strictSame(seen.splice(0), ['60 server got 4 from 198.51.100.1:40000'], 'who is closed hears nothing');

  const nowhere = ways(PORT + 1);
  await run();
  nowhere.send(Buffer.from('hello'));
  await run();
  t.strictSame(seen.splice(0), ['80 open', '120 ECONNREFUSED']);
  nowhere.send(Buffer.from('hello'));
  nowhere.close();
  await run();
  ways(PORT).close();
  await run();
  t.strictSame(seen, [], 'nor of a refusal');
  await server.close();
  await stranger.close();
});

t.test('a datagram socket that is not connected hears nothing of ports that nobody has', async (t) => {
  const here = lab();
  const seen: Buffer[] = [];
  const way = await open(here, (bytes) => void seen.push(bytes));
  way.send(Buffer.from('hello'));
  await here.run();
  t.strictSame(here.line.link.stats, { sent: 1, lost: 0 });
  t.strictSame(seen, []);
});

t.test('the same seed brings the same fate, and another line changes nothing', async (t) => {
  const fate = async (seed: number, others: number): Promise<string> => {
    const here = lab({ link: { loss: 0.2, jitter: 30 } }, seed);
    for (let i = 0; i < others; i++) here.network.line({ address: `203.0.113.${i}`, link: { loss: 0.5 } });
    const seen: string[] = [];
    const socket = await listen(here, (bytes) => seen.push(`${here.clock.monotonic()} ${bytes}`));
    const way = await open(here, () => {});
    for (let i = 0; i < 50; i++) way.send(Buffer.from(`${i}`));
    await here.run();
    await socket.close();
    return seen.join('\n');
  };
  const first = await fate(3, 0);
  t.equal(await fate(3, 0), first);
  t.equal(await fate(3, 2), first);
  t.not(await fate(4, 0), first);
});

t.test('a link that makes no sense is told', async (t) => {
  const { network } = lab();
  for (const link of ['5g', { loss: 1 }, { delay: -1 }, { up: 0 }, { jitter: Number.NaN }]) {
    t.throws(() => network.line({ address: '203.0.113.1', link: link as never }), { code: 'ERR_NETWORK_LINK' });
  }
});
