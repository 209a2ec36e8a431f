import type { LookupOptions } from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { resourceTrust } from '../../../src/client/resource-trust.ts';
import { tunnelFetch } from '../../../src/client/traffic/fetch.ts';
import { lookupThrough } from '../../../src/client/traffic/lookup.ts';
import { socketLike } from '../../../src/client/traffic/socket-like.ts';
import { TunnelUdpSocket } from '../../../src/client/traffic/udp-socket.ts';
import { ManualClock, systemClock } from '../../../src/lib/clock.ts';
import type { Netstack, OpenedUdpFlow } from '../../../src/netstack/index.ts';

/* Parts of the traffic of a program, each by itself. */

t.test('the time limit of a socket is the last one that was set', async (t) => {
  const clock = new ManualClock();
  const socket = socketLike(new PassThrough(), clock);
  let timeouts = 0;
  socket.on('timeout', () => timeouts++);
  socket.setTimeout(100);
  socket.setTimeout(1000);
  clock.advance(999);
  t.equal(timeouts, 0);
  clock.advance(1);
  t.equal(timeouts, 1);
  socket.setTimeout(100);
  socket.setTimeout(0);
  t.equal(clock.pending, 0);
  clock.advance(10_000);
  t.equal(timeouts, 1, 'none');
  for (const none of [-1, Number.NaN, Number.POSITIVE_INFINITY]) socket.setTimeout(none);
  t.equal(clock.pending, 0);
  socket.setTimeout(100);
  clock.advance(60);
  socket.write('x');
  clock.advance(60);
  t.equal(timeouts, 1, 'it is of the last use');
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
  t.equal(clock.pending, 0);
});

t.test('a look-up gives addresses of the family that is asked for, however that is written', async (t) => {
  const lookup = lookupThrough(async () => ['10.0.0.1', 'fd00::1']);
  const ask = (options: LookupOptions | number) =>
    new Promise((resolve) => lookup('both.test', options, (_error, address) => resolve(address)));
  t.equal(await ask(6), 'fd00::1');
  t.equal(await ask(4), '10.0.0.1');
  t.equal(await ask(0), '10.0.0.1');
  t.equal(await ask({}), '10.0.0.1');
  t.equal(await ask({ family: 6 }), 'fd00::1');
  t.equal(await ask({ family: 'IPv6' }), 'fd00::1');
  t.equal(await ask({ order: 'ipv6first' }), 'fd00::1');
  t.match(await ask({ all: true }), [{ family: 4 }, { family: 6 }]);
});

t.test('an answer is taken up to 64 MiB, or as far as the caller wants', async (t) => {
  const MEBIBYTE = Buffer.alloc(1024 * 1024);
  const server = createServer((request, response) => {
    let left = Number(request.url!.slice(1));
    const more = (): void => {
      while (left-- > 0) if (!response.write(MEBIBYTE)) return void response.once('drain', more);
      response.end();
    };
    more();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const open = async () => connect(port, '127.0.0.1');
  const get = (mebibytes: number, maxBytes?: number) =>
    tunnelFetch(
      { open, trust: resourceTrust(), clock: systemClock },
      new URL(`http://127.0.0.1:${port}/${mebibytes}`),
      maxBytes === undefined ? {} : { maxBytes },
    );
  t.equal((await get(2)).body.length, 2 * MEBIBYTE.length);
  await t.rejects(get(2, MEBIBYTE.length), { code: 'ERR_CLIENT_FETCH', message: /longer than 1048576 bytes/ });
  await t.rejects(get(65), { code: 'ERR_CLIENT_FETCH', message: /longer than 67108864 bytes/ });
});

t.test('a socket for datagrams ends with the block that it was opened in', async (t) => {
  let closes = 0;
  const flow = { close: () => closes++ } as unknown as OpenedUdpFlow;
  const stack = { openUdp: () => flow, flush: () => {} } as unknown as Netstack;
  {
    await using socket = new TunnelUdpSocket(stack, { localAddress: '', remoteAddress: '', remotePort: 7 });
    t.equal(socket.closed, false);
  }
  t.equal(closes, 1);
});
