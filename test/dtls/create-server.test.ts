import t from 'tap';
import {
  certificateIdentity,
  connect,
  createServer,
  type DtlsAssociation,
  type DtlsListener,
} from '../../src/dtls/index.ts';
import { datagramAcceleration } from '../../src/udp/index.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { PSK } from '../support/dtls-link.ts';

const credentials = { kind: 'psk', key: PSK, identity: 'me' } as const;

/** The sockets that work here, by the switch that chooses them. */
const kinds = datagramAcceleration().kind === 'mmsg' ? [true, false] : [false];

for (const acceleration of kinds) {
  t.test(acceleration ? 'in batches' : 'on node:dgram', async (t) => {
    function echoServer(
      options: { host?: string; onConnect?: (a: DtlsAssociation<undefined>) => void } = {},
    ): Promise<DtlsListener<undefined>> {
      return createServer({
        acceleration,
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
          acceleration,
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
        acceleration,
        lookup: () => ({ kind: 'certificate', identity: certificateIdentity(cert, key), context: undefined }),
      });
      await using socket = await connect({
        acceleration,
        host: '127.0.0.1',
        port: server.address.port,
        credentials: { kind: 'certificate', ca, servername: 'localhost' },
      });
      t.match(socket.cipherSuite, /ECDHE_ECDSA/);
    });

    t.test('each side learns that the other has closed', async (t) => {
      const connected = Promise.withResolvers<DtlsAssociation<undefined>>();
      await using server = await echoServer({ onConnect: connected.resolve });
      const socket = await connect({ acceleration, port: server.address.port, credentials });
      (await connected.promise).close();
      t.match(await socket.closed, { reason: 'close-notify' });
      t.equal(socket.send(Buffer.from('x')), false);
      await socket.close();
      await socket.close();
    });

    t.test('closing a server says so to its clients, and twice is once', async (t) => {
      const server = await echoServer();
      const socket = await connect({ acceleration, port: server.address.port, credentials });
      await Promise.all([server.close(), server.close()]);
      t.match(await socket.closed, { reason: 'close-notify' });
    });

    t.test('a server that is not there is given up with words, ICMP or not', async (t) => {
      const server = await echoServer();
      const { port } = server.address;
      await server.close();
      const attempt = connect({ acceleration, port, credentials, handshakeTimeout: 300, retransmitTimeout: 50 });
      await t.rejects(attempt, { code: 'ERR_DTLS_HANDSHAKE_TIMEOUT', message: /UDP may be blocked/ });
    });

    t.test('a refused handshake rejects with the alert in its details', async (t) => {
      await using server = await echoServer();
      const attempt = connect({
        acceleration,
        port: server.address.port,
        credentials: { kind: 'certificate', ca: '' },
      });
      await t.rejects(attempt, { code: 'ERR_DTLS_HANDSHAKE', details: { alert: 'handshake_failure' } });
    });

    t.test('a handshake can be aborted', async (t) => {
      await using server = await createServer({ acceleration, lookup: () => undefined });
      const abort = new AbortController();
      const attempt = connect({ acceleration, port: server.address.port, credentials, signal: abort.signal });
      abort.abort(new Error('enough'));
      await t.rejects(attempt, /enough/);
    });

    t.test('a port in use rejects with the system’s error', async (t) => {
      await using server = await echoServer();
      await t.rejects(createServer({ acceleration, port: server.address.port, lookup: () => undefined }), {
        code: 'EADDRINUSE',
      });
    });

    t.test('a bad address rejects with the system’s error', async (t) => {
      await t.rejects(createServer({ acceleration, host: 'localhost', lookup: () => undefined }), { code: 'EINVAL' });
      await t.rejects(createServer({ acceleration, host: '192.0.2.1', lookup: () => undefined }), {
        code: 'EADDRNOTAVAIL',
      });
    });

    t.test('each side sees where the other is', async (t) => {
      for (const [host, bound, family] of [
        ['127.0.0.1', '127.0.0.1', 'IPv4'],
        ['0:0::1', '::1', 'IPv6'],
      ] as const) {
        const connected = Promise.withResolvers<DtlsAssociation<undefined>>();
        await using server = await echoServer({ host, onConnect: connected.resolve });
        t.same(server.address, { address: bound, family, port: server.address.port });
        await using socket = await connect({ acceleration, host, port: server.address.port, credentials });
        t.match((await connected.promise).peer, { address: bound, family, port: socket.localPort });
      }
    });

    t.test('the longest record passes, and a burst of long ones that comes in one batch', async (t) => {
      const connected = Promise.withResolvers<DtlsAssociation<undefined>>();
      await using server = await echoServer({ onConnect: connected.resolve });
      const sizes: number[] = [];
      const all = Promise.withResolvers<void>();
      await using socket = await connect({
        acceleration,
        port: server.address.port,
        credentials,
        onMessage: (message) => {
          if (sizes.push(message.length) === 8) all.resolve();
        },
      });
      for (let i = 0; i < 8; i++) t.equal(socket.send(Buffer.alloc(16_384, i)), true);
      t.equal(socket.send(Buffer.alloc(16_385)), false, 'longer than a record may be');
      await all.promise;
      t.same(sizes, Array(8).fill(16_384));
      t.equal((await connected.promise).stats.notAuthentic, 0);
    });

    t.test('what is sent right before the end is not lost with the socket', async (t) => {
      const last = Promise.withResolvers<string>();
      await using server = await createServer({
        acceleration,
        lookup: () => ({ kind: 'psk', key: PSK, context: undefined }),
        onMessage: (_association, message) => last.resolve(message.toString()),
      });
      const socket = await connect({ acceleration, port: server.address.port, credentials });
      socket.send(Buffer.from('goodbye'));
      await socket.close();
      t.equal(await last.promise, 'goodbye');
    });

    t.test('options that do not fit are refused before a socket is opened', async (t) => {
      const attempt = connect({ acceleration, port: 9, credentials, cipherSuites: [] });
      await t.rejects(attempt, { code: 'ERR_DTLS_OPTION' });
    });

    t.test('an attempt that is aborted while its socket opens ends at once', async (t) => {
      await using server = await createServer({ acceleration, lookup: () => undefined });
      const abort = new AbortController();
      const attempt = connect({ acceleration, port: server.address.port, credentials, signal: abort.signal });
      // After the address is looked up.
      setImmediate(() => abort.abort(new Error('enough')));
      await t.rejects(attempt, /enough/);
    });
  });
}
