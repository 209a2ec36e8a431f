import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { CstpType } from '../../../src/wire/cstp.ts';
import { AGENT, INIT, RawClient, startTestGateway, statusLine } from '../../support/gateway.ts';

type Lab = Awaited<ReturnType<typeof startTestGateway>>;

/** A session that must not notice what others do. */
async function bystander(lab: Lab): Promise<{ unhurt(): Promise<boolean>; close(): void }> {
  const client = await lab.dial();
  await client.login('good:bystander');
  await client.connectTunnel();
  return {
    async unhurt() {
      client.sendPacket(CstpType.DpdRequest, Buffer.from('ok?'));
      return (await client.packet())?.payload.toString() === 'ok?';
    },
    close: () => client.close(),
  };
}

/** Opens TCP without TLS, sends bytes, and returns what came until the server closed. */
async function plain(port: number, bytes: Buffer | string): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

/** Resolves when a connection is over, however. */
function closed(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

t.test('a flood of what is not TLS is told a hundred times, then with how many more there were', async (t) => {
  const machine = new ManualClock();
  await using lab = await startTestGateway({ machine });
  const flood = async (count: number, bytes: string): Promise<void> => {
    for (let i = 0; i < count; i += 20) {
      await Promise.all(Array.from({ length: 20 }, () => plain(lab.gateway.port, bytes)));
    }
  };
  await flood(140, 'GET / HTTP/1.1\r\n\r\n');
  await flood(20, 'SSH-2.0-OpenSSH_9.9\r\n');
  const told = (reason: string) => lab.events.of('tls.failed').filter((one) => one.reason === reason);
  t.equal(told('plain-http').length, 100);
  t.equal(told('ssh').length, 20, 'each reason by itself');
  machine.advance(10_000);
  await flood(20, 'GET / HTTP/1.1\r\n\r\n');
  t.strictSame(
    told('plain-http')
      .slice(100)
      .map(({ withheld }) => withheld),
    [40, ...Array.from({ length: 19 }, () => 0)],
  );
});

t.test('requests that break the rules close the connection without an answer, and the log says why', async (t) => {
  await using lab = await startTestGateway();
  const other = await bystander(lab);
  const cases: [label: string, bytes: string, reason: string][] = [
    ['garbage', 'hello\r\n\r\n', 'malformed'],
    ['a URL of 300 bytes', `GET /${'a'.repeat(300)} HTTP/1.1\r\n\r\n`, 'url-too-long'],
    ['200 KB of headers', `GET / HTTP/1.1\r\n${`X-Fill: ${'a'.repeat(990)}\r\n`.repeat(200)}\r\n`, 'headers-too-large'],
    ['a body of 10 MB', `POST / HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n<?xml version="1.0"?>`, 'body-too-large'],
    ['a length that is no number', 'POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n', 'bad-length'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version'],
    ['NUL bytes', 'GET / HTTP/1.1\r\nX: a\0b\r\n\r\n', 'malformed'],
  ];
  for (const [label, bytes, reason] of cases) {
    const client = await lab.dial();
    client.send(bytes);
    t.equal(await client.answer(), undefined, label);
    const { length } = lab.events.of('http.rejected');
    t.equal(lab.events.of('http.rejected')[length - 1]?.reason, reason, label);
    t.ok(lab.events.of('http.rejected')[length - 1]?.explanation.endsWith('.'), label);
    client.close();
  }
  t.ok(await other.unhurt());
  other.close();
});

t.test('a URL of 254 bytes and 70,000 bytes of headers are taken, as by the real server', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const filler = Array.from({ length: 70 }, (_, i) => `X-Fill-${i}: ${'a'.repeat(980)}`);
  t.equal(statusLine(await client.request('GET', '/', [`User-Agent: ${AGENT}`, ...filler])), 'HTTP/1.1 200 OK');
  t.equal(statusLine(await client.request('GET', `/${'a'.repeat(253)}`)), 'HTTP/1.1 404 Not found');
  client.close();
});

t.test('256 header lines are taken, 257 are not', async (t) => {
  await using lab = await startTestGateway();
  // RawClient adds the Host line.
  const lines = (count: number): string[] => Array.from({ length: count - 1 }, (_, i) => `X-Fill-${i}: a`);
  const client = await lab.dial();
  t.equal(statusLine(await client.request('GET', '/', lines(256))), 'HTTP/1.1 200 OK');
  t.equal(await client.request('GET', '/', lines(257)), undefined);
  t.match(lab.events.of('http.rejected'), [{ reason: 'too-many-headers' }]);
});

t.test('two Authorization headers are refused, even if one of them is good', async (t) => {
  for (const bearerPrefix of ['lenient', 'strict'] as const) {
    await using lab = await startTestGateway({ bearerPrefix });
    const client = await lab.dial();
    const two = ['Authorization: Bearer good', 'Authorization: Bearer good'];
    t.equal(statusLine(await client.request('POST', '/', two, INIT)), 'HTTP/1.1 401 Authentication failed');
    t.match(lab.events.of('auth.refused'), [{ reason: 'scheme', explanation: /2 Authorization headers/ }]);
    await client.ended;
  }
});

t.test('a header of an earlier request does not count as a second one', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  t.equal(statusLine(await client.request('GET', '/', ['Authorization: Bearer bad'])), 'HTTP/1.1 200 OK');
  t.equal(statusLine(await client.login('good')), 'HTTP/1.1 200 OK');
  client.close();
});

