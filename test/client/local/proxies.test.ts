import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { startHttpProxy, startSocksProxy, TunnelClient } from '../../../src/client/index.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { skipUnless } from '../../support/interop.ts';
import { start } from '../../support/running-simulator.ts';

/* The proxies that other programs of the machine use, with stock curl, and with programs that mean no good. */

t.setTimeout(120_000);

const run = promisify(execFile);
const skip = skipUnless({ programs: ['curl'] });

/** All that a connection sends until it ends. */
async function heard(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => {});
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return Buffer.concat(chunks);
}

t.test('programs reach the tunnel by SOCKS and HTTP', async (t) => {
  const sim = await start(t);
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  const refused: string[] = [];
  const note = {
    onRefused: ({ host }: { host: string }, error: unknown) =>
      refused.push(`${host} ${(error as { code: string }).code}`),
  };
  const socks = await startSocksProxy(client, { port: 0, ...note });
  const proxy = await startHttpProxy(client, { port: 0, ...note });
  t.teardown(() => Promise.all([socks.close(), proxy.close()]));
  t.equal(socks.host, '127.0.0.1');
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, sim.ca);
  const curl = async (...args: string[]) =>
    (await run('curl', ['-sS', '--max-time', '30', '--cacert', ca, ...args])).stdout;
  const ways = [
    ['SOCKS', ['--socks5-hostname', `127.0.0.1:${socks.port}`]],
    ['HTTP', ['--proxy', `http://127.0.0.1:${proxy.port}`]],
  ] as const;

  for (const [name, way] of ways) {
    await t.test(`curl fetches, uploads and is refused by ${name}`, { skip }, async (t) => {
      t.match(await curl(...way, 'http://intranet.contoso.internal/whoami'), /alice@contoso\.com/);
      t.match(await curl(...way, 'https://intranet.contoso.internal/whoami'), /alice@contoso\.com/, 'TLS end to end');
      t.match(await curl(...way, 'http://intranet/whoami'), /alice@contoso\.com/, 'a short name');
      t.equal((await curl(...way, 'http://intranet.contoso.internal/bytes/300000')).length > 0, true);
      t.match(await curl(...way, '-d', 'a=b', 'http://api.contoso.internal/echo'), /a=b/);
      refused.length = 0;
      for (const url of ['http://nothing.contoso.internal/', 'http://refused.contoso.internal/', 'http://192.0.2.1/']) {
        await t.rejects(curl(...way, '--fail', url), url);
      }
      t.strictSame(refused, [
        'nothing.contoso.internal ERR_CLIENT_DNS',
        'refused.contoso.internal ERR_CLIENT_OPEN',
        '192.0.2.1 ERR_CLIENT_OUTSIDE',
      ]);
    });
  }

  await t.test('SOCKS says in its own codes why something is refused', async (t) => {
    const ask = async (bytes: Buffer): Promise<Buffer> => {
      const socket = dial(socks.port, '127.0.0.1');
      socket.write(Buffer.concat([Buffer.of(5, 1, 0), bytes]));
      return heard(socket);
    };
    const name = (host: string, port: number, command = 1) =>
      Buffer.concat([
        Buffer.of(5, command, 0, 3, Buffer.byteLength(host)),
        Buffer.from(host),
        Buffer.of(port >> 8, port & 255),
      ]);
    const cases: [string, Buffer, number][] = [
      ['a name that is none', name('nothing.contoso.internal', 80), 4],
      ['a name with NUL', name('a\0b', 80), 4],
      ['a name in Unicode', name('büro💥.contoso.internal', 80), 4],
      ['an empty name', name('', 80), 4],
      ['a port that refuses', name('refused.contoso.internal', 80), 5],
      ['an address outside', Buffer.of(5, 1, 0, 1, 192, 0, 2, 1, 0, 80), 2],
      [
        'IPv6 that the tunnel has not',
        Buffer.concat([Buffer.of(5, 1, 0, 4), Buffer.alloc(16, 1), Buffer.of(0, 80)]),
        2,
      ],
      ['BIND', name('intranet', 80, 2), 7],
      ['an unknown command', name('intranet', 80, 9), 7],
      ['an unknown kind of address', Buffer.of(5, 1, 0, 9, 1, 2, 3, 4, 0, 80), 8],
    ];
    for (const [what, bytes, reply] of cases) {
      const answer = await ask(bytes);
      t.strictSame([...answer.subarray(0, 4)], [5, 0, 5, reply], what);
    }
  });

  await t.test('a server that changes the protocol unasked is told of', async (t) => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'));
    });
    const { id } = sim.resources.add({ match: 'odd.contoso.internal', ports: [80] }, server);
    const socket = dial(proxy.port, '127.0.0.1');
    socket.write('GET http://odd.contoso.internal/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    t.match((await heard(socket)).toString(), /^HTTP\/1\.1 502 [\s\S]*another protocol without being asked/);
    sim.resources.remove(id);
  });

  await t.test('programs that mean no good are ended, and harm nobody', async (t) => {
    const send = async (port: number, bytes: string | Buffer): Promise<Buffer> => {
      const socket = dial(port, '127.0.0.1');
      socket.end(bytes);
      return heard(socket);
    };
    t.equal((await send(socks.port, 'GET / HTTP/1.1\r\n\r\n')).length, 0, 'HTTP to the SOCKS port');
    t.equal((await send(socks.port, Buffer.of(4, 1, 0, 80, 1, 2, 3, 4, 0))).length, 0, 'SOCKS4');
    t.strictSame([...(await send(socks.port, Buffer.of(5, 1, 2)))], [5, 255], 'a password is not asked for');
    t.strictSame([...(await send(socks.port, Buffer.of(5, 0)))], [5, 255]);
    t.strictSame([...(await send(socks.port, Buffer.of(5, 1, 0, 6, 6)))], [5, 0], 'garbage in place of a request');
    t.equal((await send(socks.port, '')).length, 0);
    for (const line of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n',
      '\0\0\0\r\n\r\n',
      'CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n',
      'CONNECT a:99999 HTTP/1.1\r\nHost: x\r\n\r\n',
      'CONNECT [::1 HTTP/1.1\r\nHost: x\r\n\r\n',
    ]) {
      t.match((await send(proxy.port, line)).toString(), /^HTTP\/1\.1 400 /, JSON.stringify(line.slice(0, 30)));
    }
    t.match(
      (await send(proxy.port, `GET http://x/ HTTP/1.1\r\n${'A: b\r\n'.repeat(20_000)}\r\n`)).toString(),
      /^(HTTP\/1\.1 4|$)/,
    );
    t.match(
      (await send(proxy.port, 'CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toString(),
      /^HTTP\/1\.1 403 Forbidden[\s\S]*ERR_CLIENT_OUTSIDE/,
    );
    const stream = dial(socks.port, '127.0.0.1');
    stream.write(Buffer.concat([Buffer.of(5, 1, 0, 5, 1, 0, 1, 10, 20, 0, 20, 0, 7)]));
    await once(stream, 'data');
    stream.resetAndDestroy();
    t.equal((await client.fetch('http://intranet.contoso.internal/whoami')).status, 200);
  });

  await t.test(
    'what a program sends together with its request arrives, even if that is all that it sends',
    async (t) => {
      const established = 'HTTP/1.1 200 Connection established\r\n\r\n';
      const host = 'tools.contoso.internal';
      const socksRequest = Buffer.concat([
        Buffer.of(5, 1, 0, 5, 1, 0, 3, host.length),
        Buffer.from(host),
        Buffer.of(0, 7),
      ]);
      for (const [port, request, answer] of [
        [proxy.port, Buffer.from(`CONNECT ${host}:7 HTTP/1.1\r\nHost: ${host}:7\r\n\r\n`), Buffer.from(established)],
        [socks.port, socksRequest, Buffer.of(5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0)],
      ] as const) {
        const socket = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
        socket.end(Buffer.concat([request, Buffer.from('hello')]));
        t.equal((await heard(socket)).toString('latin1'), `${answer.toString('latin1')}hello`);
      }
    },
  );

  await t.test('what is no HTTP is answered once, and who goes on with it is cut off', async (t) => {
    const socket = dial({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.write('no request at all\r\n\r\n');
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 400 /);
    socket.resume();
    await once(socket, 'end');
    socket.write('nor is this one\r\n\r\n');
    while (proxy.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    t.equal(proxy.connections, 0);
    socket.destroy();
  });

  await t.test('a CONNECT that is refused ends its connection, whatever came with it', async (t) => {
    for (const target of ['nowhere', 'nothing.contoso.internal:80']) {
      const socket = dial(proxy.port, '127.0.0.1');
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\nhello`);
      t.match((await heard(socket)).toString(), /^HTTP\/1\.1 (400|502) /, target);
    }
    while (proxy.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    t.equal(proxy.connections, 0);
  });

  await t.test('datagrams go through an association, which ends with its connection', async (t) => {
    const control = dial(socks.port, '127.0.0.1');
    control.write(Buffer.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
    let answer = Buffer.alloc(0);
    while (answer.length < 12) answer = Buffer.concat([answer, ((await once(control, 'data')) as [Buffer])[0]]);
    t.strictSame([...answer.subarray(0, 10)], [5, 0, 5, 0, 0, 1, 127, 0, 0, 1]);
    const port = answer.readUInt16BE(10);
    const udp = createSocket('udp4');
    t.teardown(() => udp.close());
    const host = 'udpecho.contoso.internal';
    const head = Buffer.concat([Buffer.of(0, 0, 0, 3, host.length), Buffer.from(host), Buffer.of(0, 7)]);
    const echoed = async (text: string): Promise<Buffer> => {
      const message = once(udp, 'message');
      udp.send(Buffer.concat([head, Buffer.from(text)]), port, '127.0.0.1');
      return ((await message) as [Buffer])[0];
    };
    for (const junk of ['', 'x', '\0\0\0', '\0\0\x01\x01abcd\0\x07', '\0\0\0\x09', '\0\0\0\x03\xff'])
      udp.send(Buffer.from(junk, 'latin1'), port, '127.0.0.1');
    const message = await echoed('hello');
    t.strictSame([...message.subarray(0, 10)], [0, 0, 0, 1, 10, 20, 0, 22, 0, 7]);
    t.equal(message.subarray(10).toString(), 'hello');
    t.equal((await echoed('again')).subarray(10).toString(), 'again');
    const other = createSocket('udp4');
    t.teardown(() => other.close());
    other.on('message', () => t.fail('another program gets no answer'));
    other.send(Buffer.concat([head, Buffer.from('stolen')]), port, '127.0.0.1');
    t.equal((await echoed('last')).subarray(10).toString(), 'last');
    for (let i = 1; i <= 80; i++)
      udp.send(Buffer.concat([Buffer.of(0, 0, 0, 1, 10, 20, 0, 22, 0, i), Buffer.from('x')]), port, '127.0.0.1');
    t.equal((await echoed('after many peers')).subarray(10).toString(), 'after many peers');
    const closed = once(control, 'close');
    control.end();
    await closed;
  });

  await t.test('more connections than there is room for are closed, and the next is served', async (t) => {
    const small = await startSocksProxy(client, { port: 0, maxConnections: 8 });
    t.teardown(() => small.close());
    const held: Socket[] = [];
    const ends: Promise<unknown>[] = [];
    for (let i = 0; i < 500; i++) {
      const socket = dial(small.port, '127.0.0.1');
      socket.on('error', () => {});
      ends.push(once(socket, 'close').catch(() => undefined));
      held.push(socket);
    }
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const end of ends) void end.then(() => ++closed === 492 && resolve());
    });
    t.equal(small.connections, 8);
    for (const socket of held) socket.destroy();
    await Promise.all(ends);
    while (small.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    const socket = dial(small.port, '127.0.0.1');
    socket.write(Buffer.of(5, 1, 0));
    t.match(await once(socket, 'data'), [Buffer.of(5, 0)]);
    socket.destroy();
  });

  await t.test('who says nothing, or not all, is let go in time', async (t) => {
    const clock = new ManualClock();
    const patient = await startSocksProxy(client, { port: 0, clock });
    t.teardown(() => patient.close());
    const sockets = ['', '\x05', '\x05\x01\x00', '\x05\x01\x00\x05\x01\x00\x03\xffabc'].map((bytes) => {
      const socket = dial(patient.port, '127.0.0.1');
      socket.write(Buffer.from(bytes, 'latin1'));
      return socket;
    });
    while (patient.connections < 4) await new Promise((resolve) => setImmediate(resolve));
    const ends = Promise.all(sockets.map(heard));
    clock.advance(10_000);
    await ends;
    t.equal(patient.connections, 0);
  });

  await t.test('a port that is taken is an error with a code', async (t) => {
    await t.rejects(startSocksProxy(client, { port: socks.port }), {
      code: 'ERR_CLIENT_LISTEN',
      message: /EADDRINUSE/,
    });
    await t.rejects(startHttpProxy(client, { port: 0, host: '192.0.2.1' }), { code: 'ERR_CLIENT_LISTEN' });
  });

  await t.test('what goes by the proxies ends with the tunnel, and they say so', async (t) => {
    const stream = dial(socks.port, '127.0.0.1');
    stream.write(Buffer.of(5, 1, 0, 5, 1, 0, 1, 10, 20, 0, 20, 0, 7));
    await once(stream, 'data');
    const end = heard(stream);
    await client.close();
    await end;
    const late = dial(socks.port, '127.0.0.1');
    late.write(Buffer.of(5, 1, 0, 5, 1, 0, 1, 10, 20, 0, 20, 0, 7));
    t.strictSame([...(await heard(late)).subarray(0, 4)], [5, 0, 5, 3]);
  });
});
