import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { inspectingCa } from '../support/inspecting-ca.ts';
import { connect, start } from '../support/running-simulator.ts';

/* The proxies of the mock network, byte by byte, through the bundled client. Stock clients: test/interop/openconnect-proxies.test.ts. */

t.setTimeout(120_000);
type Client = Awaited<ReturnType<typeof connect>>['client'];
const PROXY = 'proxy.contoso.internal';
const AUTH = `Proxy-Authorization: Basic ${Buffer.from('alice:contoso').toString('base64')}`;

/** All that comes until the other side ends. */
async function all(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

/** Sends lines as a request, and reads to the end. */
async function ask(client: Client, port: number, ...lines: string[]): Promise<string> {
  const stream = await client.openTcp(PROXY, port);
  stream.write(`${lines.join('\r\n')}\r\n\r\n`);
  return all(stream);
}

/** Opens a tunnel; the stream behind the answer, and the answer. */
async function tunnel(client: Client, port: number, target: string, ...headers: string[]) {
  const stream = await client.openTcp(PROXY, port);
  stream.write([`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, ...headers, '', ''].join('\r\n'));
  const [first] = (await once(stream, 'data')) as [Buffer];
  stream.pause();
  stream.on('error', () => {});
  return { stream, head: first.toString('latin1') };
}

const get = (url: string, ...more: string[]): string[] => [
  `GET ${url} HTTP/1.1`,
  'Host: x',
  ...more,
  'Connection: close',
];
const statusOf = (answer: string): string => /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? answer;

t.test('an open proxy passes requests on, each with a decision of its own', async (t) => {
  const sim = await start(t);
  const { client, id } = await connect(t, sim);
  const answer = await ask(client, 3128, ...get('http://intranet.contoso.internal/whoami'));
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.match(answer, /\r\nVia: 1\.1 proxy\.contoso\.internal\r\n/i);
  t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, '')), {
    signInName: 'alice@contoso.com',
    session: id,
    host: 'intranet.contoso.internal',
    source: { address: '10.20.0.42' },
  });
  sim.journal.expect({ name: 'resource.request', fields: { host: 'intranet.contoso.internal', session: id } }, 1);
  const [told] = sim.journal.query({ name: 'proxy.request' });
  t.match(told?.fields, { mode: 'none', host: 'intranet.contoso.internal', path: '/whoami', status: 200, session: id });

  const { stream, head } = await tunnel(client, 3128, 'tcpecho.contoso.internal:7');
  t.equal(head, 'HTTP/1.1 200 Connection established\r\n\r\n');
  stream.end('through the tunnel');
  t.equal(await all(stream), 'through the tunnel', 'half-close goes through');
  await sim.journal.waitFor({ name: 'resource.end' });
});

t.test('what leads nowhere is told in the terms of HTTP', async (t) => {
  const dead = createTcpServer();
  dead.listen(0, '127.0.0.1');
  await once(dead, 'listening');
  const { port } = dead.address() as { port: number };
  dead.close();
  const sim = await start(t, {
    resources: { upstreams: [{ match: 'dead.contoso.internal', to: { host: '127.0.0.1', port } }] },
  });
  const { client } = await connect(t, sim);
  for (const [url, status, error] of [
    ['http://nowhere.contoso.internal/', '502', 'dns_error'],
    ['http://www.example.com/', '502', 'dns_error'],
    ['http://refused.contoso.internal/', '502', 'connection_refused'],
    ['http://dead.contoso.internal/', '502', 'connection_refused'],
    ['http://192.0.2.1/', '403', 'http_request_denied'],
    ['http://proxy.contoso.internal:3128/', '403', 'http_request_denied'],
    ['http://10.20.0.42:3131/', '403', 'http_request_denied'],
  ] as const) {
    const answer = await ask(client, 3128, ...get(url));
    t.equal(statusOf(answer), status, url);
    t.match(answer, new RegExp(`Proxy-Status: proxy\\.contoso\\.internal; error=${error}; `), url);
    const { host } = new URL(url);
    const { head, stream } = await tunnel(client, 3128, host.includes(':') ? host : `${host}:80`);
    t.equal(statusOf(head), status, `CONNECT ${host}`);
    stream.destroy();
  }
  const looped = await ask(client, 3128, ...get('http://intranet.contoso.internal/', `Via: 1.1 a, 1.1 ${PROXY}`));
  t.equal(statusOf(looped), '508');
});

t.test('an allow-list lets through what is on it, and a reload changes it', async (t) => {
  const sim = await start(t, { services: { proxy: { allow: ['*.contoso.internal', '10.20.0.12'] } } });
  const { client } = await connect(t, sim);
  t.equal(statusOf(await ask(client, 3129, ...get('http://intranet.contoso.internal/'))), '200');
  t.equal(statusOf(await ask(client, 3129, ...get('http://10.20.0.12/echo'))), '200');
  for (const url of ['http://10.20.0.10/', 'http://contoso.internal/', 'http://evilcontoso.internal/']) {
    const answer = await ask(client, 3129, ...get(url));
    t.equal(statusOf(answer), '403', url);
    t.match(answer, /is not on the list of this proxy/);
  }
  await sim.reload({ services: { proxy: { allow: ['10.20.0.10'], mode: 'allow-list' } } });
  t.equal(statusOf(await ask(client, 3128, ...get('http://intranet.contoso.internal/'))), '403');
  t.equal(statusOf(await ask(client, 3128, ...get('http://10.20.0.10/'))), '200');
});

t.test('who is not known is asked for credentials, by Basic and by Digest', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const asked = await ask(client, 3130, ...get('http://intranet.contoso.internal/'));
  t.equal(statusOf(asked), '407');
  t.match(asked, /Proxy-Authenticate: Basic realm="proxy\.contoso\.internal"/);
  t.match(asked, /Proxy-Authenticate: Digest realm="proxy\.contoso\.internal", qop="auth", algorithm=SHA-256/);
  const wrong = `Proxy-Authorization: Basic ${Buffer.from('alice:wrong').toString('base64')}`;
  t.equal(statusOf(await ask(client, 3130, ...get('http://intranet.contoso.internal/', wrong))), '407');
  const proto = `Proxy-Authorization: Basic ${Buffer.from('__proto__:x').toString('base64')}`;
  t.equal(statusOf(await ask(client, 3130, ...get('http://intranet.contoso.internal/', proto))), '407');
  const passed = await ask(client, 3130, ...get('http://api.contoso.internal/echo', AUTH));
  t.equal(statusOf(passed), '200');
  t.notMatch(passed, /proxy-authorization/i, 'the password is for the proxy alone');
  t.equal(statusOf((await tunnel(client, 3130, 'intranet.contoso.internal:443')).head), '407');
  t.match(sim.journal.query({ name: 'proxy.request', fields: { status: 200 } })[0]?.fields, { user: 'alice' });
});

t.test('an inspecting proxy shows certificates of its own CA, and checks those of sites', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const ca = await inspectingCa(client);
  const through = async (host: string, trusted = ca) => {
    const { stream, head } = await tunnel(client, 3131, `${host}:443`, AUTH);
    t.equal(statusOf(head), '200', host);
    const secure = tlsConnect({ socket: stream, servername: host, ca: trusted });
    await once(secure, 'secureConnect');
    // At the end of the test some are open.
    secure.on('error', () => {});
    return secure;
  };
  const secure = await through('intranet.contoso.internal');
  t.match(secure.getPeerX509Certificate()?.issuer, /inspecting CA/);
  secure.write('GET /whoami HTTP/1.1\r\nHost: intranet.contoso.internal\r\nConnection: close\r\n\r\n');
  t.match(await all(secure), /^HTTP\/1\.1 200 [\s\S]*"scheme":"https"/);
  t.match(sim.journal.query({ name: 'proxy.request', fields: { path: '/whoami' } })[0]?.fields, {
    user: 'alice',
    method: 'GET',
    host: 'intranet.contoso.internal',
  });

  await t.rejects(through('intranet.contoso.internal', sim.ca), { code: /UNABLE_TO|SELF_SIGNED/ }, 'another CA');
  const broken = await sim.journal.waitFor({ name: 'proxy.request', fields: { status: 0 } });
  t.match(broken.fields.explanation, /trust the inspecting CA/);

  for (const [host, words] of [
    ['expired', /certificate has expired/],
    ['untrusted', /self-signed certificate/],
    ['wrongname', /does not match certificate/],
  ] as const) {
    const bad = await through(`${host}.contoso.internal`);
    bad.write(`GET / HTTP/1.1\r\nHost: ${host}.contoso.internal\r\nConnection: close\r\n\r\n`);
    const answer = await all(bad);
    t.equal(statusOf(answer), '502', host);
    t.match(answer, words);
    t.match(answer, /error=tls_certificate_error/);
  }

  const fronted = await through('intranet.contoso.internal');
  fronted.write('GET / HTTP/1.1\r\nHost: api.contoso.internal\r\nConnection: close\r\n\r\n');
  t.match(await all(fronted), /^HTTP\/1\.1 400 [\s\S]*cannot be for another host/);

  const twice = await through('api.contoso.internal');
  const first = once(twice, 'data');
  twice.write('GET /echo?1 HTTP/1.1\r\nHost: api.contoso.internal\r\n\r\n');
  t.match(String((await first)[0]), /^HTTP\/1\.1 200/);
  twice.write('GET /echo?2 HTTP/1.1\r\nHost: api.contoso.internal\r\nConnection: close\r\n\r\n');
  t.match(await all(twice), /HTTP\/1\.1 200 [\s\S]*"\/echo\?2"/);
  t.equal(statusOf((await tunnel(client, 3131, 'intranet.contoso.internal:443')).head), '407');
});

t.test('what two parsers could read in two ways is refused', async (t) => {
  const seen: string[] = [];
  const origin = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host}`);
    request.resume().on('end', () => response.end('ok'));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  t.teardown(() => origin.close());
  const { port } = origin.address() as { port: number };
  const sim = await start(t, {
    resources: { upstreams: [{ match: 'mine.contoso.internal', to: { host: '127.0.0.1', port } }] },
  });
  const { client } = await connect(t, sim);
  const url = 'http://mine.contoso.internal/';
  const post = (...headers: string[]): string[] => [
    `POST ${url} HTTP/1.1`,
    'Host: mine',
    'Connection: close',
    ...headers,
  ];
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: mine\r\n\r\n';
  for (const [name, lines] of [
    ['two ways to end', post('Content-Length: 4', 'Transfer-Encoding: chunked', '', '0', '', smuggled)],
    ['two lengths', post('Content-Length: 4', 'Content-Length: 5', '', 'abcd')],
    ['a length with a sign', post('Content-Length: +4', '', 'abcd')],
    ['a coding that hides', post('Transfer-Encoding: xchunked', '', '0', '', smuggled)],
    ['a coding behind', post('Transfer-Encoding: chunked, identity', '', '0', '', smuggled)],
    ['space before the colon', post('Content-Length : 4', '', 'abcd')],
    ['a folded line', post('X: a', ' Content-Length: 4', '', 'abcd')],
    ['two hosts', [`GET ${url} HTTP/1.1`, 'Host: mine', 'Host: other', 'Connection: close']],
    ['no host', [`GET ${url} HTTP/1.1`, 'Connection: close']],
    ['origin-form', ['GET / HTTP/1.1', 'Host: mine.contoso.internal', 'Connection: close']],
    ['a user in the URL', get('http://mine.contoso.internal@intranet.contoso.internal/')],
    ['https in absolute-form', get('https://mine.contoso.internal/')],
    ['no host in the URL', get('http:///etc/passwd')],
    ['a decimal address', get('http://169090570/')],
    ['an octal address', get('http://012.024.0.012/')],
    ['a hexadecimal address', get('http://0x0a14000a/')],
    ['an address that is hexadecimal in part', get('http://10.0x14.0.10/')],
    ['an IPv4 address as an IPv6 one', get('http://[::ffff:10.20.0.10]/')],
    ['a port too large', get('http://mine.contoso.internal:99999/')],
    ['TRACE', [`TRACE ${url} HTTP/1.1`, 'Host: mine', 'Connection: close']],
    [
      'a CONNECT with a body',
      ['CONNECT mine.contoso.internal:80 HTTP/1.1', 'Host: mine', 'Content-Length: 4', '', 'abcd'],
    ],
    ['a CONNECT without a port', ['CONNECT mine.contoso.internal HTTP/1.1', 'Host: mine']],
    ['a CONNECT with a path', ['CONNECT mine.contoso.internal:80/x HTTP/1.1', 'Host: mine']],
    ['a CONNECT for a URL', ['CONNECT http://mine.contoso.internal/ HTTP/1.1', 'Host: mine']],
    ['a flood of headers', get(url, ...Array.from({ length: 5_000 }, (_, i) => `X-${i}: ${'a'.repeat(20)}`))],
    ['no HTTP', ['\x16\x03\x01 hello']],
  ] as const) {
    const answer = await ask(client, 3128, ...lines);
    t.match(statusOf(answer), /^(400|405|431)$/, `${name}: ${answer.slice(0, 300)}`);
  }
  t.strictSame(seen, [], 'nothing of it reached the server');
  // A Connection header takes away what it may, and no more.
  const taken = await ask(
    client,
    3128,
    ...post('Connection: X-Secret, Content-Length, Host', 'X-Secret: 1', 'Content-Length: 4', '', 'abcd'),
  );
  t.equal(statusOf(taken), '200');
  t.equal(statusOf(await ask(client, 3128, ...get(url))), '200');
  t.strictSame(seen, ['POST / mine.contoso.internal', 'GET / mine.contoso.internal']);
});

t.test('a site that answers with anything but an answer is told of, and its client does not wait', async (t) => {
  const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
  const answers: Readonly<Record<string, readonly [sent: string, expected: RegExp]>> = {
    '/upgrade': [
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello',
      /another protocol without being asked/,
    ],
    '/interim': [interim.repeat(200), /more than 100 interim answers/],
    '/lengths': [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /no complete answer/,
    ],
    '/split': ['HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: x\r\nContent-Length: 0\r\n\r\n', /no complete answer/],
    '/headers': [`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}\r\n`, /no complete answer/],
    '/nothing': ['\0'.repeat(10_000), /no complete answer/],
  };
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    // The connection stays open: it is the answer that has to be judged.
    socket.once('data', (request: Buffer) => void socket.write(answers[String(request).split(' ')[1]!]![0]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const sim = await start(t, {
    resources: { upstreams: [{ match: 'mine.contoso.internal', to: { host: '127.0.0.1', port } }] },
  });
  const { client } = await connect(t, sim);
  for (const [path, [, expected]] of Object.entries(answers)) {
    const upgrade = path === '/upgrade' ? ['Connection: Upgrade', 'Upgrade: x'] : [];
    const answer = await ask(client, 3128, ...get(`http://mine.contoso.internal${path}`, ...upgrade));
    t.equal(statusOf(answer), '502', path);
    t.match(answer, expected, path);
  }
  t.equal(
    statusOf(await ask(client, 3128, ...get('http://intranet.contoso.internal/'))),
    '200',
    'and the proxy goes on',
  );
});

t.test('requests that a client sends ahead go on one after the other', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const stream = await client.openTcp(PROXY, 3128);
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const site = 'http://stream.contoso.internal';
  const count = 300;
  const poll = `GET ${site}/poll?after=0&timeout=60000 HTTP/1.1\r\nHost: x\r\n\r\n`;
  stream.write(`${poll.repeat(count)}GET ${site}/http HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const answers = all(stream);
  const onward = { name: 'resource.request', fields: { channel: 'http-proxy' } } as const;
  await sim.journal.waitFor(onward);
  // Through the same proxy, so that what was sent ahead would be under way by now.
  await ask(client, 3128, ...get('http://intranet.contoso.internal/'));
  t.equal(sim.journal.count(onward), 2, 'the first, and that of the other connection');
  await client.fetch(`${site}/messages`, { method: 'POST', body: Buffer.from('news') });
  const text = await answers;
  t.equal(text.split('HTTP/1.1 200').length - 1, count + 1);
  t.match(text, /"version":"1\.1"/, 'the last');
  t.strictSame(warnings, []);
});

t.test('what fails in this process as soon as it is reached by a proxy fails alone', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const broken = createTcpServer(() => {
    throw new Error('a defect of mine');
  });
  sim.resources.add({ match: 'broken.contoso.internal', ports: [80] }, broken);
  t.equal(statusOf(await ask(client, 3128, ...get('http://broken.contoso.internal/'))), '502');
  const target = 'broken.contoso.internal:80';
  await t.rejects(ask(client, 3128, `CONNECT ${target} HTTP/1.1`, `Host: ${target}`), { code: 'ERR_NETSTACK_RESET' });
  t.equal(
    statusOf(await ask(client, 3128, ...get('http://intranet.contoso.internal/'))),
    '200',
    'and the proxy goes on',
  );
});

t.test('an answer that breaks off looks broken off, and large bodies pass both ways', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const stream = await client.openTcp(PROXY, 3128);
  stream.write('GET http://flaky.contoso.internal/?steps=cut HTTP/1.1\r\nHost: x\r\n\r\n');
  await t.rejects(all(stream), 'no clean end');
  const size = 5_000_000;
  const up = await client.openTcp(PROXY, 3128);
  up.write(
    `PUT http://files.contoso.internal/upload HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
  );
  up.write(Buffer.alloc(size, 7));
  t.match(await all(up), /"bytes":5000000/);
  const down = await ask(client, 3128, ...get(`http://files.contoso.internal/bytes/${size}`));
  t.equal(down.length - down.indexOf('\r\n\r\n') - 4, size);
});
