import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import t from 'tap';
import type { TunnelClient } from '../../src/client/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { isTunneliteError, type TunneliteError } from '../../src/lib/errors.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { CSTP_HEADER_BYTES, CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { ANSWERS, innerNetwork, requestsOf, scriptedGateway, welcome } from '../support/scripted-gateway.ts';

/* A gateway that means harm, or is broken. The client ends with an error that says so, at a cost of what was sent, or goes on. */

/** Sends the same bytes for as long as the client takes them, at most 8 MB; how many were sent. */
async function flood(socket: TLSSocket, bytes: Buffer): Promise<number> {
  let sent = 0;
  while (!socket.destroyed && sent < 8_000_000) {
    sent += bytes.length;
    if (socket.write(bytes)) continue;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }
  return sent;
}

t.test('an answer without end is given up, however it goes on', async (t) => {
  const many = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(16_384 / text.length)));
  const head = 'HTTP/1.1 200 OK\r\n';
  const cases: [string, string, Buffer, number][] = [
    ['headers', head, many('X-Header: value\r\n'), 200_000],
    ['a header', `${head}X-Header: `, many('x'), 200_000],
    ['folded lines', `${head}X-Header: a\r\n`, many(' b\r\n'), 200_000],
    ['interim answers', '', many('HTTP/1.1 100 Continue\r\n\r\n'), 100_000],
    ['empty lines', '', many('\r\n'), 100_000],
    ['a status line', 'HTTP/1.1 200 ', many('O'), 100_000],
    ['a body', `${head}\r\n`, many('<html>'), 1_200_000],
    ['chunks', `${head}Transfer-Encoding: chunked\r\n\r\n`, many('1\r\nx\r\n'), 7_000_000],
    ['chunk extensions', `${head}Transfer-Encoding: chunked\r\n\r\n`, many('1;aaaaaaaaaaaaaaaa\r\nx\r\n'), 100_000],
    ['a trailer', `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n`, many('a: b\r\n'), 100_000],
  ];
  for (const [name, beginning, more, most] of cases) {
    const sent = Promise.withResolvers<number>();
    await using gateway = await scriptedGateway(async (socket) => {
      await requestsOf(socket).next();
      socket.write(beginning);
      sent.resolve(await flood(socket, more));
    });
    await t.rejects(gateway.connect(), { code: 'ERR_CLIENT_PROTOCOL' }, name);
    // What lies in the buffers of both sockets was sent, too.
    const bytes = await sent.promise;
    t.ok(bytes < most + 6_000_000, `${name}: ${bytes} bytes`);
  }
});

