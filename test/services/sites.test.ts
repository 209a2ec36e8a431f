import { createHash, Hash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import t, { type Test } from 'tap';
import { resolveConfig } from '../../src/config/index.ts';
import { DATAGRAM_SERVICES, STREAM_SERVICES } from '../../src/config/service-names.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { heldBodies } from '../../src/services/content.ts';
import { createOnPremises, type OnPremises, patternChunk, RequestRecorder } from '../../src/services/index.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { testCertificates, testLeaf } from '../support/certificates.ts';
import { matchesPattern } from '../support/pattern.ts';
import { NO_WAY_ON } from '../support/proxy-parts.ts';
import { visitor } from '../support/visitor.ts';

const setup = async (t: Test, recorder?: RequestRecorder) => {
  const telemetry = new Telemetry({ clock: new ManualClock() });
  const { hosts } = resolveConfig({}).services;
  const certificate = await testLeaf(...hosts.flatMap(({ names }) => names));
  const certificates = await testCertificates();
  const network = await createOnPremises({
    ...NO_WAY_ON,
    hosts,
    emit: telemetry.emit,
    tls: { cert: certificate.certPem, key: certificate.keyPem },
    issuer: { ca: certificate.caPem, special: certificates.special },
    ...(recorder ? { recorder } : {}),
  });
  // Timers of the clock do not keep a process alive, and there is no socket.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  t.teardown(() => network.close());
  return { network, ca: certificate.caPem, journal: telemetry.journal };
};

const open = (network: OnPremises, service: string): Duplex => {
  const [near, far] = duplexPair();
  network.stream(service)!.open(far, visitor);
  near.on('error', () => {});
  // As a connection does: Node crashes where an HTTP/2 session over TLS is collected with a write under way.
  far.once('close', () => near.destroy());
  return near;
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer, looked into by tests
  json(): any;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

const send = (stream: Duplex, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = { host: 'site.contoso.internal', connection: 'close', ...headers };
    const request = httpRequest({ method, path, headers: sent, createConnection: () => stream }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const whole = Buffer.concat(chunks);
        stream.destroy();
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
          json: () => JSON.parse(whole.toString()),
        });
      });
    });
    request.once('error', reject);
    request.end(body);
  });

const secure = async (stream: Duplex, name: string, options: ConnectionOptions): Promise<TLSSocket> => {
  const socket = tlsConnect({ socket: stream, servername: name, ...options });
  await once(socket, 'secureConnect');
  return socket;
};

t.test('there is a service behind each name that the configuration knows', async (t) => {
  const { network } = await setup(t);
  for (const name of STREAM_SERVICES) t.ok(name === 'dns' || network.stream(name), name);
  for (const name of DATAGRAM_SERVICES) t.ok(name === 'dns' || network.datagram(name), name);
  t.equal(await network.datagram('discard')!.answer(Buffer.from('x'), visitor), undefined);
});

