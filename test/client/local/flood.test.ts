import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect as dial, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { startHttpProxy, startSocksProxy } from '../../../src/client/index.ts';
import type { LocalProxy, ProxiedClient } from '../../../src/client/local/types.ts';
import { ManualClock } from '../../../src/lib/clock.ts';

/* Ten thousand connections at a proxy: no more than there is room for, all others closed and told, and those that were there go on. */

t.setTimeout(120_000);

const MOST = 1024;
const FLOOD = 10_000;
const WAVE = 500;

/** A tunnel in which everything is an echo. */
const echoes: ProxiedClient = {
  connect: async () => new PassThrough(),
  openUdp: () => Promise.reject(new Error('no datagrams here')),
  httpAgent: () => new Agent(),
};

const SOCKS = Buffer.of(5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 1, 0, 7);
const CONNECT = 'CONNECT 10.0.0.1:7 HTTP/1.1\r\nHost: 10.0.0.1:7\r\n\r\n';

/** A connection through the proxy. */
async function through(proxy: LocalProxy, request: Buffer | string, answered: RegExp): Promise<Socket> {
  const socket = dial(proxy.port, '127.0.0.1');
  socket.write(request);
  let answer = '';
  while (!answered.test(answer)) answer += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1');
  return socket;
}

async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return String((await once(socket, 'data'))[0]);
}

async function flood(t: Test, proxy: LocalProxy, request: Buffer | string, answered: RegExp, told: number[]) {
  const old = await through(proxy, request, answered);
  t.equal(await echoed(old, 'before'), 'before');
  const held: Socket[] = [];
  let closed = 0;
  for (let begun = 0; begun < FLOOD; begun += WAVE) {
    // Each is either let in or closed before the next ones come: so the machine needs no 10,000 descriptors, and the proxy has all of them.
    let over = 0;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < WAVE; i++) {
        const socket = dial(proxy.port, '127.0.0.1');
        const expected = begun + i < MOST - 1;
        const done = (): void => void (++over === WAVE && resolve());
        if (expected) {
          held.push(socket);
          socket.once('connect', done);
        }
        socket.on('error', () => {});
        socket.once('close', () => {
          closed++;
          if (!expected) done();
        });
      }
    });
    t.ok(proxy.connections <= MOST);
    t.equal(await echoed(old, `wave ${begun}`), `wave ${begun}`);
  }
  t.equal(closed, FLOOD - (MOST - 1));
  t.equal(proxy.connections, MOST);
  t.equal(told[0], 1, 'at once');
  return { old, held };
}

t.test('SOCKS: ten thousand connections that say nothing', async (t) => {
  const clock = new ManualClock();
  const told: number[] = [];
  await using proxy = await startSocksProxy(echoes, { port: 0, clock, onFull: (closed) => told.push(closed) });
  const { old, held } = await flood(t, proxy, SOCKS, /^\x05\0\x05\0/, told);
  t.equal(told.length, 1, 'and not each by itself');
  clock.advance(1_000);
  t.equal(told.length, 2);
  t.equal(told[0]! + told[1]!, FLOOD - (MOST - 1), 'in the end all of them');
  const gone = Promise.all(held.map((socket) => once(socket, 'close')));
  clock.advance(9_000);
  await gone;
  while (proxy.connections > 1) await new Promise((resolve) => setImmediate(resolve));
  const next = await through(proxy, SOCKS, /^\x05\0\x05\0/);
  t.equal(await echoed(next, 'after'), 'after', 'there is room again');
  t.equal(await echoed(old, 'after'), 'after');
  t.equal(told.length, 2);
  next.destroy();
  old.destroy();
});

t.test('HTTP: ten thousand connections that say nothing', async (t) => {
  const clock = new ManualClock();
  const told: number[] = [];
  await using proxy = await startHttpProxy(echoes, { port: 0, clock, onFull: (closed) => told.push(closed) });
  const { old, held } = await flood(t, proxy, CONNECT, /^HTTP\/1\.1 200 /, told);
  clock.advance(1_000);
  t.equal(
    told.reduce((sum, each) => sum + each, 0),
    FLOOD - (MOST - 1),
  );
  for (const socket of held) socket.destroy();
  while (proxy.connections > 1) await new Promise((resolve) => setImmediate(resolve));
  const next = await through(proxy, CONNECT, /^HTTP\/1\.1 200 /);
  t.equal(await echoed(next, 'after'), 'after', 'there is room again');
  t.equal(await echoed(old, 'after'), 'after');
  next.destroy();
  old.destroy();
});