t.test('an answer of one byte in each record is understood', async (t) => {
  await using gateway = await scriptedGateway(async (socket) => {
    const requests = requestsOf(socket);
    for (const answer of [ANSWERS.challenge, ANSWERS.complete, ANSWERS.connected()]) {
      await requests.next();
      for (const byte of Buffer.from(answer)) {
        if (!socket.write(Buffer.of(byte))) await once(socket, 'drain');
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  });
  await using client = await gateway.connect();
  t.equal(client.configuration.address4, '10.0.0.2');
});

t.test('an answer that nobody asked for is none', async (t) => {
  await using gateway = await scriptedGateway(async (socket) => {
    await requestsOf(socket).next();
    socket.write(ANSWERS.challenge + ANSWERS.complete);
  });
  await t.rejects(gateway.connect(), { code: 'ERR_CLIENT_PROTOCOL', message: /more than one answer/ });
});

t.test('what the gateway gives out is taken only as far as it makes sense', async (t) => {
  await using gateway = await scriptedGateway((socket) =>
    welcome(socket, {
      'X-CSTP-Address-IP6': 'FD00:0:0::0002/999',
      'X-CSTP-DNS': 'not an address',
      'X-CSTP-DNS-IP6': 'FD00::0:1',
      'X-CSTP-DPD': '99999999999999',
      'X-DTLS-Port': '70000',
    }),
  );
  await using client = await gateway.connect();
  t.match(client.configuration, {
    address6: 'fd00::2',
    prefix6: 128,
    dnsServers: ['fd00::1'],
    dpd: 0,
    dtls: undefined,
  });
});

/** A client whose tunnel is open, the gateway's end of it, and how it ends. */
async function opened(headers: Record<string, string> = {}) {
  const open = Promise.withResolvers<TLSSocket>();
  const ended = Promise.withResolvers<TunneliteError>();
  const clock = new ManualClock();
  const gateway = await scriptedGateway(
    async (socket) => {
      await welcome(socket, headers);
      open.resolve(socket);
    },
    { allowHalfOpen: true },
  );
  const client: TunnelClient = await gateway.connect({ clock, onDisconnect: ended.resolve });
  return {
    clock,
    client,
    socket: await open.promise,
    ended: ended.promise,
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await client.close();
    },
  };
}

t.test('bytes that are no CSTP end the tunnel', async (t) => {
  const good = serializeCstp(CstpType.Keepalive);
  const cases: [string, Buffer][] = [
    ['magic', Buffer.from('HTTP/1.1 200 OK\r\n\r\n')],
    ['version', Buffer.from('5354460200000700', 'hex')],
    ['reserved', Buffer.from('5354460100000701', 'hex')],
    ['length', Buffer.from('53544601ffff0000', 'hex')],
    ['version', Buffer.concat([good, good.subarray(0, 3), good])],
  ];
  for (const [fault, bytes] of cases) {
    await using one = await opened();
    one.socket.write(bytes);
    t.match(await one.ended, {
      code: 'ERR_CLIENT_PROTOCOL',
      message: `The gateway sent bytes that are not CSTP (${fault}).`,
    });
    t.notOk(one.client.connected);
    await t.rejects(one.client.openTcp('10.0.0.1', 80), { code: 'ERR_CLIENT_PROTOCOL' });
  }
  await using one = await opened();
  one.socket.write(serializeCstp(CstpType.Compressed, Buffer.alloc(20)));
  t.match(await one.ended, { code: 'ERR_CLIENT_PROTOCOL', message: /compressed/ });
});

t.test('packets of one byte in each record are understood, and half a packet is no end', async (t) => {
  await using one = await opened();
  const answered = once(one.socket, 'data');
  for (const byte of serializeCstp(CstpType.DpdRequest, Buffer.from('alive?'))) {
    one.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = (await answered) as [Buffer];
  t.equal(answer[6], CstpType.DpdResponse);
  t.equal(answer.toString('latin1', CSTP_HEADER_BYTES), 'alive?');
  one.socket.write(serializeCstp(CstpType.Data, Buffer.alloc(100)).subarray(0, 50));
  one.socket.end();
  t.match(await one.ended, { code: 'ERR_CLIENT_DISCONNECTED' });
});

t.test('a gateway that ends its side only ends the tunnel', async (t) => {
  await using one = await opened();
  one.socket.end();
  t.match(await one.ended, { code: 'ERR_CLIENT_DISCONNECTED', message: /closed the connection/ });
});

t.test('what a gateway says at the end is harmless in a message', async (t) => {
  await using one = await opened();
  const text = Buffer.concat([Buffer.of(0xb0), Buffer.from(`\x1b[2J\r\nfake line\u202e${'x'.repeat(16_000)}`)]);
  one.socket.write(serializeCstp(CstpType.Disconnect, text));
  const { message } = await one.ended;
  t.notMatch(message, /[\u0000-\u001f\u007f-\u009f\u202e]/);
  t.match(message, /^The gateway ended the session: \\u001b/);
  t.ok(message.length < 300);
});

t.test('nothing is taken behind the end of the session', async (t) => {
  await using one = await opened();
  const end = serializeCstp(CstpType.Terminate);
  one.socket.write(Buffer.concat([end, serializeCstp(CstpType.Data, Buffer.alloc(20)), Buffer.from('no CSTP at all')]));
  t.match(await one.ended, { code: 'ERR_CLIENT_DISCONNECTED' });
  t.equal(one.client.traffic.bytesIn, 0);
});

t.test('a gateway that asks for answers and reads none costs no more than a full queue', async (t) => {
  await using one = await opened();
  one.socket.pause();
  const request = serializeCstp(CstpType.DpdRequest, Buffer.alloc(16_000));
  for (let sent = 0; sent < 30_000_000; sent += request.length) {
    if (!one.socket.write(request)) await once(one.socket, 'drain');
  }
  t.ok(one.client.connected, 'answers were dropped, as by a router');
});

t.test('a gateway that does not close does not keep the client from closing', async (t) => {
  await using one = await opened();
  one.socket.pause();
  const closing = [one.client.close(), one.client.close()];
  let closed = 0;
  for (const each of closing) void each.then(() => closed++);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(closed, 0);
  one.clock.advance(1_000);
  await Promise.all(closing);
  t.notOk(one.client.connected);
});

t.test('inner packets that are garbage change nothing', async (t) => {
  const random = seededRandom(11);
  const socketOf = Promise.withResolvers<TLSSocket>();
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket);
    innerNetwork(socket, {});
    socketOf.resolve(socket);
  });
  await using client = await gateway.connect();
  const socket = await socketOf.promise;
  const whole = Buffer.from('4500001c000000004001000000000000000000000800000000000000', 'hex');
  for (let i = 0; i < 2_000; i++) {
    const packet = i % 2 ? random.bytes(random.uint32() % 200) : Buffer.from(whole);
    for (let n = random.uint32() % 4; n > 0 && packet.length > 0; n--) {
      packet[random.uint32() % packet.length] = random.uint32() & 0xff;
    }
    socket.write(serializeCstp(CstpType.Data, packet));
  }
  await client.ping('10.0.0.1');
  t.ok(client.connected);
});