t.test('a token with a line break at its end logs in, and the connection goes on', async (t) => {
  for (const end of ['\n', '\r\n', '\r\n\r\n']) {
    await using lab = await startTestGateway();
    const client = await lab.dial();
    t.equal(statusLine(await client.login(`good${end}`)), 'HTTP/1.1 200 OK');
    t.equal(statusLine(await client.connectTunnel()), 'HTTP/1.1 200 CONNECTED');
    t.strictSame(lab.events.of('http.rejected'), []);
    client.close();
  }
});

t.test('the seventeenth request gets no answer', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  for (let i = 1; i <= 16; i++) t.equal(statusLine(await client.request('GET', '/')), 'HTTP/1.1 200 OK');
  t.equal(await client.request('GET', '/'), undefined);
  t.match(lab.events.of('http.rejected'), [{ reason: 'too-many-requests' }]);
});

t.test('HTTP/1.0 is answered in kind and closed, and so is a request that asks to close', async (t) => {
  await using lab = await startTestGateway();
  const old = await lab.dial();
  old.send(`GET / HTTP/1.0\r\nUser-Agent: ${AGENT}\r\n\r\n`);
  t.equal(statusLine(await old.answer()), 'HTTP/1.0 200 OK');
  await old.ended;
  const polite = await lab.dial();
  t.equal(statusLine(await polite.request('GET', '/', ['Connection: close'])), 'HTTP/1.1 200 OK');
  await polite.ended;
});

t.test('requests sent all at once are answered one after the other', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial();
  const post = `POST / HTTP/1.1\r\nAuthorization: Bearer good\r\nContent-Length: ${INIT.length}\r\n\r\n${INIT}`;
  client.send(`GET /logout HTTP/1.1\r\n\r\n${post}CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\n\r\n`);
  t.match(await client.answer(), /<html>/);
  t.equal(statusLine(await client.answer()), 'HTTP/1.1 200 OK');
  t.equal(statusLine(await client.answer()), 'HTTP/1.1 200 CONNECTED');
  client.close();
});

t.test('what is not TLS is named in the log', async (t) => {
  await using lab = await startTestGateway();
  const other = await bystander(lab);
  for (const [bytes, reason] of [
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'plain-http'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'ssh'],
    [Buffer.alloc(64, 0xff), 'not-tls'],
  ] as const) {
    const failed = lab.events.next('tls.failed');
    await plain(lab.port, bytes as string);
    t.match(await failed, { reason, explanation: /\w/ });
  }
  const probed = lab.events.next('tls.probe');
  const probe = connect(lab.port, '127.0.0.1');
  await once(probe, 'connect');
  probe.end();
  await probed;
  t.ok(await other.unhurt());
  other.close();
});

t.test('a client that does not trust the certificate is told apart', async (t) => {
  await using lab = await startTestGateway();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const failed = lab.events.next('tls.failed');
    await t.rejects(RawClient.dial({ host: '127.0.0.1', port: lab.port, maxVersion }));
    t.match((await failed).explanation, /trust the certificate/, maxVersion);
  }
  const failed = lab.events.next('tls.failed');
  await t.rejects(lab.dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  t.match(await failed, { reason: 'version' });
});

t.test('a thousand half-open connections hurt nobody and are dropped in time', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock });
  const other = await bystander(lab);
  const sockets: Socket[] = [];
  const hello = Buffer.from('160301020001', 'hex');
  for (let i = 0; i < 1000; i++) {
    const socket = connect(lab.port, '127.0.0.1', () => socket.write(hello));
    socket.on('error', () => {});
    sockets.push(socket);
  }
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  t.ok(await other.unhurt());
  while (lab.gateway.stats().connectionsPending! < 1000) await new Promise((resolve) => setImmediate(resolve));
  const gone = Promise.all(sockets.map((socket) => closed(socket)));
  clock.advance(31_000);
  await gone;
  t.equal(lab.events.of('tls.failed').filter((event) => event.reason === 'timeout').length, 100, 'the rest is counted');
  t.equal(lab.gateway.stats().connectionsPending, 0);
  t.ok(await other.unhurt());
  other.close();
});

