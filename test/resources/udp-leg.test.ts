import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import type { HostAddresses } from '../../src/network/index.ts';
import { type DatagramWayEvents, type Network, systemNetwork } from '../../src/network/index.ts';
import { MAX_WAITING_DATAGRAMS, UPSTREAM_ADDRESS_MS } from '../../src/resources/constants.ts';
import { UdpLeg } from '../../src/resources/udp-leg.ts';

/** A server that says which of its addresses got what. */
async function server(t: Test, address = '127.0.0.1', port = 0): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message, from) => socket.send(`${address} got ${message}`, from.port, from.address));
  socket.bind(port, address);
  await once(socket, 'listening');
  let open = true;
  socket.once('close', () => {
    open = false;
  });
  t.teardown(() => open && socket.close());
  return { socket, port: socket.address().port };
}

/** A leg, and what became of it so far: `next` waits for as many events. */
function setup(t: Test, port: number, found: () => HostAddresses | Promise<HostAddresses>, network?: Network) {
  const clock = new ManualClock();
  const events: string[] = [];
  const ages: number[] = [];
  let sockets = 0;
  let told = (): void => {};
  const tell = (text: string): void => {
    events.push(text);
    told();
  };
  const leg = new UdpLeg({
    host: 'api',
    port,
    clock,
    network,
    resolve: async (maxAge) => {
      ages.push(maxAge);
      return found();
    },
    onOpen: () => ++sockets > 0,
    onClose: () => void sockets--,
    onMessage: (payload) => tell(String(payload)),
    onFailure: (explanation) => tell(`failed: ${explanation}`),
  });
  t.teardown(() => {
    leg.close();
    if (sockets !== 0) throw new Error(`${sockets} sockets were left open`);
  });
  const next = (count: number): Promise<string[]> =>
    new Promise((resolve) => {
      told = () => events.length >= count && resolve(events);
      told();
    });
  return { clock, leg, events, ages, next, sockets: () => sockets };
}

const send = (leg: UdpLeg, text: string): void => leg.send(Buffer.from(text));

t.test('datagrams wait for the name, go out in order, and answers come back', async (t) => {
  const { port } = await server(t);
  const { leg, next, ages } = setup(t, port, () => ({ addresses: ['127.0.0.1'] }));
  for (const text of ['one', 'two', 'three']) send(leg, text);
  t.strictSame(
    await next(3),
    ['one', 'two', 'three'].map((text) => `127.0.0.1 got ${text}`),
  );
  send(leg, 'four');
  t.match((await next(4)).at(-1), /four/);
  t.strictSame(ages, [UPSTREAM_ADDRESS_MS]);
});

t.test('an address that refuses is passed over, and what it did not answer goes to the next one', async (t) => {
  const { port } = await server(t, '127.0.0.3');
  const { leg, next, sockets } = setup(t, port, () => ({ addresses: ['::1', '127.0.0.2', '127.0.0.3'] }));
  send(leg, 'one');
  send(leg, 'two');
  t.strictSame(await next(2), ['127.0.0.3 got one', '127.0.0.3 got two']);
  send(leg, 'three');
  t.match((await next(3)).at(-1), '127.0.0.3 got three');
  t.equal(sockets(), 1);
});

t.test('where nothing listens is told in words, and tried again with the next datagram', async (t) => {
  const first = await server(t);
  const { port } = first;
  first.socket.close();
  await once(first.socket, 'close');
  const { leg, next, events } = setup(t, port, () => ({ addresses: ['127.0.0.1'] }));
  send(leg, 'lost');
  t.match(await next(1), [/failed: api port \d+ cannot be reached at 127\.0\.0\.1: .*ECONNREFUSED/]);
  await server(t, '127.0.0.1', port);
  send(leg, 'again');
  t.match((await next(2)).at(-1), '127.0.0.1 got again');
  t.notMatch(events.join(), /got lost/);
});

t.test('a name that is not known is told, and asked for again with the next datagram', async (t) => {
  const { port } = await server(t);
  let found: HostAddresses = { failure: 'api is not known' };
  const { leg, next } = setup(t, port, () => found);
  send(leg, 'lost');
  t.strictSame(await next(1), ['failed: api is not known']);
  found = { addresses: ['127.0.0.1'] };
  send(leg, 'found');
  t.strictSame(await next(2), ['failed: api is not known', '127.0.0.1 got found']);
});

t.test(
  'a name is resolved anew from time to time: a host that has moved is found, one that is not known for a while keeps its place',
  async (t) => {
    const { port } = await server(t, '127.0.0.1');
    await server(t, '127.0.0.2', port);
    let found: HostAddresses = { addresses: ['127.0.0.1'] };
    const { clock, leg, next, ages } = setup(t, port, () => found);
    send(leg, 'a');
    await next(1);
    clock.advance(UPSTREAM_ADDRESS_MS - 1);
    send(leg, 'b');
    await next(2);
    t.equal(ages.length, 1);
    clock.advance(1);
    found = { failure: 'api is not known' };
    send(leg, 'c');
    t.match((await next(3)).at(-1), '127.0.0.1 got c');
    clock.advance(UPSTREAM_ADDRESS_MS);
    found = { addresses: ['127.0.0.2'] };
    send(leg, 'd');
    t.match((await next(4)).at(-1), '127.0.0.2 got d', 'what led to the question goes there too');
    send(leg, 'e');
    t.match((await next(5)).at(-1), '127.0.0.2 got e');
    t.equal(ages.length, 3);
  },
);