t.test('answers of DNS that are garbage are waited out', async (t) => {
  const clock = new ManualClock();
  const random = seededRandom(12);
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket);
    let questions = 0;
    innerNetwork(socket, {
      onUdp: (request) => {
        const flow = request.accept((payload) => {
          const answer = Buffer.concat([payload, random.bytes(40)]);
          answer[2] = 0x80;
          answer.writeUInt16BE(random.uint32() & 0xffff, 6);
          const bytes = questions++ % 2 ? answer : random.bytes(60);
          queueMicrotask(() => {
            flow.send(bytes, request.localAddress, request.localPort);
            setImmediate(() => clock.advance(1000));
          });
        });
      },
    });
  });
  await using client = await gateway.connect({ clock });
  await t.rejects(client.resolve('intranet.contoso.internal'), { code: 'ERR_CLIENT_DNS', message: /did not answer/ });
});

t.test('whatever bytes of a login are changed, it opens a tunnel or fails in words', async () => {
  const answers = [ANSWERS.challenge, ANSWERS.complete, ANSWERS.connected({ 'X-CSTP-DPD': '30' })];
  const codes = /^ERR_(CLIENT_(PROTOCOL|DISCONNECTED|TOKEN_REFUSED|SESSION_REFUSED)|TIMEOUT)$/;
  const edit = fc.record({ at: fc.nat(400), byte: fc.nat(255), how: fc.constantFrom('set', 'insert', 'cut') });
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.array(edit, { minLength: 1, maxLength: 4 }), async (which, edits) => {
      const clock = new ManualClock();
      await using gateway = await scriptedGateway(async (socket) => {
        const requests = requestsOf(socket);
        for (const [i, answer] of answers.entries()) {
          await requests.next();
          let bytes = Buffer.from(answer);
          for (const { at, byte, how } of i === which ? edits : []) {
            const where = at % (bytes.length + 1);
            if (how === 'cut') bytes = bytes.subarray(0, where);
            else if (how === 'set' && where < bytes.length) bytes[where] = byte;
            else bytes = Buffer.concat([bytes.subarray(0, where), Buffer.of(byte), bytes.subarray(where)]);
          }
          socket.write(bytes);
          // Where the client still waits for something, its patience ends.
          for (let turns = 0; i === which && turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
          if (i === which) clock.advance(30_000);
        }
      });
      try {
        await (await gateway.connect({ clock })).close();
        return true;
      } catch (error) {
        return isTunneliteError(error) && codes.test(error.code);
      }
    }),
    { numRuns: Number(process.env['TUNNELITE_FUZZ'] ?? 60), seed: 4 },
  );
});
