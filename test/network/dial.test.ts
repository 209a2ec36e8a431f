import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { type Clock, ManualClock, systemClock } from '../../src/lib/clock.ts';
import { ATTEMPT_DELAY_MS, alternating, type Dialled, dial, MAX_ATTEMPTS } from '../../src/network/dial.ts';
import { type HostAddresses, systemNetwork, type TcpTarget } from '../../src/network/index.ts';

const TIMEOUT = 10_000;

/** A server on some of the loopback addresses, which on Linux are 127.0.0.1 to 127.255.255.254. */
async function listen(t: Test, host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`from ${socket.localAddress}`);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

/** What all dials of these tests have in common. */
const common = { host: 'api', clock: systemClock, network: systemNetwork, timeout: TIMEOUT };

const dialled = (port: number, found: HostAddresses, clock: Clock = systemClock): Promise<Dialled> =>
  new Promise((resolve) => dial({ ...common, port, resolve: async () => found, clock }, resolve));

t.test('of several addresses the first that accepts is used', async (t) => {
  const { port } = await listen(t, '127.0.0.3');
  const outcome = await dialled(port, { addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'] });
  t.ok('socket' in outcome);
  if (!('socket' in outcome)) return;
  const [greeting] = await once(outcome.socket, 'data');
  t.equal(String(greeting), 'from 127.0.0.3');
  outcome.socket.destroy();
});

t.test('IPv6 that leads nowhere does not keep from IPv4', async (t) => {
  const { port } = await listen(t);
  const outcome = await dialled(port, { addresses: ['::1', '127.0.0.1'] });
  t.ok('socket' in outcome, JSON.stringify(outcome));
  if ('socket' in outcome) outcome.socket.destroy();
});

t.test('a dial that fails says why, and whether it was refused', async (t) => {
  const { server, port } = await listen(t);
  server.close();
  await once(server, 'close');
  t.match(await dialled(port, { addresses: ['127.0.0.1', '127.0.0.2'] }), {
    failure: `api: connect ECONNREFUSED 127.0.0.1:${port}; api: connect ECONNREFUSED 127.0.0.2:${port}`,
    kind: 'refused',
    cause: { code: 'ECONNREFUSED', errors: [{ address: '127.0.0.1' }, { address: '127.0.0.2' }] },
  });
  t.match(await dialled(port, { addresses: ['127.0.0.1'] }), { kind: 'refused', cause: { address: '127.0.0.1' } });
  t.strictSame(await dialled(port, { failure: 'api is not known' }), {
    failure: 'api is not known',
    kind: 'unreachable',
  });
  t.strictSame(await dialled(port, { addresses: [] }), { failure: 'api has no address', kind: 'unreachable' });
  const cause = new Error('the resolver is asleep');
  const rejected = new Promise((resolve) => dial({ ...common, port, resolve: () => Promise.reject(cause) }, resolve));
  t.strictSame(await rejected, { failure: 'the resolver is asleep', kind: 'unreachable', cause });
  // A local address that no socket of this machine can have: the attempt throws, and is a failed one like others.
  const from = new Promise((resolve) =>
    dial({ ...common, port, from: 'nowhere', resolve: async () => ({ addresses: ['127.0.0.1'] }) }, resolve),
  );
  t.match(await from, { kind: 'unreachable', cause: { code: 'ERR_INVALID_IP_ADDRESS' } });
});

t.test('a connection that closes before it is open is a failed attempt, not an endless one', async (t) => {
  const network = {
    ...systemNetwork,
    connect: () => {
      const socket = new Socket();
      setImmediate(() => socket.destroy());
      return socket;
    },
  };
  const outcome = await new Promise<Dialled>((resolve) =>
    dial({ ...common, port: 80, network, resolve: async () => ({ addresses: ['127.0.0.1'] }) }, resolve),
  );
  t.match(outcome, { failure: 'api: the connection was closed', kind: 'unreachable' });
});

t.test('an address is not given up because the process stood still while it answered', async (t) => {
  const { port } = await listen(t, '127.0.0.2');
  const { server, port: closed } = await listen(t);
  server.close();
  await once(server, 'close');
  const tried: string[] = [];
  const network = {
    ...systemNetwork,
    connect: ({ host }: TcpTarget) => {
      tried.push(host);
      return systemNetwork.connect({ host, port: host === '127.0.0.2' ? port : closed });
    },
  };
  const outcome = new Promise<Dialled>((resolve) =>
    dial({ ...common, port, network, resolve: async () => ({ addresses: ['127.0.0.2', '127.0.0.1'] }) }, resolve),
  );
  // The first address is being tried now. The answer comes while nobody listens.
  await Promise.resolve();
  await Promise.resolve();
  t.same(tried, ['127.0.0.2']);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  const won = await outcome;
  t.ok('socket' in won, JSON.stringify(won));
  if (!('socket' in won)) return;
  t.equal(won.socket.remoteAddress, '127.0.0.2');
  won.socket.destroy();
});

t.test('a connection can be half-closed, and reset', async (t) => {
  const ended = Promise.withResolvers<void>();
  const reset = Promise.withResolvers<unknown>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', reset.resolve).end('that is all');
    socket.once('data', () => ended.resolve());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const outcome = await dialled(port, { addresses: ['127.0.0.1'] });
  t.ok('socket' in outcome);
  if (!('socket' in outcome)) return;
  const { socket } = outcome;
  socket.resume();
  await once(socket, 'end');
  socket.write('and yet');
  await ended.promise;
  socket.resetAndDestroy();
  t.match(await reset.promise, { code: 'ECONNRESET' });
});

t.test('an address that does not answer has the next one tried beside it, and gives up in time', async (t) => {
  const { port } = await listen(t);
  const clock = new ManualClock();
  // TEST-NET-2 (RFC 5737): where nothing answers, or the system says at once that it does not know the way.
  const silent = '198.51.100.1';
  const outcome = dialled(port, { addresses: [silent, '127.0.0.1'] }, clock);
  await new Promise(setImmediate);
  clock.advance(ATTEMPT_DELAY_MS);
  const won = await outcome;
  t.ok('socket' in won, JSON.stringify(won));
  if ('socket' in won) won.socket.destroy();
  t.equal(clock.pending, 0);
});

t.test('a connection that has come about lives on, however long the dial might have taken', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const clock = new ManualClock();
  const outcomes: Dialled[] = [];
  const { promise, resolve } = Promise.withResolvers<Dialled>();
  dial({ ...common, port, resolve: async () => ({ addresses: ['127.0.0.1', '127.0.0.2'] }), clock }, (outcome) => {
    outcomes.push(outcome);
    resolve(outcome);
  });
  const won = await promise;
  t.ok('socket' in won, JSON.stringify(won));
  if (!('socket' in won)) return;
  t.teardown(() => won.socket.destroy());
  clock.advance(10 * TIMEOUT);
  won.socket.write('still here');
  t.equal(String((await once(won.socket, 'data'))[0]), 'still here');
  t.equal(outcomes.length, 1, 'told once');
});

t.test('what is not resolved in time fails, and nothing is dialled when it is in the end', async (t) => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<HostAddresses>();
  const outcome = new Promise<Dialled>((resolve) =>
    dial({ ...common, port: 80, resolve: () => late.promise, clock }, resolve),
  );
  clock.advance(TIMEOUT);
  t.strictSame(await outcome, { failure: 'api port 80 did not answer within 10 s', kind: 'timeout' });
  late.resolve({ addresses: ['127.0.0.1'] });
  await new Promise(setImmediate);
  t.equal(clock.pending, 0);
});