t.test('a client that authenticates but never connects is dropped by the authentication limit', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, settings: { authTimeout: 60 } });
  const idle = await lab.dial();
  const slow = await lab.dial();
  await idle.login();
  slow.send('POST / HTTP/1.1\r\nContent-Le');
  clock.advance(61_000);
  await Promise.all([idle.ended, slow.ended]);
  t.equal(lab.events.of('http.rejected').filter((event) => event.reason === 'auth-timeout').length, 2);
});

t.test('a verifier that fails refuses that connection and leaves the rest alone', async (t) => {
  await using lab = await startTestGateway({
    verifier: {
      verify: (token) =>
        token === 'boom'
          ? Promise.reject(new Error('out of order'))
          : Promise.resolve({ ok: false, refusal: { reason: 'issuer', explanation: 'No.', details: {} } }),
    },
  });
  const client = await lab.dial();
  t.equal(await client.login('boom'), undefined);
  t.match(lab.events.of('http.rejected'), [{ reason: 'internal', explanation: /out of order/ }]);
  const next = await lab.dial();
  t.equal(statusLine(await next.login('x')), 'HTTP/1.1 401 Authentication failed');
});

t.test('a client that leaves while its token is verified makes no session', async (t) => {
  const verified = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using lab = await startTestGateway({
    verifier: {
      async verify() {
        started.resolve();
        await verified.promise;
        return { ok: false, refusal: { reason: 'expired', explanation: 'Too late.', details: {} } };
      },
    },
  });
  const client = await lab.dial();
  void client.login('slow');
  await started.promise;
  client.close();
  while (lab.gateway.stats().connectionsPending! > 0) await new Promise((resolve) => setImmediate(resolve));
  verified.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(lab.events.of('auth.refused'), []);
});

t.test('closing the gateway twice is harmless and leaves nothing open', async (t) => {
  const lab = await startTestGateway();
  const client = await lab.dial();
  await client.login();
  await client.connectTunnel();
  const idle = await lab.dial();
  await Promise.all([lab.gateway.close(), lab.gateway.close()]);
  await Promise.all([client.ended, idle.ended]);
  t.match(lab.events.of('session.disconnect'), [{ reason: 'shutdown' }]);
  t.strictSame(lab.gateway.sessions(), []);
  await t.rejects(lab.dial());
});

t.test('a port that is taken is said to be taken', async (t) => {
  await using lab = await startTestGateway();
  await t.rejects(startTestGateway({ port: lab.port }), { code: 'ERR_GATEWAY_PORT_IN_USE' });
  await t.rejects(startTestGateway({ host: '203.0.113.7' }), { code: 'ERR_GATEWAY_LISTEN' });
  await t.rejects(startTestGateway({ tls: { cert: 'x', key: 'y', ca: undefined } }), {
    code: 'ERR_GATEWAY_CERTIFICATE',
  });
  await t.rejects(startTestGateway({ settings: { network: '10.0.0.0/31' } }), { code: 'ERR_GATEWAY_POOL_INVALID' });
  await t.rejects(startTestGateway({ settings: { network: 'ten' } }), { code: 'ERR_GATEWAY_POOL_INVALID' });
});

t.test('TLS 1.2 is not renegotiated', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial({ maxVersion: 'TLSv1.2' });
  client.tls.renegotiate({ rejectUnauthorized: false }, () => t.fail('renegotiated'));
  await client.ended;
  t.equal(client.error?.code, 'ERR_SSL_NO_RENEGOTIATION');
});

t.test('strangers that fill the gateway push out each other, not a client that has authenticated', async (t) => {
  await using lab = await startTestGateway({ maxPendingConnections: 2 });
  const client = await lab.dial();
  await client.login();
  const first = await lab.dial();
  const second = await lab.dial();
  await first.ended;
  t.match(lab.events.of('http.rejected'), [{ reason: 'pending', explanation: /waited longest/ }]);
  t.match(statusLine(await client.connectTunnel()), / 200 CONNECTED/);
  const other = await lab.dial();
  await second.login();
  await other.login();
  await t.rejects(lab.dial());
  t.match(lab.events.of('http.rejected')[1], { reason: 'pending-full' });
  for (const each of [client, second, other]) each.close();
});

t.test('a flood of strangers is told a few times, and by number afterwards', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, maxPendingConnections: 1 });
  const sockets: Socket[] = [];
  const flood = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const socket = connect(lab.port, '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
      if (sockets.length > 1) await closed(sockets.at(-2)!);
    }
  };
  await flood(31);
  t.equal(lab.events.of('http.rejected').length, 5);
  clock.advance(10_000);
  await flood(1);
  t.match(lab.events.of('http.rejected')[5], {
    reason: 'pending',
    explanation: /25 more of this kind were not reported\.$/,
  });
  for (const socket of sockets) socket.destroy();
});
