import { spawn } from 'node:child_process';
import t from 'tap';
import { AGENT, cookieOf, INIT, startTestGateway } from '../support/gateway.ts';
import { skipUnless } from '../support/interop.ts';
import { collect } from '../support/namespace.ts';

/*
 * Raw requests through `openssl s_client`: a TLS stack that is not Node's, and bytes exactly as typed. The expected text is
 * that of the reference transcripts 40 and 41.
 */

const skip = skipUnless({ programs: ['openssl'] });

interface Exchange {
  /** What the server sent, decrypted. */
  readonly text: string;
  readonly code: number | null;
}

/** Sends bytes after the handshake and returns everything until the server closes. */
async function sClient(port: number, input: string, ...args: string[]): Promise<Exchange> {
  const child = spawn(
    'openssl',
    [
      's_client',
      '-quiet',
      '-verify_quiet',
      '-ign_eof',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      'localhost',
      ...args,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const output = await collect(child, 'openssl s_client', { input, timeout: 20_000 });
  return { text: output.stdout.toString('latin1'), code: output.code };
}

const get = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: vpn.example.com:4443\r\nUser-Agent: ${AGENT}\r\nConnection: close\r\n\r\n`;

const post = (headers: string, body: string): string =>
  `POST / HTTP/1.1\r\nHost: vpn.example.com:4443\r\nUser-Agent: ${AGENT}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

for (const version of ['-tls1_2', '-tls1_3']) {
  t.test(`the login by ${version.slice(1)} is as in the transcript`, { skip }, async (t) => {
    await using lab = await startTestGateway();
    const { text } = await sClient(
      lab.port,
      `${post('', INIT)}${post('Authorization: Bearer good\r\n', INIT)}${get('/logout')}`,
      version,
    );
    const cookie = cookieOf(text);
    t.ok(
      text.startsWith(
        `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\nContent-Type: text/xml\r\nContent-Length: 232\r\nX-Transcend-Version: 1\r\nSet-Cookie: webvpncontext=${cookie}; Secure; HttpOnly\r\nSet-Cookie: webvpn=${cookie}; Secure; HttpOnly\r\nSet-Cookie: webvpnc=; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly\r\n`,
      ),
      text,
    );
    t.match(text, /<html><\/html>\n$/);
  });
}

t.test('final refusals end the connection', { skip }, async (t) => {
  await using lab = await startTestGateway();
  const failed = 'HTTP/1.1 401 Authentication failed\r\nContent-Length: 0\r\n\r\n';
  t.equal((await sClient(lab.port, post('Authorization: Bearer expired\r\n', INIT))).text, failed);
  t.equal((await sClient(lab.port, post('Authorization: Basic dXNlcjpwdw==\r\n', INIT))).text, failed);
  const connect = 'CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\n';
  t.equal((await sClient(lab.port, `${connect}\r\n`)).text, 'HTTP/1.1 503 Service Unavailable\r\n\r\n');
  t.equal(
    (await sClient(lab.port, `${connect}Cookie: webvpn=${'A'.repeat(43)}=\r\n\r\n`)).text,
    'HTTP/1.1 401 Cookie is not acceptable\r\n\r\n',
  );
  t.equal((await sClient(lab.port, 'hello\r\n\r\n')).text, '');
  t.match(
    (await sClient(lab.port, get('/nosuch'))).text,
    /^HTTP\/1\.1 404 Not found\r\nContent-Length: 50\r\nConnection: close\r\n/,
  );
  t.match((await sClient(lab.port, `GET / HTTP/1.0\r\nUser-Agent: ${AGENT}\r\n\r\n`)).text, /^HTTP\/1\.0 200 OK\r\n/);
});

t.test('a tunnel is opened and ended by hand', { skip }, async (t) => {
  await using lab = await startTestGateway();
  const dpd = 'STF\x01\x00\x02\x03\x00hi';
  const bye = 'STF\x01\x00\x01\x05\x00';
  const input = `${post('Authorization: Bearer good\r\n', '')}CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\n\r\n${dpd}${bye}`;
  const child = spawn(
    'openssl',
    ['s_client', '-quiet', '-verify_quiet', '-ign_eof', '-connect', `127.0.0.1:${lab.port}`],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const whole = Buffer.concat([Buffer.from(input, 'latin1'), Buffer.from([0xb0])]);
  const { stdout } = await collect(child, 'openssl s_client', { input: whole, timeout: 20_000 });
  const text = stdout.toString('latin1');
  t.match(text, /HTTP\/1\.1 200 CONNECTED\r\nX-CSTP-Version: 1\r\n/);
  t.ok(text.endsWith('\r\n\r\nSTF\x01\x00\x02\x04\x00hi'), 'the DPD request was echoed, then the connection closed');
  t.match(lab.events.of('session.disconnect'), [{ reason: 'user' }]);
});

/** What `openssl s_client` says of the handshake. */
async function handshake(port: number, ...args: string[]): Promise<string> {
  const connect = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost'];
  const child = spawn('openssl', [...connect, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdout, stderr } = await collect(child, 'openssl s_client', { input: 'Q\n', timeout: 20_000 });
  return `${stdout}${stderr}`;
}

t.test('keys are agreed on in the groups that clients have, but for those with ML-KEM', { skip }, async (t) => {
  await using lab = await startTestGateway();
  const groups = ['X25519', 'P-256', 'X448', 'P-384', 'P-521'];
  for (const group of groups) {
    t.match(await handshake(lab.port, '-tls1_3', '-groups', group), /^New, TLSv1\.3/m, `${group}, TLS 1.3`);
    const list = group === 'P-256' ? group : `${group}:P-256`;
    // There the list has to have the curve of the certificate, too.
    t.match(await handshake(lab.port, '-tls1_2', '-groups', list), /^New, TLSv1\.2/m, `${group}, TLS 1.2`);
  }
  t.match(await handshake(lab.port, '-tls1_3', '-groups', 'ffdhe2048'), /^New, TLSv1\.3/m);
});

t.test('a client that would rather use ML-KEM gets an older group without another round trip', async (t) => {
  await using lab = await startTestGateway();
  const client = await lab.dial({ minVersion: 'TLSv1.3', ecdhCurve: 'auto' });
  t.match(client.tls.getEphemeralKeyInfo(), { type: 'ECDH', name: 'X25519' });
  client.close();
});

t.test('TLS 1.1 is not spoken', { skip }, async (t) => {
  await using lab = await startTestGateway();
  const { code } = await sClient(lab.port, '', '-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0');
  t.not(code, 0);
  t.match(lab.events.of('tls.failed'), [{ reason: 'version' }]);
});
