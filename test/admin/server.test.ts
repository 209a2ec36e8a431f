import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fastify } from 'fastify';
import t from 'tap';
import { healthPlugin } from '../../src/admin/health.ts';
import { type HealthResult, startAdmin, type TokenRequest, tokenRoutes } from '../../src/admin/index.ts';
import { TunneliteError } from '../../src/lib/errors.ts';
import { systemRandom } from '../../src/lib/random.ts';

const fine: HealthResult = { name: 'gateway', ok: true, explanation: 'It is alive.' };

async function start(
  t: { teardown(fn: () => unknown): void },
  check: () => Promise<HealthResult[]> = async () => [fine],
  maxConnections = 2000,
) {
  const asked: TokenRequest[] = [];
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    random: systemRandom,
    check,
    version: '1.2.3',
    maxConnections,
    names: ['devbox.example'],
    routes: [
      {
        prefix: '/api/tokens',
        plugin: tokenRoutes(async (request) => {
          asked.push(request);
          if (request.user === 'unknown') throw new Error('A failure of ours.');
          if (request.user === 'nobody') {
            throw new TunneliteError('ERR_IDENTITY_AADSTS', 'No such user.', { hint: 'Try alice.' });
          }
          return { accessToken: 'a.b.c', user: request.user, expiresIn: 60, claims: {} };
        }),
      },
      { prefix: '/api/named', plugin: async (app) => void app.get('/:name', async ({ params }) => params) },
    ],
  });
  t.teardown(() => admin.close());
  return { admin, asked };
}

t.test('liveness is always true, readiness only when every check is', async (t) => {
  let results = [fine];
  const { admin } = await start(t, async () => results);
  t.same(await (await fetch(`${admin.url}/livez`)).json(), { live: true });
  const ready = await fetch(`${admin.url}/readyz`);
  t.equal(ready.status, 200);
  t.same(await ready.json(), { ready: true, checks: [fine] });
  results = [fine, { name: 'identity', ok: false, explanation: 'It is gone.' }];
  const unready = await fetch(`${admin.url}/readyz`);
  t.equal(unready.status, 503);
  t.match(await unready.json(), { ready: false, checks: [{ ok: true }, { ok: false, explanation: 'It is gone.' }] });
});

t.test('those who ask while a check is under way share the one after it', async (t) => {
  const checks: PromiseWithResolvers<HealthResult[]>[] = [];
  const app = fastify();
  await app.register(
    healthPlugin(() => {
      checks.push(Promise.withResolvers());
      return checks.at(-1)!.promise;
    }),
  );
  t.teardown(() => app.close());
  const ask = async (): Promise<number> => (await app.inject('/readyz')).statusCode;
  /** Requests are taken in their order: all that came before have arrived. */
  const arrived = async (): Promise<void> => void (await app.inject('/livez'));
  const one = ask();
  await arrived();
  const others = Array.from({ length: 20 }, ask);
  await arrived();
  t.equal(checks.length, 1);
  checks[0]!.resolve([fine]);
  t.equal(await one, 200);
  await arrived();
  t.equal(checks.length, 2);
  checks[1]!.resolve([{ ...fine, ok: false }]);
  t.strictSame(new Set(await Promise.all(others)), new Set([503]), 'none is told what was true before it asked');
  const last = ask();
  await arrived();
  checks[2]!.reject(new Error('A failure of ours.'));
  t.equal(await last, 500);
});

