import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type ClientHelloFacts, parseClientHello } from '../../src/wire/client-hello.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { skipUnless } from '../support/interop.ts';

// What the hellos of clients in use say, and what is made of bytes that are none.

/** The first bytes that a program sends to a port where nobody answers. */
async function firstBytes(program: string, args: (port: number) => readonly string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child = execFile(program, [...args((server.address() as AddressInfo).port)], () => {});
  try {
    for (;;) {
      const [socket] = await once(server, 'connection');
      socket.on('error', () => {});
      const [chunk] = await once(socket, 'data');
      socket.destroy();
      if (chunk[0] === 0x16) return chunk;
    }
  } finally {
    server.close();
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  }
}

const CLIENTS: readonly [program: string, library: ClientHelloFacts['library'], (port: number) => readonly string[]][] =
  [
    [
      'openssl',
      'OpenSSL',
      (port) => ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'vpn.contoso.internal'],
    ],
    [
      'curl',
      'OpenSSL',
      (port) => ['--resolve', `vpn.contoso.internal:${port}:127.0.0.1`, `https://vpn.contoso.internal:${port}/`],
    ],
    ['gnutls-cli', 'GnuTLS', (port) => ['--sni-hostname=vpn.contoso.internal', '-p', String(port), '127.0.0.1']],
    [
      'openconnect',
      'GnuTLS',
      (port) => [`--resolve=vpn.contoso.internal:127.0.0.1`, '--non-inter', `https://vpn.contoso.internal:${port}/`],
    ],
  ];

for (const [program, library, args] of CLIENTS) {
  t.test(`the hello of ${program}`, { skip: skipUnless({ programs: [program] }) }, async (t) => {
    const bytes = await firstBytes(program, args);
    t.strictSame(parseClientHello(bytes), { serverName: 'vpn.contoso.internal', library });
    for (let length = 0; length < bytes.length; length++) {
      const { serverName = 'vpn.contoso.internal' } = parseClientHello(bytes.subarray(0, length)) ?? {};
      if (serverName !== 'vpn.contoso.internal') t.fail(`${length} bytes: ${serverName}`);
    }
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        t.doesNotThrow(() => parseClientHello(changed));
      }
    }
  });
}

t.test('the hello of Chromium', { skip: skipUnless({ programs: ['chromium'] }) }, async (t) => {
  const profile = await mkdtemp(join(tmpdir(), 'tunnelite-chromium-'));
  // Its other processes write there until they notice that it has gone.
  t.teardown(() => rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
  const bytes = await firstBytes(CHROMIUM, (port) => [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${profile}`,
    `https://localhost:${port}/`,
  ]);
  t.equal(parseClientHello(bytes)?.library, 'BoringSSL');
});

t.test('what is no hello says nothing', async (t) => {
  for (const bytes of [
    '',
    '\x16',
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01\x00\x05\x02aaaa',
    '\x15\x03\x03\x00\x02\x02\x30',
  ]) {
    t.equal(parseClientHello(Buffer.from(bytes, 'latin1')), undefined);
  }
  t.strictSame(parseClientHello(Buffer.from([0x16, 3, 1, 0xff, 0xff, 1])), {
    serverName: undefined,
    library: undefined,
  });
});