t.test('a dial that is given up calls nobody', async (t) => {
  const { server, port } = await listen(t);
  let called = false;
  const giveUp = dial({ ...common, port, resolve: async () => ({ addresses: ['127.0.0.1'] }) }, () => {
    called = true;
  });
  await Promise.resolve();
  giveUp();
  server.close();
  await once(server, 'close');
  t.notOk(called);
});

t.test('no more than a few addresses of one name are tried', async (t) => {
  const { server, port } = await listen(t);
  server.close();
  await once(server, 'close');
  const outcome = await dialled(port, { addresses: Array.from({ length: 100 }, (_, i) => `127.0.1.${i}`) });
  t.equal('failure' in outcome && outcome.failure.split(';').length, MAX_ATTEMPTS);
});

t.test('families take turns, each in its order, beginning with the one that came first', async () => {
  const address = fc.oneof(
    fc.nat(9).map((n) => `10.0.0.${n}`),
    fc.nat(9).map((n) => `fd00::${n}`),
  );
  fc.assert(
    fc.property(fc.uniqueArray(address, { maxLength: 12 }), (addresses) => {
      const mixed = alternating(addresses);
      const of = (list: string[], ipv6: boolean) => list.filter((one) => one.includes(':') === ipv6);
      const inOrder = [true, false].every((ipv6) => String(of(mixed, ipv6)) === String(of(addresses, ipv6)));
      const pairs = Math.min(of(addresses, true).length, of(addresses, false).length);
      const turns = mixed.slice(1, 2 * pairs).every((one, i) => one.includes(':') !== mixed[i]!.includes(':'));
      return inOrder && turns && mixed[0] === addresses[0] && mixed.length === addresses.length;
    }),
  );
});
