import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { TunnelClient } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { startPairing } from '../../src/pairing/index.ts';
import { skipUnless } from '../support/interop.ts';
import { pairingLab } from '../support/pairing.ts';

/** One request as it stands, and all of the answer. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  await once(socket, 'connect');
  socket.write(text);
  let answer = '';
  for await (const piece of socket) answer += piece;
  return answer;
}

const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');

function pair(code: string, host: string, ...headers: string[]): string {
  const body = `code=${encodeURIComponent(code)}`;
  const fields = [`Host: ${host}`, 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`];
  return ['POST /pair HTTP/1.1', ...fields, ...headers, 'Connection: close', '', body].join('\r\n');
}

t.test('the page and its files are there, and no secret is on them', async (t) => {
  const { sim, server, codes, facts } = await pairingLab(t);
  const host = `Host: 127.0.0.1:${server.port}`;
  const page = await raw(server.port, get('/', host));
  t.match(page, /^HTTP\/1\.1 200 /);
  t.match(page, 'dev.local:8443');
  t.match(page, facts.ca.fingerprint);
  t.match(page, /content-security-policy: default-src 'none'/);
  t.match(page, /cache-control: no-store/);
  t.match(page, /<svg /);
  const all = [page];
  for (const [path, type] of [
    ['/ca.mobileconfig', 'application/x-apple-aspen-config'],
    ['/ca.crt', 'application/x-x509-ca-cert'],
    ['/msal.json', 'application/json'],
  ] as const) {
    const answer = await raw(server.port, get(path, host));
    t.match(answer, `content-type: ${type}`);
    all.push(answer);
  }
  for (const text of all) {
    t.notMatch(text, codes[0]!);
    t.notMatch(text, sim.admin.secret);
    t.notMatch(text, /eyJ[A-Za-z0-9_-]{20}|PRIVATE KEY|Passw0rd/);
  }
});

t.test('openssl reads the certificate for Android', { skip: skipUnless({ programs: ['openssl'] }) }, async (t) => {
  const { server, facts } = await pairingLab(t);
  const der = Buffer.from(await (await fetch(new URL('/ca.crt', server.url))).arrayBuffer());
  const said = execFileSync(
    'openssl',
    ['x509', '-inform', 'DER', '-noout', '-fingerprint', '-sha256', '-ext', 'basicConstraints'],
    {
      input: der,
      encoding: 'utf8',
      timeout: 30_000,
    },
  );
  t.match(said, facts.ca.fingerprint);
  t.match(said, 'CA:TRUE');
});

t.test('the code gets one token, with which a client connects', async (t) => {
  const { sim, server, codes } = await pairingLab(t);
  const host = `127.0.0.1:${server.port}`;
  const answer = await raw(server.port, pair(codes[0]!, host, `Origin: http://${host}`));
  t.match(answer, /^HTTP\/1\.1 200 /);
  const link = /href="(com\.contoso\.lob\.tunnelite:\/\/connect#[^"]*)"/.exec(answer)![1]!.replaceAll('&amp;', '&');
  const values = new URLSearchParams(link.split('#')[1]);
  t.equal(values.get('server_address'), 'dev.local:8443');
  await using client = await TunnelClient.connect({
    server: sim.urls.gateway,
    ca: sim.ca,
    token: values.get('token')!,
  });
  t.ok(client.connected);
  sim.journal.expect({ name: 'pairing.completed', fields: { user: 'alice@contoso.com' } }, 1);
  const again = await raw(server.port, pair(codes[0]!, host));
  t.match(again, /^HTTP\/1\.1 403 /);
  t.notMatch(again, /eyJ/);
  t.match(again, 'This is not the code in the terminal');
  sim.journal.expect({ name: 'pairing.refused', fields: { reason: 'wrong' } }, 1);
  t.equal(codes.length, 2, 'the next code was shown');
});

t.test('a phone that guesses is slowed down', async (t) => {
  const { server, codes } = await pairingLab(t);
  const host = `127.0.0.1:${server.port}`;
  for (let i = 0; i < 5; i++) t.match(await raw(server.port, pair('22222222', host)), /^HTTP\/1\.1 403 /);
  t.match(await raw(server.port, pair(codes[0]!, host)), /^HTTP\/1\.1 429 /);
});

t.test('requests for another host, and from pages of others, are refused', async (t) => {
  const { server, codes } = await pairingLab(t);
  const own = `127.0.0.1:${server.port}`;
  for (const headers of [
    ['Host: evil.example'],
    ['Host: 127.0.0.1'],
    [`Host: evil.example:${server.port}`],
    [`Host: 192.0.2.77:${server.port}`],
    ['Host: '],
    [`Host: ${own}`, 'Host: evil.example'],
    [`Host: ${own}`, 'Origin: http://evil.example'],
    [`Host: ${own}`, 'Origin: null'],
  ]) {
    t.match(await raw(server.port, get('/', ...headers)), /^HTTP\/1\.1 40[03] /, headers.join(', '));
  }
  t.match(await raw(server.port, get(`http://evil.example/`, `Host: ${own}`)), /^HTTP\/1\.1 40[03] /);
  for (const header of ['Origin: http://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site']) {
    t.match(await raw(server.port, pair(codes[0]!, own, header)), /^HTTP\/1\.1 403 /, header);
  }
  t.match(await raw(server.port, pair(codes[0]!, `dev.local:${server.port}`)), /^HTTP\/1\.1 200 /, 'its name is good');
});

t.test('there is nothing else: no administration, no other method, no long or strange body', async (t) => {
  const { server, sim } = await pairingLab(t);
  const host = `Host: 127.0.0.1:${server.port}`;
  for (const path of [
    '/api/status',
    '/api/tokens',
    '/readyz',
    '/docs',
    '/ca.pem',
    '/ca.key',
    '/../ca.key',
    '/%2e%2e/ca.key',
    '/pair',
  ]) {
    const answer = await raw(server.port, get(path, host, `Authorization: Bearer ${sim.admin.secret}`));
    t.match(answer, /^HTTP\/1\.1 40[04] /, path);
  }
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const answer = await raw(server.port, `${method} / HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`);
    t.match(answer, /^HTTP\/1\.1 40[0-9] /, method);
  }
  const post = (type: string, body: string): string =>
    `POST /pair HTTP/1.1\r\n${host}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  t.match(await raw(server.port, post('application/json', '{"code":"x"}')), /^HTTP\/1\.1 415 /);
  t.match(
    await raw(server.port, post('application/x-www-form-urlencoded', `code=${'A'.repeat(5_000)}`)),
    /^HTTP\/1\.1 413 /,
  );
  t.match(
    await raw(server.port, post('application/x-www-form-urlencoded', 'code[]=1&__proto__[x]=1')),
    /^HTTP\/1\.1 403 /,
  );
});

t.test('with a real tenant there is neither a token nor a form for it', async (t) => {
  const { server, codes } = await pairingLab(t, { identity: undefined });
  const host = `127.0.0.1:${server.port}`;
  const page = await raw(server.port, get('/', `Host: ${host}`));
  t.notMatch(page, '<form');
  t.match(page, 'com.microsoft.tunnel.server_address');
  t.strictSame(codes, []);
  t.match(await raw(server.port, pair('22222222', host)), /^HTTP\/1\.1 404 /);
});

t.test('a port that is taken is an error with a code', async (t) => {
  const { server } = await pairingLab(t);
  const lab = await pairingLab(t);
  await t.rejects(
    startPairing({
      facts: lab.facts,
      host: '127.0.0.1',
      port: server.port,
      clock: systemClock,
      random: systemRandom,
      emit: () => {},
      token: () => lab.sim.mintToken(),
      onCode: () => {},
    }),
    { code: 'ERR_LAN_LISTEN' },
  );
});
