import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { insteadOfHttp, insteadOfTls } from '../../../src/client/core/not-a-gateway.ts';
import { TunnelClient } from '../../../src/index.ts';
import { testLeaf } from '../../support/certificates.ts';
import { ANSWERS, requestsOf, scriptedGateway } from '../../support/scripted-gateway.ts';

/** Listens until the test has ended. */
async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const connectTo = async (port: number): Promise<TunnelClient> =>
  TunnelClient.connect({
    server: `https://localhost:${port}`,
    ca: (await testLeaf('localhost', 'vpn.contoso.internal')).caPem,
    token: () => {
      throw new Error('the token is for a gateway only');
    },
  });

const expected = (came: string, message: RegExp, hint: RegExp) => ({
  code: 'ERR_CLIENT_PROTOCOL',
  details: { came },
  message,
  hint,
});

t.test('an ordinary web server is told by its answer', async (t) => {
  const { certPem: cert, keyPem: key } = await testLeaf('localhost', 'vpn.contoso.internal');
  const cases: [string, number, Record<string, string>, string, ReturnType<typeof expected>][] = [
    [
      'a page',
      200,
      { 'content-type': 'text/html' },
      '<html></html>',
      expected('page', /200 OK \(text\/html\)/, /web server/),
    ],
    ['no such page', 404, {}, '', expected('status', /404 Not Found/, /web server/)],
    ['no POST', 405, { allow: 'GET' }, '', expected('status', /405 Method Not Allowed/, /web server/)],
    ['a proxy without a gateway', 502, {}, '', expected('status', /502 Bad Gateway/, /pass TLS through/)],
    [
      'a redirect',
      302,
      { location: 'https://www.contoso.com/' },
      '',
      expected('redirect', /302 Found.*“https:\/\/www/, /not follow redirects/),
    ],
    [
      'a password',
      401,
      { 'www-authenticate': 'Basic realm="x"' },
      '',
      expected('other-login', /“Basic realm="x"”/, /bearer/),
    ],
    [
      'a scheme of a similar name',
      401,
      { 'www-authenticate': 'BearerX' },
      '',
      expected('other-login', /BearerX/, /bearer/),
    ],
    ['401 alone', 401, {}, '', expected('other-login', /401 Unauthorized/, /bearer/)],
    [
      'a file that is too large',
      200,
      { 'content-type': 'text/plain' },
      'x'.repeat(2_000_000),
      expected('page', /200 OK \(text\/plain\), which is longer/, /web server/),
    ],
    [
      'a form',
      200,
      {},
      '<config-auth><auth id="main"><form action="/auth"></form></auth></config-auth>',
      expected('other-login', /form/, /bearer/),
    ],
  ];
  for (const [name, status, headers, body, error] of cases) {
    const port = await listen(
      t,
      createHttpsServer({ cert, key }, (request, response) => {
        request.resume();
        response.writeHead(status, headers);
        response.end(body);
      }),
    );
    await t.rejects(connectTo(port), error, name);
  }
});