t.test('only a few datagrams wait for a name that takes its time', async (t) => {
  const { port } = await server(t);
  const late = Promise.withResolvers<HostAddresses>();
  const { leg, next } = setup(t, port, () => late.promise);
  for (let i = 0; i < 100; i++) send(leg, String(i));
  late.resolve({ addresses: ['127.0.0.1'] });
  await next(MAX_WAITING_DATAGRAMS);
  send(leg, 'last');
  const got = await next(MAX_WAITING_DATAGRAMS + 1);
  t.equal(got.length, MAX_WAITING_DATAGRAMS + 1);
  t.equal(got.at(-1), '127.0.0.1 got last');
});

t.test('what comes from anybody else is not taken in', async (t) => {
  const { socket, port } = await server(t);
  const stranger = await server(t);
  const { leg, next } = setup(t, port, () => ({ addresses: ['127.0.0.1'] }));
  const asked = once(socket, 'message');
  send(leg, 'one');
  const [, from] = await asked;
  await next(1);
  await new Promise<void>((resolve) => stranger.socket.send('evil', from.port, from.address, () => resolve()));
  send(leg, 'two');
  t.strictSame(await next(2), ['127.0.0.1 got one', '127.0.0.1 got two']);
});

t.test('a leg that was suspended goes on with the next datagram; one that is closed does not', async (t) => {
  const { port } = await server(t);
  const { leg, next, sockets, events } = setup(t, port, () => ({ addresses: ['127.0.0.1'] }));
  send(leg, 'one');
  await next(1);
  leg.suspend();
  leg.suspend();
  t.equal(sockets(), 0);
  send(leg, 'two');
  await next(2);
  leg.close();
  leg.close();
  send(leg, 'three');
  await new Promise(setImmediate);
  t.equal(events.length, 2);
  t.equal(sockets(), 0);
});

t.test('a way that could not be opened is left, whatever the reason; one that lost a datagram is kept', async (t) => {
  const { port } = await server(t, '127.0.0.3');
  const error = (code: string) => Object.assign(new Error(code), { code });
  let inUse: DatagramWayEvents | undefined;
  const network: Network = {
    ...systemNetwork,
    connectDatagrams(target, events) {
      if (target.host === '127.0.0.3') {
        inUse = events;
        return systemNetwork.connectDatagrams(target, events);
      }
      // As the system does when it has no port left.
      queueMicrotask(() => events.onError(error('EAGAIN')));
      return { send: () => t.fail('it is not open'), close: () => {} };
    },
  };
  const { leg, next, sockets } = setup(t, port, () => ({ addresses: ['127.0.0.2', '127.0.0.3'] }), network);
  send(leg, 'one');
  t.strictSame(await next(1), ['127.0.0.3 got one']);
  inUse?.onError(error('EAGAIN'));
  t.equal(sockets(), 1);
  send(leg, 'two');
  t.strictSame(await next(2), ['127.0.0.3 got one', '127.0.0.3 got two']);
});

t.test('a datagram that is too long is lost, and the way stays', async (t) => {
  const { port } = await server(t);
  const { leg, next, events } = setup(t, port, () => ({ addresses: ['127.0.0.1'] }));
  send(leg, 'one');
  await next(1);
  leg.send(Buffer.alloc(65_508));
  send(leg, 'two');
  t.strictSame(await next(2), ['127.0.0.1 got one', '127.0.0.1 got two']);
  t.notMatch(events.join(), /failed/);
});

t.test('what an address answered is over: the next one gets only what that one leaves unanswered', async (t) => {
  const sent: string[] = [];
  const ways = new Map<string, DatagramWayEvents>();
  const network: Network = {
    ...systemNetwork,
    connectDatagrams({ host }, events) {
      ways.set(host, events);
      queueMicrotask(() => events.onOpen());
      return { send: (payload) => void sent.push(`${host} ${String(payload)}`), close: () => {} };
    },
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const refused = Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const { leg, next } = setup(t, 53, () => ({ addresses: ['192.0.2.1', '192.0.2.2', '192.0.2.3'] }), network);
  send(leg, 'one');
  await turn();
  ways.get('192.0.2.1')!.onDatagram(Buffer.from('answer'));
  t.strictSame(await next(1), ['answer']);
  send(leg, 'two');
  ways.get('192.0.2.1')!.onError(refused);
  await turn();
  t.strictSame(sent, ['192.0.2.1 one', '192.0.2.1 two'], 'no datagram comes twice where answers came before');
  send(leg, 'three');
  ways.get('192.0.2.2')!.onError(refused);
  await turn();
  t.strictSame(sent.slice(2), ['192.0.2.2 three', '192.0.2.3 three'], 'the second address answered nothing yet');
});
