import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { ManualClock, systemClock } from '../../src/lib/clock.ts';
import { ATTEMPT_DELAY_MS, DIAL_TIMEOUT_MS, MAX_ATTEMPTS } from '../../src/resources/constants.ts';
import { alternating, type Dialled, dial } from '../../src/resources/dial.ts';
import type { HostAddresses } from '../../src/resources/host-lookup.ts';

/** A server on some of the loopback addresses, which on Linux are 127.0.0.1 to 127.255.255.254. */
async function listen(t: Test, host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`from ${socket.localAddress}`);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { server, port: (server.address() as { port: number }).port };
}

const dialled = (port: number, found: HostAddresses, clock = systemClock): Promise<Dialled> =>
  new Promise((resolve) => dial({ host: 'api', port, resolve: async () => found, clock }, resolve));

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
  t.strictSame(await dialled(port, { addresses: ['127.0.0.1', '127.0.0.2'] }), {
    failure: `api: connect ECONNREFUSED 127.0.0.1:${port}; api: connect ECONNREFUSED 127.0.0.2:${port}`,
    kind: 'refused',
  });
  t.strictSame(await dialled(port, { failure: 'api is not known' }), {
    failure: 'api is not known',
    kind: 'unreachable',
  });
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
  const { port } = server.address() as { port: number };
  const clock = new ManualClock();
  const outcomes: Dialled[] = [];
  const { promise, resolve } = Promise.withResolvers<Dialled>();
  dial({ host: 'api', port, resolve: async () => ({ addresses: ['127.0.0.1', '127.0.0.2'] }), clock }, (outcome) => {
    outcomes.push(outcome);
    resolve(outcome);
  });
  const won = await promise;
  t.ok('socket' in won, JSON.stringify(won));
  if (!('socket' in won)) return;
  t.teardown(() => won.socket.destroy());
  clock.advance(10 * DIAL_TIMEOUT_MS);
  won.socket.write('still here');
  t.equal(String((await once(won.socket, 'data'))[0]), 'still here');
  t.equal(outcomes.length, 1, 'told once');
});

t.test('what is not resolved in time fails, and nothing is dialled when it is in the end', async (t) => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<HostAddresses>();
  const outcome = new Promise<Dialled>((resolve) =>
    dial({ host: 'api', port: 80, resolve: () => late.promise, clock }, resolve),
  );
  clock.advance(DIAL_TIMEOUT_MS);
  t.strictSame(await outcome, { failure: 'api port 80 did not answer within 10 s', kind: 'timeout' });
  late.resolve({ addresses: ['127.0.0.1'] });
  await new Promise(setImmediate);
  t.equal(clock.pending, 0);
});

t.test('a dial that is given up calls nobody', async (t) => {
  const { server, port } = await listen(t);
  let called = false;
  const giveUp = dial(
    { host: 'api', port, resolve: async () => ({ addresses: ['127.0.0.1'] }), clock: systemClock },
    () => {
      called = true;
    },
  );
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