t.test('files have any length, ranges and a checksum', async (t) => {
  const { network } = await setup(t);
  const get = (path: string, headers = {}) => send(open(network, 'files-http'), path, { headers });
  const whole = await get('/bytes/200001');
  t.equal(whole.body.length, 200_001);
  t.ok(matchesPattern(whole.body, 0));
  const sha256 = createHash('sha256').update(whole.body).digest('hex');
  t.strictSame((await get('/bytes/200001/sha256')).json(), { size: 200_001, sha256 });
  for (const [range, from, to] of [
    ['bytes=0-0', 0, 1],
    ['bytes=70000-140000', 70_000, 140_001],
    ['bytes=200000-', 200_000, 200_001],
    ['bytes=-5', 199_996, 200_001],
    ['bytes=5-99999999', 5, 200_001],
  ] as const) {
    const part = await get('/bytes/200001', { range });
    t.equal(part.status, 206, range);
    t.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/200001`);
    t.ok(part.body.equals(whole.body.subarray(from, to)), range);
  }
  t.match(await get('/bytes/10', { range: 'bytes=10-' }), { status: 416, headers: { 'content-range': 'bytes */10' } });
  for (const range of ['bytes=5-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-']) {
    t.equal((await get('/bytes/10', { range })).status, 200, `${range} is not understood, so all is sent`);
  }
  t.equal((await get('/bytes/10', { range: 'bytes=1-2', 'if-range': '"old"' })).status, 200);
  t.equal((await get('/bytes/10', { 'if-none-match': '"pattern-10"' })).status, 304);
  const chunked = await get('/chunked/5000?piece=100');
  t.match(chunked.headers, { 'transfer-encoding': 'chunked' });
  t.ok(matchesPattern(chunked.body, 0) && chunked.body.length === 5_000);
  const slow = await get('/slow/1000?rate=100000');
  t.ok(matchesPattern(slow.body, 0) && slow.body.length === 1_000);
  for (const path of ['/bytes/x', '/slow/10?rate=0', '/chunked/10?piece=99999999', '/bytes/99999999999999999/sha256']) {
    t.match((await get(path)).json().error, /must (?:be|have)/, path);
  }
});

t.test('an upload is counted and hashed whatever it calls itself, and is not held in memory', async (t) => {
  const { network } = await setup(t);
  const body = patternChunk(0, 50_000);
  for (const type of [
    'application/json',
    'text/plain',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
  ]) {
    const put = await send(open(network, 'files-http'), '/upload', {
      method: 'PUT',
      headers: { 'content-type': type },
      body,
    });
    t.strictSame(put.json(), { bytes: 50_000, sha256: createHash('sha256').update(body).digest('hex') }, type);
  }
});

t.test('the web application lets people sign in, keeps them by a cookie, and takes their files', async (t) => {
  const { network } = await setup(t);
  const to = (path: string, sent: Sent = {}) => send(open(network, 'webapp-http'), path, sent);
  const form = (fields: Record<string, string>): Sent => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
  t.match(await to('/'), { status: 303, headers: { location: '/login?next=%2F' } });
  t.match((await to('/login?next=/session')).text, /name="next" value="\/session"/);
  t.match(await to('/login', form({ username: 'bob', password: 'wrong' })), { status: 401, text: /role="alert"/ });
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/a\\b', '/a\r\nset-cookie: x']) {
    const { headers } = await to('/login', form({ username: 'bob', password: 'contoso', next }));
    t.equal(headers.location, '/', `${JSON.stringify(next)} leads nowhere else`);
  }
  const login = await to('/login', form({ username: '<b>bob', password: 'contoso', next: '/session' }));
  t.match(login, { status: 303, headers: { location: '/session' } });
  const set = login.headers['set-cookie']![0]!;
  t.match(set, /; HttpOnly; SameSite=Lax$/);
  const cookie = set.split(';')[0]!;
  t.match((await to('/session', { headers: { cookie } })).json(), { user: '<b>bob', requests: 1 });
  const home = await to('/', { headers: { cookie } });
  t.match(home.text, /&lt;b&gt;bob/);
  const token = /name="token" value="([^"]+)"/.exec(home.text)![1]!;
  const upload = async (token: string) => {
    const data = new FormData();
    data.set('token', token);
    data.set('file', new File(['hello'], 'hello.txt', { type: 'text/plain' }));
    const encoded = new Request('http://x/', { method: 'POST', body: data });
    const headers = { cookie, 'content-type': encoded.headers.get('content-type')! };
    return to('/upload', { method: 'POST', headers, body: Buffer.from(await encoded.arrayBuffer()) });
  };
  const sha256 = createHash('sha256').update('hello').digest('hex');
  t.match((await upload(token)).json(), { files: [{ name: 'hello.txt', type: 'text/plain', bytes: 5, sha256 }] });
  t.equal((await upload('guessed')).status, 403);
  const headers = { cookie, 'content-type': 'multipart/form-data; boundary=x' };
  t.equal((await to('/upload', { method: 'POST', headers, body: 'garbage' })).status, 415);
  t.match((await to('/logout', { method: 'POST', headers: { cookie } })).headers['set-cookie'], [/Max-Age=0/]);
  t.equal((await to('/session', { headers: { cookie } })).status, 401);
});

t.test('the web application refuses what is no form of its own, and whoever is not signed in', async (t) => {
  const { network } = await setup(t);
  const to = (path: string, sent: Sent = {}) => send(open(network, 'webapp-http'), path, sent);
  const post = (path: string, body = '', headers: Record<string, string> = {}) =>
    to(path, { method: 'POST', headers, body });
  t.equal((await post('/login', 'x'.repeat(16 * 1024 + 1))).status, 413);
  for (const body of ['', 'password=contoso', 'username=+&password=contoso', 'username=a']) {
    t.equal((await post('/login', body)).status, 401, body);
  }
  t.match((await post('/logout')).headers, { location: '/login' }, 'nobody was signed in');
  t.equal((await post('/upload')).status, 401);
  const login = await post('/login', 'username=a&password=contoso');
  t.match(login.headers, { location: '/' }, 'without a place to return to');
  const cookie = `other=1; ${login.headers['set-cookie']![0]!.split(';')[0]!}`;
  const token = /name="token" value="([^"]+)"/.exec((await to('/', { headers: { cookie } })).text)![1]!;
  t.equal((await post('/upload', 'x', { cookie })).status, 415, 'without a kind');
  const part = (name: string, value: string): string =>
    `--boundary-7\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const body = `${part('token', token)}${part('file', 'a text and no file')}--boundary-7--\r\n`;
  const answer = await post('/upload', body, { cookie, 'content-type': 'Multipart/Form-Data ; boundary=boundary-7' });
  t.strictSame(answer.json(), { user: 'a', files: [] });
});

t.test('a reset forgets who signed in', async (t) => {
  const { network } = await setup(t);
  const login = await send(open(network, 'webapp-http'), '/login', {
    method: 'POST',
    body: 'username=a&password=contoso',
  });
  const cookie = login.headers['set-cookie']![0]!.split(';')[0]!;
  await network.reset();
  t.equal((await send(open(network, 'webapp-http'), '/session', { headers: { cookie } })).status, 401);
});

t.test('the API describes itself, and does what it says', async (t) => {
  const { network } = await setup(t);
  const to = (path: string, sent: Sent = {}) => send(open(network, 'api-http'), path, sent);
  const document = (await to('/openapi.json')).json();
  t.equal(document.openapi, '3.1.0');
  t.strictSame(Object.keys(document.paths).sort(), [
    '/auth/basic',
    '/auth/bearer',
    '/auth/digest',
    '/delay/{milliseconds}',
    '/echo',
    '/items',
    '/items/{id}',
    '/redirect/{hops}',
    '/status/{code}',
  ]);
  t.match((await to('/echo?a=1', { method: 'PATCH', body: 'grüße' })).json(), {
    ...{ method: 'PATCH', url: '/echo?a=1', query: { a: '1' }, body: 'grüße', encoding: 'utf8' },
  });
  t.match((await to('/echo', { method: 'POST', body: Buffer.from([0xff, 0]) })).json(), {
    body: '/wA=',
    encoding: 'base64',
  });
  t.equal((await to('/status/418')).status, 418);
  t.match(await to('/status/999'), { status: 400, text: /code/ });
  t.equal((await to('/delay/1')).json().milliseconds, 1);
  t.match(await to('/redirect/2?status=307'), { status: 307, headers: { location: '/redirect/1?status=307' } });
  t.match(await to('/redirect/1'), { status: 302, headers: { location: '/echo' } });
  t.match(await to('/redirect/1?status=200'), { status: 400 });

  const made = await to('/items', { method: 'POST', body: '{"a":1}' });
  t.match(made, { status: 201, headers: { location: '/items/1' } });
  t.strictSame((await to('/items/1', { method: 'PUT', body: '[2]' })).json(), { id: '1', value: [2] });
  t.strictSame((await to('/items')).json(), { items: [{ id: '1', value: [2] }] });
  t.match(await to('/items', { method: 'POST', body: '{' }), { status: 400, text: /JSON/ });
  t.equal((await to('/items', { method: 'POST', body: `"${'x'.repeat(20_000)}"` })).status, 413);
  t.equal((await to('/items/1', { method: 'DELETE' })).status, 204);
  t.equal((await to('/items/1')).status, 404);

  const authorized = (scheme: string, authorization?: string) =>
    to(`/auth/${scheme}`, authorization === undefined ? {} : { headers: { authorization } });
  t.match(await authorized('basic'), { status: 401, headers: { 'www-authenticate': /^Basic realm=/ } });
  t.match((await authorized('basic', `Basic ${btoa('alice:contoso')}`)).json(), { user: 'alice' });
  t.match(await authorized('basic', `Basic ${btoa('alice:no')}`), { status: 401, text: /alice:contoso/ });
  t.match(await authorized('bearer'), { status: 401, headers: { 'www-authenticate': /^Bearer/ } });
  t.equal((await authorized('bearer', 'Bearer abc')).status, 200);
  t.match(await authorized('digest'), {
    status: 401,
    headers: { 'www-authenticate': /algorithm=SHA-256.*algorithm=MD5/ },
  });
  t.match(await authorized('digest', 'Digest nonce="old", nc=1'), {
    status: 401,
    headers: { 'www-authenticate': /stale=true/ },
  });
});

t.test('HTTPS speaks HTTP/2 to who offers it, and knows the visitor there too', async (t) => {
  const recorder = new RequestRecorder({ capacity: 1_000, bodyBytes: 0, now: () => 0 });
  const { network, ca, journal } = await setup(t, recorder);
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const name = 'stream.contoso.internal';
  const socket = await secure(open(network, 'stream-https'), name, { ca, ALPNProtocols: ['h2', 'http/1.1'] });
  t.equal(socket.alpnProtocol, 'h2');
  const session = connectHttp2(`https://${name}`, { createConnection: () => socket });
  const ask = async (path: string): Promise<string> => {
    const stream = session.request({ ':path': path });
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return text;
  };
  t.equal(JSON.parse(await ask('/http')).version, '2.0');
  const events = (await ask('/events?count=3&interval=0')).split('\n\n');
  t.match(events, [/^id: 1\n/, /^id: 2\n/, /^id: 3\nevent: tick\ndata: {"number":3,"of":3}$/, '']);
  t.equal(session.remoteSettings.maxConcurrentStreams, 1_000);
  t.equal((await Promise.all(Array.from({ length: 250 }, () => ask('/http')))).length, 250);
  session.close();
  t.match(journal.query({ name: 'service.request' })[0]?.fields, {
    ...{ service: 'stream-https', host: name, path: '/http', status: 200, source: '169.254.0.2:40000' },
  });
  t.match(recorder.list(), [
    { version: 'HTTP/2.0', statusText: '' },
    { version: 'HTTP/2.0', statusText: '' },
  ]);
  t.strictSame(warnings, [], 'Node has nothing to say of it');
  const plain = await secure(open(network, 'stream-https'), name, { ca });
  t.equal((await send(plain, '/http')).json().version, '1.1');
});

t.test('events go on where a client left off, and a poll waits for the news', async (t) => {
  const { network } = await setup(t);
  const to = (path: string, sent: Sent = {}) => send(open(network, 'stream-http'), path, sent);
  const rest = await to('/events?count=4&interval=0', { headers: { 'last-event-id': '3' } });
  t.match(rest, { headers: { 'content-type': 'text/event-stream' }, text: /^id: 4\n/ });
  t.match(await to('/events?count=0'), { status: 400 });
  t.strictSame((await to('/poll?timeout=0')).json(), { last: 0, messages: [] });
  const waiting = to('/poll?after=0');
  t.strictSame((await to('/messages', { method: 'POST', body: 'news' })).json(), { id: 1 });
  t.strictSame((await waiting).json(), { last: 1, messages: [{ id: 1, text: 'news' }] });
  t.strictSame((await to('/poll?after=0')).json().messages.length, 1, 'what was there before is told at once');
});

t.test('a client that sends requests ahead without end is read no further until there are answers', async (t) => {
  const { network } = await setup(t);
  const stream = open(network, 'stream-http');
  let answers = 0;
  stream.on('data', (chunk: Buffer) => {
    answers += chunk.toString().split('HTTP/1.1 200').length - 1;
  });
  const count = 20_000;
  const request = 'GET /poll?after=0&timeout=60000 HTTP/1.1\r\nHost: x\r\n\r\n';
  for (let i = 0; i < count; i += 100) {
    stream.write(request.repeat(100));
    await new Promise(setImmediate);
  }
  t.ok(stream.writableLength > (count * request.length) / 2, `${stream.writableLength} bytes wait`);
  t.equal(answers, 0);
  await send(open(network, 'stream-http'), '/messages', { method: 'POST', body: 'news' });
  while (answers < count) await new Promise(setImmediate);
  t.equal(answers, count);
});

t.test('flaky fails step by step, each key by itself', async (t) => {
  const { network } = await setup(t);
  const to = (path: string, method = 'GET') => send(open(network, 'flaky-http'), path, { method });
  const steps = '/?steps=503,reset,cut,200';
  t.match(await to(`${steps}&key=a`), { status: 503, headers: { 'retry-after': '1', 'x-attempt': '1' } });
  await t.rejects(to(`${steps}&key=a`), { code: 'ECONNRESET' });
  await t.rejects(to(`${steps}&key=a`), { code: 'ECONNRESET' });
  for (let i = 4; i < 7; i++) t.match((await to(`${steps}&key=a`)).json(), { attempt: i, step: '200' });
  t.equal((await to(`${steps}&key=b`)).status, 503);
  t.equal((await to(steps)).status, 503, 'and each session');
  t.equal((await to(`${steps}&key=a`, 'DELETE')).status, 204);
  t.equal((await to(`${steps}&key=a`)).status, 503);
  t.match(await to('/?steps=explode'), { status: 400, text: /“explode” is not a step/ });
  t.equal((await to(`/?steps=${Array(40).fill('200').join()}`)).status, 400);
  const page = await send(open(network, 'flaky-http'), '/', { headers: { accept: 'text/html' } });
  t.match(page, { status: 200, headers: { 'content-type': /^text\/html/ } }, 'a browser without steps gets a page');
  t.match(await to('/?key=c'), { status: 503, headers: { 'x-attempt': '1' } });
  t.equal((await to('/?key=c', 'DELETE')).status, 204, 'also of the steps that nobody named');
  t.match(await to('/?key=c'), { status: 503, headers: { 'x-attempt': '1' } });
  await t.rejects(to('/?key=c'), { code: 'ECONNRESET' }, 'the second of them is a reset');
});

t.test('each certificate is as its name says', async (t) => {
  const { network, ca } = await setup(t);
  const handshake = async (label: string, options: ConnectionOptions = {}) => {
    const socket = await secure(open(network, `${label}-https`), `${label}.contoso.internal`, { ca, ...options });
    t.teardown(() => socket.destroy());
    return socket;
  };
  const trusted = await handshake('trusted');
  const chain = trusted.getPeerCertificate(true);
  t.equal(chain.issuerCertificate.subject.CN, 'Contoso issuing CA');
  t.match(chain.issuerCertificate.issuerCertificate.subject.CN, /^Tunnelite development CA/);
  await t.rejects(handshake('untrusted'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  await t.rejects(handshake('expired'), { code: 'CERT_HAS_EXPIRED' });
  await t.rejects(handshake('wrongname'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  const client = await send(open(network, 'certificates-http'), '/client.pem');
  t.equal((await send(open(network, 'certificates-http'), '/ca.pem')).text, ca);
  const page = { headers: { accept: 'application/json' } };
  const good = await handshake('clientcert', { cert: client.text, key: client.text });
  t.match((await send(good, '/', page)).json(), { client: { subject: /CN=alice@contoso\.example/, good: true } });
  const without = await handshake('clientcert')
    .then(
      (socket) => send(socket, '/'),
      (error: Error) => Promise.reject(error),
    )
    .catch((error: NodeJS.ErrnoException) => error.code);
  t.match(String(without), /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ECONNRESET/);
  t.equal((await send(await handshake('optionalcert'), '/', page)).json().client, null);
  const other = await (await testCertificates()).special('self-signed', { dnsNames: ['client'], ips: [] });
  for (const label of ['clientcert', 'optionalcert']) {
    const stranger = await handshake(label, { cert: other.certPem, key: other.keyPem });
    t.match(await send(stranger, '/', page), { status: 403, text: /not from the CA of the mock network/ });
  }
});

for (const [service, status, ...lines] of [
  ['stream-http', 404, 'GET /nothing HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket'],
  ['proxy', 400, 'CONNECT nowhere HTTP/1.1', 'Host: nowhere'],
  ['proxy', 400, 'no request'],
] as const) {
  t.test(`a client that is refused for “${lines[0]}” and stays does not keep its connection open`, async (t) => {
    const { network } = await setup(t);
    const [stream, far] = duplexPair();
    network.stream(service)!.open(far, visitor);
    const ended = once(stream, 'end');
    const closed = once(far, 'close');
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.write([...lines, '', ''].join('\r\n'));
    await ended;
    t.match(text, new RegExp(`^HTTP/1\\.1 ${status}`));
    await closed;
  });
}

t.test('a session with many uploads under way is refused more of them, others are not', async (t) => {
  const { network } = await setup(t);
  const from = (session: string): Duplex => {
    const [near, far] = duplexPair();
    network.stream('webapp-http')!.open(far, { ...visitor, session });
    near.on('error', () => {});
    return near;
  };
  const signIn = await send(from('greedy'), '/login', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'username=alice&password=contoso',
  });
  const cookie = signIn.headers['set-cookie']![0]!.split(';')[0]!;
  const length = 8 * 1024 * 1024;
  const upload = (stream: Duplex): void => {
    const lines = ['POST /upload HTTP/1.1', 'Host: x', `Cookie: ${cookie}`, `Content-Length: ${length}`];
    stream.write([...lines, 'Content-Type: multipart/form-data; boundary=b', '', ''].join('\r\n'));
    // All but the last byte.
    stream.write(Buffer.alloc(length - 1));
  };
  const greedy: Duplex[] = [];
  const refused = Promise.withResolvers<string>();
  for (let i = 0; i < 2 + heldBodies.limit / length; i++) {
    const stream = from('greedy');
    stream.once('data', (chunk: Buffer) => refused.resolve(chunk.toString()));
    greedy.push(stream);
    upload(stream);
  }
  t.match(await refused.promise, /^HTTP\/1\.1 503 [\s\S]*Too many large requests/);
  t.ok(heldBodies.held <= heldBodies.limit / 2, `${heldBodies.held} bytes are held`);
  const modest = from('modest');
  const answer = once(modest, 'data');
  upload(modest);
  modest.write('x');
  t.match(String((await answer)[0]), /^HTTP\/1\.1 413 [\s\S]*100 parts/, 'which is no form, but was read');
  for (const stream of greedy) stream.destroy();
  while (heldBodies.held > 0) await new Promise(setImmediate);
});

t.test('many checksums at once take no longer a turn of the event loop than one', async (t) => {
  const { network } = await setup(t);
  const { prototype } = Hash;
  const { update } = prototype;
  let turn = 0;
  const byTurn = new Map<number, number>();
  prototype.update = function (this: Hash, ...args: Parameters<typeof update>) {
    byTurn.set(turn, (byTurn.get(turn) ?? 0) + args[0].length);
    return update.apply(this, args);
  } as typeof update;
  t.teardown(() => {
    prototype.update = update;
  });
  let over = false;
  const count = (): void => {
    turn += 1;
    if (!over) setImmediate(count);
  };
  count();
  const size = 10_000_000;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => send(open(network, 'files-http'), `/bytes/${size}/sha256`)),
  );
  over = true;
  t.equal(new Set(answers.map(({ json }) => json().sha256)).size, 1);
  const sums = [...byTurn.values()];
  t.ok(sums.length >= 8 * 3, `${sums.length} turns`);
  t.ok(Math.max(...sums) <= 4 * 1024 * 1024, `${Math.max(...sums)} bytes in one turn`);
});