t.test('a server of HTTP/2 only is told by its frames, however they come', async (t) => {
  const { certPem: cert, keyPem: key } = await testLeaf('localhost', 'vpn.contoso.internal');
  const server = createSecureServer({ cert, key, ALPNProtocols: ['h2'] });
  // Node's own answer without ALPN is one of HTTP/1; others speak HTTP/2 whatever was agreed on.
  server.on('unknownProtocol', (socket: Socket) => socket.write(Buffer.from('000006040000000000000300000064', 'hex')));
  await t.rejects(connectTo(await listen(t, server)), expected('http2', /only HTTP\/2/, /HTTP\/1\.1/));
  await using slow = await scriptedGateway(async (socket) => {
    for (const byte of Buffer.from('000006040000000000000300000064', 'hex')) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await t.rejects(slow.connect(), expected('http2', /only HTTP\/2/, /HTTP\/1\.1/));
});

t.test('a port without TLS is told by what it says', async (t) => {
  const http = createHttpServer((_, response) => response.end());
  await t.rejects(
    connectTo(await listen(t, http)),
    expected('plain-http', /plain HTTP, “HTTP\/1\.1 400/, /without TLS/),
  );
  const cases: [Buffer | string, RegExp][] = [
    ['SSH-2.0-OpenSSH_9.6\r\n', /“SSH-2\.0-OpenSSH_9\.6”/],
    ['220 mail.contoso.com ESMTP\r\n', /“220 mail/],
    [Buffer.from('4a0000000a352e352e35', 'hex'), /the bytes 4a 00 00 00 0a 35 2e 35/],
  ];
  for (const [greeting, words] of cases) {
    const port = await listen(
      t,
      createServer((socket) => void socket.write(greeting)),
    );
    await t.rejects(connectTo(port), expected('no-tls', words, /Another service/));
  }
});

t.test('other bytes over TLS are shown, without waiting for more', async (t) => {
  const cases: [Buffer | string, string, RegExp][] = [
    ['* OK IMAP4rev1 ready\r\n', 'no-http', /“\* OK IMAP4rev1 ready”/],
    ['STF\x01', 'no-http', /“STF”|53 54 46/],
    [Buffer.from([0xff]), 'no-http', /the bytes ff,/],
    ['\x1b[2J\r\n', 'no-http', /the bytes 1b 5b/],
    ['HTTP/2 200\r\n\r\n', 'broken-http', /“HTTP\/2 200”/],
    ['HTTP/1.1 200 OK\r\nno header\r\n\r\n', 'broken-http', /no valid name/],
  ];
  for (const [bytes, came, words] of cases) {
    await using server = await scriptedGateway((socket) => void socket.write(bytes));
    await t.rejects(server.connect(), { code: 'ERR_CLIENT_PROTOCOL', details: { came }, message: words });
  }
});

t.test('a TLS server that closes is told from a gateway that closes', async (t) => {
  await using silent = await scriptedGateway((socket) => void socket.end());
  await t.rejects(silent.connect(), expected('end', /TLS handshake, but closed.*without an answer/, /its log/));
  await using rude = await scriptedGateway((socket) => void socket.destroy());
  await t.rejects(rude.connect(), { code: 'ERR_CLIENT_PROTOCOL', details: { came: 'end' } });
  await using half = await scriptedGateway((socket) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n<html>');
  });
  await t.rejects(half.connect(), expected('end', /within its answer, 200 OK \(text\/html\)/, /its log/));
  await using gateway = await scriptedGateway(async (socket) => {
    const requests = requestsOf(socket);
    await requests.next();
    socket.write(ANSWERS.challenge);
    await requests.next();
    socket.end();
  });
  await t.rejects(gateway.connect(), { code: 'ERR_CLIENT_DISCONNECTED', message: /gateway closed.*without an answer/ });
});

t.test('one that closes before TLS is ready may be a gateway that is full', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => socket.destroy()),
  );
  await t.rejects(connectTo(port), { code: 'ERR_CLIENT_CONNECT', message: /before TLS was ready/, hint: /banned/ });
});

t.test('a TLS handshake that fails says why, without line numbers of OpenSSL', async (t) => {
  await using old = await scriptedGateway(() => {}, {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  const error = await old.connect().then(
    () => t.fail('connected'),
    (error: Error) => error,
  );
  t.match(error, { code: 'ERR_CLIENT_CONNECT', message: /TLS handshake with localhost port \d+ failed: / });
  t.notMatch(String(error), /openssl/);
});

t.test('what a server says is harmless in a message', async (t) => {
  await using evil = await scriptedGateway(async (socket) => {
    await requestsOf(socket).next();
    socket.write(Buffer.from(`HTTP/1.1 404 \x9b2J${'x'.repeat(200)}\r\nContent-Type: \x1b[31m\r\n\r\n`, 'latin1'));
    socket.end();
  });
  const error = await evil.connect().then(
    () => t.fail('connected'),
    (error: Error) => error,
  );
  t.match(error, { details: { came: 'status' } });
  t.notMatch(String(error), /[\u0000-\u001f\u007f-\u009f]/);
  t.ok(String(error).length < 300);
});

t.test('what may become TLS or HTTP is waited for', async (t) => {
  for (const beginning of ['', '16', '160301', '150301'])
    t.equal(insteadOfTls(Buffer.from(beginning, 'hex')), undefined);
  for (const beginning of ['', 'H', 'HTTP/', 'HTTP/1.1 200', '\r\n', '\r\nHTT', '\0', '\0\0', '\0\0\x12']) {
    t.equal(insteadOfHttp(Buffer.from(beginning)), undefined, JSON.stringify(beginning));
  }
  for (const beginning of ['h', 'HTTQ', 'HTTP 1', '\0\0\0\x05', '\x01\0\0\x04', '\r\nx']) {
    t.ok(insteadOfHttp(Buffer.from(beginning)), JSON.stringify(beginning));
  }
});
