import t from 'tap';
import {
  certificateIdentity,
  connect,
  createServer,
  type DtlsAssociation,
  type DtlsListener,
} from '../../src/dtls/index.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { PSK } from '../support/dtls-link.ts';

const credentials = { kind: 'psk', key: PSK, identity: 'me' } as const;

function echoServer(
  options: { host?: string; onConnect?: (a: DtlsAssociation<undefined>) => void } = {},
): Promise<DtlsListener<undefined>> {
  return createServer({
    ...options,
    lookup: () => ({ kind: 'psk', key: PSK, context: undefined }),
    onMessage: (association, message) => association.send(message, 0, message.length),
  });
}

t.test('a server and a client on UDP sockets talk', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    await using server = await echoServer({ host });
    const answer = Promise.withResolvers<string>();
    await using socket = await connect({
      host,
      port: server.address.port,
      credentials,
      onMessage: (message) => answer.resolve(message.toString()),
    });
    t.equal(socket.cipherSuite, 'TLS_PSK_WITH_AES_256_GCM_SHA384');
    t.equal(socket.send(Buffer.from(`hello over ${host}`)), true);
    t.equal(await answer.promise, `hello over ${host}`);
  }
});

t.test('a client with a CA trusts the server’s certificate', async (t) => {
  const { cert, key, ca } = await testCertificate('p256');
  await using server = await createServer({
    lookup: () => ({ kind: 'certificate', identity: certificateIdentity(cert, key), context: undefined }),
  });
  await using socket = await connect({
    host: '127.0.0.1',
    port: server.address.port,
    credentials: { kind: 'certificate', ca, servername: 'localhost' },
  });
  t.match(socket.cipherSuite, /ECDHE_ECDSA/);
});

t.test('each side learns that the other has closed', async (t) => {
  const connected = Promise.withResolvers<DtlsAssociation<undefined>>();
  await using server = await echoServer({ onConnect: connected.resolve });
  const socket = await connect({ port: server.address.port, credentials });
  (await connected.promise).close();
  t.match(await socket.closed, { reason: 'close-notify' });
  t.equal(socket.send(Buffer.from('x')), false);
  await socket.close();
  await socket.close();
});

t.test('closing a server says so to its clients, and twice is once', async (t) => {
  const server = await echoServer();
  const socket = await connect({ port: server.address.port, credentials });
  await Promise.all([server.close(), server.close()]);
  t.match(await socket.closed, { reason: 'close-notify' });
});

t.test('a server that is not there is given up with words, ICMP or not', async (t) => {
  const server = await echoServer();
  const { port } = server.address;
  await server.close();
  const attempt = connect({ port, credentials, handshakeTimeout: 300, retransmitTimeout: 50 });
  await t.rejects(attempt, { code: 'ERR_DTLS_HANDSHAKE_TIMEOUT', message: /UDP may be blocked/ });
});

t.test('a refused handshake rejects with the alert in its details', async (t) => {
  await using server = await echoServer();
  const attempt = connect({
    port: server.address.port,
    credentials: { kind: 'certificate', ca: '' },
  });
  await t.rejects(attempt, { code: 'ERR_DTLS_HANDSHAKE', details: { alert: 'handshake_failure' } });
});

t.test('a handshake can be aborted', async (t) => {
  await using server = await createServer({ lookup: () => undefined });
  const abort = new AbortController();
  const attempt = connect({ port: server.address.port, credentials, signal: abort.signal });
  abort.abort(new Error('enough'));
  await t.rejects(attempt, /enough/);
});

t.test('a port in use rejects with the system’s error', async (t) => {
  await using server = await echoServer();
  await t.rejects(createServer({ port: server.address.port, lookup: () => undefined }), { code: 'EADDRINUSE' });
});
