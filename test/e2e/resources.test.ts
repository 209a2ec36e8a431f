import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { connect, start } from '../support/running-simulator.ts';

/* Upstreams that come and go while the simulator runs, from in process and over REST. */

t.setTimeout(120_000);

/** A server that answers each line with its own name. */
async function server(t: Test, name: string): Promise<number> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(`${name}: ${data}`));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return (listener.address() as { port: number }).port;
}

const NAME = 'orders.contoso.internal';
type Client = Awaited<ReturnType<typeof connect>>['client'];

async function ask(client: Client, host: string, port: number, text = 'hello') {
  const stream = await client.openTcp(host, port);
  stream.write(text);
  const [data] = (await once(stream, 'data')) as [Buffer];
  return { stream, text: data.toString() };
}

for (const remote of [false, true]) {
  t.test(`an upstream is added, reached, removed and refused, ${remote ? 'over REST' : 'in process'}`, async (t) => {
    const sim = await start(t);
    const { resources } = remote ? await connectSimulator(sim.urls.admin, { secret: sim.admin.secret }) : sim;
    const one = await connect(t, sim);
    const other = await connect(t, sim, 'bob@contoso.com');
    const port = await server(t, 'mine');
    const second = await server(t, 'second');
    await t.rejects(one.client.openTcp(NAME, 80), 'there is no such name yet');

    const added = await resources.add({ match: NAME, ports: [80], to: { host: '127.0.0.1', port } });
    t.match(added, { id: 'u1', addresses: ['10.20.240.1'], source: 'added', hits: 0, warnings: [] });
    const { id: second2 } = await resources.add({ match: '198.51.100.7', to: { host: '127.0.0.1', port: second } });
    const open = await ask(one.client, NAME, 80);
    t.equal(open.text, 'mine: hello');
    const beside = await ask(other.client, '198.51.100.7', 80);
    t.equal(beside.text, 'second: hello');
    t.match((await resources.list()).upstreams, [
      { id: second2, match: '198.51.100.7', hits: 1 },
      { id: 'u1', match: NAME, ports: [80], to: { host: '127.0.0.1', port }, hits: 1 },
    ]);

    const broken = once(open.stream, 'error');
    t.strictSame(await resources.remove('u1'), { ended: 1 });
    t.match(await broken, [{ code: 'ERR_NETSTACK_RESET' }]);
    await t.rejects(
      one.client.openTcp('10.20.240.1', 80),
      { message: /refused the connection/ },
      'who has the address is told by RST',
    );
    sim.journal.expect({ name: 'resource.request', fields: { decision: 'deny', rule: 'removed-upstream' } }, 1);
    await t.rejects(one.client.openTcp(NAME, 80), 'the name is gone');
    beside.stream.write('again');
    t.match(await once(beside.stream, 'data'), [Buffer.from('second: again')], 'others go on');
    t.match(
      await Promise.resolve()
        .then(() => resources.remove('u1'))
        .catch((error) => error),
      { code: 'ERR_RESOURCE_UNKNOWN' },
    );
    sim.journal.expect({ name: 'resource.upstream.added', fields: { match: NAME, target: `127.0.0.1:${port}` } }, 1);
    sim.journal.expect({ name: 'resource.upstream.removed', fields: { upstream: 'u1', ended: 1 } }, 1);

    await sim.reset();
    t.strictSame((await resources.list()).upstreams, []);
  });
}

t.test(
  'a rule that is added goes before those of the configuration, whose own may be removed until a reset',
  async (t) => {
    const [mine, other] = [await server(t, 'mine'), await server(t, 'other')];
    const sim = await start(t, {
      resources: { upstreams: [{ match: NAME, ports: [80], to: { host: '127.0.0.1', port: other } }] },
    });
    const { client } = await connect(t, sim);
    t.equal((await ask(client, NAME, 80)).text, 'other: hello');
    sim.resources.add({ match: NAME, to: { host: '127.0.0.1', port: mine } });
    t.equal((await ask(client, NAME, 80)).text, 'mine: hello');
    t.equal((await ask(client, NAME, 81)).text, 'mine: hello');
    sim.resources.remove('u1');
    sim.resources.remove('u2');
    await t.rejects(client.openTcp('10.20.240.1', 80), { message: /refused the connection/ });
    await sim.reset();
    t.match(sim.resources.list().upstreams, [
      { id: 'u1', source: 'configuration', hits: 0, addresses: ['10.20.240.1'] },
    ]);
    const again = await connect(t, sim);
    t.equal((await ask(again.client, NAME, 80)).text, 'other: hello');
  },
);

t.test('a mapping of UDP ends with its upstream, and its client may come back when there is another', async (t) => {
  const echo = createSocket('udp4', (message, from) => echo.send(`echo of ${message}`, from.port, from.address));
  echo.bind(0, '127.0.0.1');
  await once(echo, 'listening');
  t.teardown(() => echo.close());
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const upstream = { match: NAME, ports: [7], to: { host: '127.0.0.1', port: echo.address().port } };
  const { id, addresses } = sim.resources.add(upstream);
  const say = async (text: string) => (await client.exchangeUdp(addresses[0]!, 7, Buffer.from(text))).toString();
  t.equal(await say('one'), 'echo of one');
  t.match(sim.resources.remove(id), { ended: 1 });
  sim.journal.expect({ name: 'resource.end', fields: { reason: 'The upstream was removed.' } }, 1);
  sim.resources.add(upstream);
  t.equal(await say('two'), 'echo of two');
});

t.test('a rule that cannot be, or that clients could not use, is refused or warned of in words', async (t) => {
  const sim = await start(t, {
    gateway: { routesInclude: ['10.20.0.0/24'] },
    resources: { names: { ipv6Network: null } },
  });
  const add = (input: object) => () => sim.resources.add(input as Parameters<typeof sim.resources.add>[0]);
  for (const [input, message] of [
    [{}, /"match" is missing/],
    [{ match: 'a b' }, /match/],
    [{ match: '192.0.2.1', ports: [0] }, /ports\[0\]/],
    [{ match: '192.0.2.1', to: { host: 'http://x' } }, /to\.host/],
    [{ match: '192.0.2.1', too: 1 }, /Did you mean .*to/],
    [{ match: NAME }, /resources\.names\.network: 10\.20\.240\.0\/20.* is not in gateway\.routesInclude/],
  ] as const) {
    t.throws(add(input), { code: 'ERR_RESOURCE_RULE', message });
  }
  t.strictSame(sim.resources.list().upstreams, []);
  const other = await start(t);
  t.match(other.resources.add({ match: 'shop.example.com' }).warnings, [/outside gateway\.splitDns/]);
  for (let i = 1; i < 1000; i++) other.resources.add({ match: `192.0.2.${i % 256}` });
  t.throws(() => other.resources.add({ match: '192.0.2.1' }), { code: 'ERR_RESOURCE_RULE', message: /1000 upstreams/ });
});