t.test('a token needs the secret of this very instance', async (t) => {
  const { admin, asked } = await start(t);
  const ask = (headers: Record<string, string>, body: unknown = { user: 'alice' }): Promise<Response> =>
    fetch(`${admin.url}/api/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  t.equal((await ask({})).status, 401);
  t.equal((await ask({ authorization: 'Bearer x' })).status, 401);
  t.same(asked, []);
  const authorization = `Bearer ${admin.secret}`;
  const good = await ask({ authorization });
  t.match(good.headers.get('server-timing'), /^app;dur=\d+\.\d\d$/, 'what it cost');
  t.equal(good.status, 200);
  t.match(await good.json(), { accessToken: 'a.b.c', user: 'alice' });
  const refused = await ask({ authorization }, { user: 'nobody' });
  t.equal(refused.status, 400);
  t.match(await refused.json(), {
    error: { code: 'ERR_IDENTITY_AADSTS', message: 'No such user.', hint: 'Try alice.' },
  });
  const unknown = await ask({ authorization }, { user: 'unknown' });
  t.equal(unknown.status, 500);
  t.match(await unknown.json(), { error: { code: 'ERR_INTERNAL', message: 'A failure of ours.' } });
});

t.test('a token request that is mistyped is refused in words, and no token is made', async (t) => {
  const { admin, asked } = await start(t);
  const refused: [path: string, body: unknown, words: RegExp][] = [
    ['/api/tokens', { wrong: 'expird' }, /no deliberately wrong token "expird"\. Did you mean "expired"\?$/],
    ['/api/tokens', { usr: 'alice' }, /^body usr: .*Did you mean "user"\?$/],
    ['/api/tokens', { version: '1' }, /there is no token version "1", expected: 1\.0 or 2\.0\.$/],
    ['/api/tokens', { expiresIn: '60' }, /^body expiresIn: "60" is not valid here/],
    ['/api/tokens', null, /^The body is null, but must be an object\.$/],
    ['/api/tokens', [], /^body: \[\] is not valid here/],
    ['/api/tokens?wrong=expired', {}, /^query wrong: "wrong" is not a key here/],
  ];
  for (const [path, body, words] of refused) {
    const headers = { authorization: `Bearer ${admin.secret}`, 'content-type': 'application/json' };
    const answer = await fetch(`${admin.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    t.equal(answer.status, 400);
    t.match(await answer.json(), { error: { code: 'ERR_REQUEST_INVALID', message: words, hint: String } });
  }
  t.same(asked, []);
});

t.test('names of other sites and pages of other origins are refused, whatever secret they have', async (t) => {
  const { admin, asked } = await start(t);
  const { port } = new URL(admin.url);
  const ask = (headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const all = { authorization: `Bearer ${admin.secret}`, 'content-type': 'application/json', ...headers };
      const sent = request({ port, host: '127.0.0.1', path: '/api/tokens', method: 'POST', headers: all }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode!));
      });
      sent.once('error', reject).end('{}');
    });
  for (const host of [
    '127.0.0.1',
    '[::1]:1',
    '192.0.2.1:80',
    'localhost',
    'LOCALHOST:9',
    'a.localhost',
    'devbox.example:8445',
  ]) {
    t.equal(await ask({ host }), 200, host);
  }
  const before = asked.length;
  for (const host of ['evil.example', 'localhost.evil.example', 'devbox.example.evil', '127.0.0.1.evil.example:8445']) {
    t.equal(await ask({ host }), 403, host);
  }
  t.equal(await ask({ origin: `http://127.0.0.1:${port}` }), 200, 'its own page');
  for (const origin of [
    'http://evil.example',
    'null',
    `http://127.0.0.1:${Number(port) + 1}`,
    `http://localhost:${port}`,
    'x',
  ]) {
    t.equal(await ask({ origin }), 403, origin);
  }
  t.equal(asked.length, before + 1);
});

