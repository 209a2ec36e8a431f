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
  t.equal(lab.events.of('tls.failed').filter((event) => event.reason === 'timeout').length, 1000);
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
