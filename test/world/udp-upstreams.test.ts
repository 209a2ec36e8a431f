import t from 'tap';
import { createWorld, type World, type WorldClient } from '../../src/world/index.ts';

// Upstreams by UDP are in the world's network, and their time is virtual.

t.setTimeout(120_000);

const PORT = 5683;

const worldOf = (seed = 1): Promise<World> =>
  createWorld({
    seed,
    link: { delay: 40 },
    config: { resources: { upstreams: [{ match: '192.0.2.0/24', to: { host: '192.0.2.200' } }] } },
  });

/** Answers after some virtual time, and knows whom it heard from. */
async function serve(world: World, port: number, after: number, from: Set<string> = new Set()) {
  const socket = await world.network.openDatagrams({
    host: '127.0.0.1',
    port,
    receiver: {
      onDatagram: (buffer, offset, length, peer) => {
        from.add(peer.key);
        const answer = Buffer.from(`${port} got ${buffer.subarray(offset, offset + length)}`);
        world.after(after, () => void socket.send(answer, 0, answer.length, peer));
      },
      onBatchEnd: () => {},
    },
  });
  return socket;
}

const textOf = async (world: World, client: WorldClient, address: string, port: number, payload: string) => {
  const { payload: answer, failure, milliseconds } = await world.until(client.ask(address, port, payload));
  return { text: failure ?? String(answer), milliseconds };
};

t.test('a datagram reaches an upstream of the world, and its time is virtual', async (t) => {
  await using world = await worldOf();
  const [client] = world.clients;
  const from = new Set<string>();
  await serve(world, PORT, 700, from);
  await world.run('10s');
  const answer = await textOf(world, client!, '192.0.2.1', PORT, 'one');
  t.equal(answer.text, `${PORT} got one`);
  t.equal(answer.milliseconds, 2 * 40 + 700);
  t.equal((await textOf(world, client!, '192.0.2.2', PORT, 'two')).text, `${PORT} got two`);
  t.equal(from.size, 2, 'each mapping by a port of its own');
});

t.test('a port that nobody has is refused, and asked again once somebody has it', async (t) => {
  await using world = await worldOf();
  const [client] = world.clients;
  await world.run('10s');
  t.equal((await textOf(world, client!, '192.0.2.1', PORT, 'lost')).text, 'timeout');
  t.match(
    JSON.stringify(world.journal.query({ name: 'resource.unreachable' })),
    /192\.0\.2\.200 port 5683 cannot be reached at 192\.0\.2\.200: .*ECONNREFUSED/,
  );
  await serve(world, PORT, 0);
  t.equal((await textOf(world, client!, '192.0.2.1', PORT, 'again')).text, `${PORT} got again`);
});

t.test('without a tunnel there is no answer', async (t) => {
  await using world = await createWorld({ connect: false });
  t.match(await world.clients[0]!.ask('192.0.2.1', PORT, 'one'), { payload: undefined, failure: 'no tunnel' });
});

t.test('the same seed brings the same transcript', async (t) => {
  const story = async (seed: number): Promise<string> => {
    await using world = await worldOf(seed);
    const [client] = world.clients;
    client!.line.link.set({ jitter: 30, loss: 0.1 });
    await serve(world, PORT, 15);
    await world.run('10s');
    for (let i = 0; i < 20; i++) await textOf(world, client!, `192.0.2.${i}`, PORT + (i % 2), `message ${i}`);
    return world.transcript();
  };
  const first = await story(7);
  t.match(first, /answered in/);
  t.match(first, /timeout/);
  t.equal(await story(7), first);
  t.not(await story(8), first);
});

t.test('a rule makes UDP to a resource slow, mock service and upstream alike', async (t) => {
  await using world = await worldOf();
  const [client] = world.clients;
  await serve(world, PORT, 0);
  await world.run('10s');
  const ask = (address: string, port: number) => world.until(client!.ask(address, port, 'x'.repeat(100)));
  for (const [address, port, answerBytes] of [
    ['10.20.0.22', 7, 100],
    ['192.0.2.1', PORT, '5683 got '.length + 100],
  ] as const) {
    const usual = await ask(address, port);
    t.equal(usual.milliseconds, 80);
    const late = world.sim.faults.add({
      on: { seam: 'decision', kind: 'resource', port },
      then: { do: 'delay', ms: 700 },
    });
    const { milliseconds, payload } = await ask(address, port);
    t.equal(milliseconds, 780);
    t.equal(payload?.length, answerBytes);
    t.equal(late.hits(), 1);
    late.remove();
    const slow = world.sim.faults.add({
      on: { seam: 'decision', kind: 'resource', port },
      then: { do: 'rate', kbps: 8, ms: 20 },
    });
    const thin = await ask(address, port);
    t.equal(thin.milliseconds, 80 + 100 + answerBytes + 2 * 20, 'a byte takes a millisecond');
    t.equal(slow.hits(), 1);
    slow.remove();
  }
});