t.test('a body that is no JSON, or too long, is refused before it is read', async (t) => {
  const { admin, asked } = await start(t);
  const authorization = `Bearer ${admin.secret}`;
  const post = (type: string, body: string): Promise<Response> =>
    fetch(`${admin.url}/api/tokens`, { method: 'POST', headers: { authorization, 'content-type': type }, body });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const answer = await post(type, '{}');
    t.equal(answer.status, 415, type);
    const body = (await answer.json()) as { error: object };
    t.same(Object.keys(body.error), ['code', 'message', 'hint', 'details'], 'the shape of every refusal');
  }
  t.equal((await post('application/json', '{')).status, 400);
  t.equal((await post('application/json', `"${'x'.repeat(70_000)}"`)).status, 413);
  // A gigabyte that is announced, and one that is not.
  for (const head of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
    const socket = connect(Number(new URL(admin.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `POST /api/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\n${head}\r\n\r\n`,
    );
    const [answer] = (await Promise.race([once(socket, 'data'), flood(socket)])) as [Buffer];
    t.match(String(answer), /^HTTP\/1\.1 413 /);
    socket.destroy();
  }
  t.same(asked, []);
});

/** Chunks without end, until the other side has had enough. */
async function flood(socket: Socket): Promise<never> {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const gone = new Promise((resolve) => socket.once('close', resolve));
  while (!socket.destroyed) {
    if (!socket.write(chunk)) await Promise.race([gone, new Promise((resolve) => socket.once('drain', resolve))]);
  }
  return new Promise(() => {});
}

t.test('a gigabyte that no route wants is not read', async (t) => {
  const { admin } = await start(t);
  for (const [request, status] of [
    ['POST /api/tokens', 401],
    ['GET /api/openapi.json', 200],
    ['GET /livez', 200],
  ] as const) {
    for (const head of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
      const socket = connect(Number(new URL(admin.url).port), '127.0.0.1');
      socket.on('error', () => {});
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`${request} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${head}\r\n\r\n`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      t.match(String(answer), new RegExp(`^HTTP/1\\.1 ${status} `));
      void flood(socket);
      await closed;
      t.ok(socket.bytesWritten < 500_000_000, `${request}, ${head}: ${socket.bytesWritten} bytes`);
    }
  }
});

t.test('a request that is for two hosts is for none', async (t) => {
  const { admin } = await start(t);
  const send = (text: string): Promise<string> => talk(admin.url, text);
  const rest = `Authorization: Bearer ${admin.secret}\r\nConnection: close\r\n\r\n`;
  const own = 'GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n';
  t.match(await send(`${own}${rest}`), /^HTTP\/1\.1 200 /);
  t.match(await send(`${own}Host: evil.example\r\n${rest}`), /^HTTP\/1\.1 403 /);
  const absolute = (host: string) => `GET http://${host}/api/openapi.json HTTP/1.1\r\nHost: localhost\r\n${rest}`;
  t.match(await send(absolute('localhost')), /^HTTP\/1\.1 200 /);
  t.match(await send(absolute('evil.example')), /^HTTP\/1\.1 403 /);
});

t.test('every refusal has the one shape, also of what never gets to a route', async (t) => {
  const { admin } = await start(t);
  const rest = `HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${admin.secret}\r\nConnection: close\r\n\r\n`;
  for (const [request, status, message] of [
    [`GET /api/tokens/% ${rest}`, 400, /address .* is not valid/],
    [`GET /api/docs/nothing ${rest}`, 404, /There is no GET/],
    [`GET /api/docs/static/..%2f..%2fpackage.json ${rest}`, 404, /There is no GET/],
    [`GET /${'x'.repeat(20_000)} ${rest}`, 431, /longer than 16 KB/],
    ['\x16\x03\x01\x00\x05hello\r\n\r\n', 400, /not HTTP/],
  ] as const) {
    const [head = '', body = ''] = (await talk(admin.url, request)).split('\r\n\r\n');
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    t.match(JSON.parse(body), { error: { code: /^ERR_/, message, hint: String } });
  }
});

/** What comes back until the other side closes. */
async function talk(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

t.test('what is nowhere is told so, to who holds the secret and to who does not', async (t) => {
  const { admin } = await start(t);
  const answer = await fetch(`${admin.url}/api/nothing`, { headers: { authorization: `Bearer ${admin.secret}` } });
  t.equal(answer.status, 404);
  t.match(await answer.json(), { error: { code: 'ERR_NOT_FOUND', message: 'There is no GET /api/nothing.' } });
  t.equal((await fetch(`${admin.url}/api/tokens`, { method: 'POST' })).status, 401);
});

t.test('an address that cannot be read is refused in the same shape, without all of it', async (t) => {
  const { admin } = await start(t);
  for (const [path, status, message] of [
    ['/api/tokens/%zz', 400, /^The address \/api\/tokens\/%zz is not valid\.$/],
    ['/livez/%E0%A4%A', 400, /is not valid\.$/],
    [`/api/named/${'a'.repeat(2000)}`, 414, /^The address \/api\/named\/a{189}… contains a name that is too long\.$/],
  ] as const) {
    const answer = await fetch(`${admin.url}${path}`);
    t.equal(answer.status, status, path.slice(0, 30));
    t.match(await answer.json(), { error: { code: 'ERR_REQUEST_INVALID', message, hint: String } });
  }
  const longest = `${'a'.repeat(64)}@${'b'.repeat(253)}`;
  const headers = { authorization: `Bearer ${admin.secret}` };
  t.same(await (await fetch(`${admin.url}/api/named/${longest}`, { headers })).json(), { name: longest });
});

t.test('the API describes itself, without a secret', async (t) => {
  const { admin } = await start(t);
  const document = (await (await fetch(`${admin.url}/api/openapi.json`)).json()) as Record<string, unknown>;
  t.match(document, {
    openapi: '3.1.0',
    info: { version: '1.2.3' },
    paths: {
      '/api/tokens': {
        post: { operationId: 'postTokens', responses: { 200: Object, 400: Object, 401: Object, 404: Object } },
      },
    },
  });
  const page = await fetch(`${admin.url}/api/docs`);
  t.equal(page.status, 200);
  t.match(await page.text(), /swagger-ui/);
  t.equal((await fetch(`${admin.url}/api/docs/static/swagger-ui.css`)).status, 200);
});

t.test('who listens everywhere is reached on loopback', async (t) => {
  const admin = await startAdmin({
    host: '0.0.0.0',
    port: 0,
    random: systemRandom,
    check: async () => [],
    version: '1.2.3',
    routes: [],
  });
  t.teardown(() => admin.close());
  t.match(admin.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.equal((await fetch(`${admin.url}/livez`)).status, 200);
});

t.test('a port that is taken is a coded error, and closing twice is harmless', async (t) => {
  const { admin } = await start(t);
  const options = {
    host: '127.0.0.1',
    port: admin.port,
    random: systemRandom,
    check: async () => [],
    version: '1.2.3',
    routes: [],
  };
  await t.rejects(startAdmin(options), {
    code: 'ERR_ADMIN_LISTEN',
    details: { port: admin.port },
    hint: /admin\.port/,
  });
  const elsewhere = { ...options, host: '192.0.2.1', port: 0 };
  await t.rejects(startAdmin(elsewhere), { code: 'ERR_ADMIN_LISTEN', hint: /address of this machine/ });
  await admin.close();
  await admin.close();
});

t.test('connections that say nothing, or never end what they say, keep nobody out', async (t) => {
  const { promise: checked, resolve: finish } = Promise.withResolvers<HealthResult[]>();
  const { admin } = await start(t, () => checked, 10);
  const { port } = new URL(admin.url);
  const sockets: Socket[] = [];
  t.teardown(() => sockets.forEach((socket) => void socket.destroy()));
  let closed = 0;
  const hang = async (first = ''): Promise<Socket> => {
    const socket = connect(Number(port), '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume().once('close', () => closed++);
    await once(socket, 'connect');
    if (first !== '') socket.write(first);
    return socket;
  };
  const ask = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path, agent: false }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode!));
      });
      sent.on('error', reject).end();
    });
  const slow = ask('/readyz');
  const answered = await hang('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  for (let i = 0; i < 40; i++) {
    await hang(i % 2 === 0 ? '' : 'POST /api/tokens HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    t.equal(await ask('/livez'), 200, `after ${i + 1}`);
  }
  while (closed < 41 - 9) await new Promise((resolve) => setImmediate(resolve));
  t.ok(answered.closed, 'one that was answered and stays has no better right than others');
  finish([fine]);
  t.equal(await slow, 200, 'one that is being answered keeps its place');
});

t.test('when all are being answered, one more is closed', async (t) => {
  const { promise: over, resolve: finish } = Promise.withResolvers<void>();
  const { promise: full, resolve: onFull } = Promise.withResolvers<void>();
  let held = 0;
  const hold = async (): Promise<object> => {
    if (++held === 5) onFull();
    await over;
    return {};
  };
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    random: systemRandom,
    check: async () => [fine],
    version: '1.2.3',
    maxConnections: 5,
    routes: [{ prefix: '/api/held', plugin: async (app) => void app.get('/', hold) }],
  });
  t.teardown(() => admin.close());
  const authorization = `Bearer ${admin.secret}`;
  const asked = Array.from({ length: 5 }, () => fetch(`${admin.url}/api/held`, { headers: { authorization } }));
  await full;
  await t.rejects(fetch(`${admin.url}/livez`));
  finish();
  t.strictSame(
    (await Promise.all(asked)).map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  t.equal((await fetch(`${admin.url}/livez`)).status, 200);
});
