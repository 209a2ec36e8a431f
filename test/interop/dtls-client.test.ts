import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  type CipherSuiteName,
  type ConnectOptions,
  certificateIdentity,
  connect,
  type DtlsClientCredentials,
} from '../../src/dtls/index.ts';
import { type TestCertificate, testCertificate } from '../support/dtls-certificates.ts';
import { skipUnless } from '../support/interop.ts';
import { PeerProcess } from '../support/peer-process.ts';

const KEY = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const psk: DtlsClientCredentials = { kind: 'psk', key: Buffer.from(KEY, 'hex'), identity: 'psk' };
const directory = await mkdtemp(join(tmpdir(), 'tunnelite-dtls-'));
t.teardown(() => rm(directory, { recursive: true }));

/** A UDP port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

async function save(name: string, certificate: TestCertificate): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  await writeFile(cert, certificate.cert);
  await writeFile(key, certificate.key);
  return { cert, key };
}

/** Connects, says hello, and waits for the server to answer: by itself, or because we type it there. */
async function talk(options: ConnectOptions, server: PeerProcess, types: boolean): Promise<string> {
  const got = Promise.withResolvers<void>();
  await using socket = await connect({
    ...options,
    onMessage: (message) => {
      if (/hello there/.test(message.toString())) got.resolve();
    },
  });
  socket.send(Buffer.from('hello there\n'));
  if (types) {
    await server.until(/hello there/);
    server.write('hello there too\n');
  }
  await got.promise;
  return socket.cipherSuite;
}

const suites: [openssl: string, name: CipherSuiteName][] = [
  ['PSK-AES256-GCM-SHA384', 'TLS_PSK_WITH_AES_256_GCM_SHA384'],
  ['PSK-AES128-GCM-SHA256', 'TLS_PSK_WITH_AES_128_GCM_SHA256'],
  ['PSK-CHACHA20-POLY1305', 'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256'],
  ['ECDHE-PSK-CHACHA20-POLY1305', 'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256'],
];

t.test('openssl s_server with a pre-shared key', { skip: skipUnless({ programs: ['openssl'] }) }, async (t) => {
  for (const [cipher, name] of suites) {
    for (const listen of [[], ['-listen']]) {
      const port = await freePort();
      const args = [
        's_server',
        '-dtls1_2',
        '-psk',
        KEY,
        '-psk_hint',
        'hint',
        '-nocert',

        '-accept',
        String(port),
      ];
      await using server = new PeerProcess('openssl', [...args, ...listen, '-cipher', `${cipher}:@SECLEVEL=0`]);
      await server.until(/ACCEPT/);
      t.equal(await talk({ port, credentials: psk }, server, true), name);
    }
  }
});

t.test(
  'openssl s_server with a certificate, in small datagrams too',
  {
    skip: skipUnless({ programs: ['openssl'] }),
  },
  async (t) => {
    for (const kind of ['rsa', 'p256', 'p384'] as const) {
      const certificate = await testCertificate(kind);
      const { cert, key } = await save(kind, certificate);
      for (const mtu of [1200, 256]) {
        const port = await freePort();
        const small = mtu === 256 ? ['-mtu', '256'] : [];
        const args = ['s_server', '-dtls1_2', '-cert', cert, '-key', key, '-accept', String(port), ...small];
        await using server = new PeerProcess('openssl', args);
        await server.until(/ACCEPT/);
        const credentials: DtlsClientCredentials = {
          kind: 'certificate',
          ca: certificate.ca,
          servername: 'gateway.test',
        };
        t.match(await talk({ port, credentials, mtu }, server, true), kind === 'rsa' ? /ECDHE_RSA/ : /ECDHE_ECDSA/);
      }
    }
  },
);

t.test(
  'openssl s_server that asks for a client certificate gets none, or ours',
  {
    skip: skipUnless({ programs: ['openssl'] }),
  },
  async (t) => {
    const certificate = await testCertificate('p256');
    const { cert, key } = await save('asks', certificate);
    const identity = certificateIdentity(certificate.cert, certificate.key);
    for (const own of [undefined, identity]) {
      const port = await freePort();
      const args = ['s_server', '-dtls1_2', '-cert', cert, '-key', key, '-verify', '2', '-accept', String(port)];
      await using server = new PeerProcess('openssl', args);
      await server.until(/ACCEPT/);
      const credentials: DtlsClientCredentials = { kind: 'certificate', ca: certificate.ca, identity: own };
      await using socket = await connect({ port, credentials });
      socket.send(Buffer.from('hello there\n'));
      await server.until(/hello there/);
      t.equal(/Client certificate/.test(server.output), own !== undefined);
    }
  },
);

t.test(
  'gnutls-serv with a pre-shared key and with a certificate',
  {
    skip: skipUnless({ programs: ['gnutls-serv'] }),
  },
  async (t) => {
    const keys = join(directory, 'keys.psk');
    await writeFile(keys, `psk:${KEY}\n`);
    const certificate = await testCertificate('p256');
    const { cert, key } = await save('gnutls', certificate);
    const cases: [string[], DtlsClientCredentials][] = [
      [['--pskpasswd', keys, '--priority', 'NORMAL:-KX-ALL:+PSK:+ECDHE-PSK'], psk],
      [
        ['--x509certfile', cert, '--x509keyfile', key],
        { kind: 'certificate', ca: certificate.ca, servername: 'localhost' },
      ],
    ];
    for (const [args, credentials] of cases) {
      const port = await freePort();
      await using server = new PeerProcess('gnutls-serv', ['--udp', '--echo', '-p', String(port), ...args]);
      await server.until(/listening on IPv4/);
      t.ok(await talk({ port, credentials }, server, false));
    }
  },
);
