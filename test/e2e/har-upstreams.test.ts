import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { harProblems } from '../support/har-schema.ts';

t.setTimeout(120_000);

const NAME = 'orders.contoso.internal';
const BIG = 3_000_000;

interface Entry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly serverIPAddress: string;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    readonly bodySize: number;
    readonly postData?: { readonly text: string };
  };
  readonly response: {
    readonly status: number;
    readonly content: { readonly size: number; readonly text?: string };
    readonly _error?: string;
  };
  readonly _request: string;
  readonly _user: string | null;
  readonly _service: string;
}

/** What a developer has running: a server of Node's. */
async function developersServer(t: Test): Promise<number> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://a');
    if (pathname === '/chunked') {
      response.write('first ');
      setImmediate(() => response.end('second'));
    } else if (pathname === '/hints') {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('hinted');
    } else if (pathname === '/echo') {
      response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain' });
      request.pipe(response);
    } else if (pathname === '/big') {
      response.end(Buffer.alloc(BIG, 'big '));
    } else if (pathname === '/break') {
      response.writeHead(200, { 'content-length': 100 });
      response.write('only this', () => request.socket.destroy());
    } else if (pathname === '/silent') {
      request.socket.destroy();
    } else {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.end(`you asked for ${request.url}`);
    }
  });
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function tunnel(t: Test, port: number, requests: { capacity?: number; bodyBytes?: number } = {}) {
  const sim = await startSimulator({
    log: { level: 'silent' },
    resources: { upstreams: [{ match: NAME, ports: [80], to: { host: '127.0.0.1', port } }], requests },
  });
  t.teardown(() => sim.close());
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  const har = (): Entry[] => (sim.resources.har() as unknown as { log: { entries: Entry[] } }).log.entries;
  return {
    sim,
    client,
    har,
    lines: () => har().map(({ request, response }) => `${request.method} ${request.url} ${response.status}`),
    /** Once what the client has read to its end is seen, which may be before or after. */
    async seen(count: number): Promise<Entry[]> {
      for (let looks = 0; har().length < count && looks < 2000; looks++)
        await new Promise((resolve) => setImmediate(resolve));
      return har();
    },
  };
}

/** Sends bytes, and reads until the text of the answers has come. */
async function talk(stream: Duplex, sent: string, until: string): Promise<string> {
  const answered = Promise.withResolvers<void>();
  let text = '';
  const take = (chunk: Buffer): void => {
    text += chunk.toString('latin1');
    if (text.includes(until)) answered.resolve();
  };
  stream.on('data', take);
  stream.write(Buffer.from(sent, 'latin1'));
  await answered.promise;
  stream.off('data', take);
  return text;
}

const HEAD = `Host: ${NAME}\r\n`;

t.test('requests to a server of one’s own are seen as a HAR, and its bytes come as they were', async (t) => {
  const { sim, client, seen } = await tunnel(t, await developersServer(t), { bodyBytes: 100 });
  const agent = client.httpAgent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const ask = async (path: string, options: RequestOptions = {}, body?: string): Promise<Buffer> => {
    const request = httpRequest({ ...options, path, agent, host: NAME, headers: { host: NAME, ...options.headers } });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    return Buffer.concat(parts);
  };
  t.equal(
    (await ask('/plain?a=1', { headers: { authorization: 'Bearer secret' } })).toString(),
    'you asked for /plain?a=1',
  );
  t.equal((await ask('/chunked')).toString(), 'first second');
  t.equal((await ask('/head', { method: 'HEAD' })).length, 0);
  t.equal((await ask('/hints')).toString(), 'hinted');
  const posted = 'x'.repeat(50_000);
  t.equal((await ask('/echo', { method: 'POST', headers: { 'content-type': 'text/x' } }, posted)).toString(), posted);
  const big = await ask('/big');
  t.equal(
    createHash('sha256').update(big).digest('hex'),
    createHash('sha256').update(Buffer.alloc(BIG, 'big ')).digest('hex'),
  );
  const entries = await seen(6);
  t.strictSame(
    entries.map(({ request, response }) => [
      request.method,
      request.url,
      request.bodySize,
      response.status,
      response.content.size,
    ]),
    [
      ['GET', `http://${NAME}/plain?a=1`, 0, 200, 24],
      ['GET', `http://${NAME}/chunked`, 0, 200, 12],
      ['HEAD', `http://${NAME}/head`, 0, 200, 0],
      ['GET', `http://${NAME}/hints`, 0, 200, 6],
      ['POST', `http://${NAME}/echo`, 50_000, 200, 50_000],
      ['GET', `http://${NAME}/big`, 0, 200, BIG],
    ],
  );
  const [plain, , , , echo] = entries as [Entry, Entry, Entry, Entry, Entry];
  t.equal(echo.response.content.text, 'x'.repeat(100));
  t.equal(echo.request.postData?.text, 'x'.repeat(100));
  t.match(plain.request.headers, [
    { name: 'host', value: NAME },
    { name: 'authorization', value: '(not shown)' },
  ]);
  const connections = new Set(entries.map(({ _request }) => _request));
  t.ok(connections.size < entries.length, `${connections.size} connections`);
  const [request] = sim.journal.expect({ name: 'resource.request', fields: { request: plain._request } });
  t.match(request!.fields, { host: NAME });
  const [upstream] = sim.resources.list().upstreams;
  t.equal(plain._service, `upstream ${upstream!.id}`);
  t.type(plain._user, 'string');
  t.strictSame(harProblems(sim.resources.har()), []);
});

t.test('requests ahead of their answers, an upgrade and what follows it, and answers that break off', async (t) => {
  const { sim, client, lines, seen } = await tunnel(t, await developersServer(t));
  const ahead = await client.openTcp(NAME, 80);
  const three = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\n${HEAD}\r\n`).join('');
  t.match(await talk(ahead, three, 'asked for /3'), /asked for \/1[\s\S]*asked for \/2/);
  const upgraded = await client.openTcp(NAME, 80);
  const upgrade = `GET /up HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: echo\r\n\r\n`;
  t.match(await talk(upgraded, upgrade, '\r\n\r\n'), /^HTTP\/1.1 101/);
  const looksLikeHttp = `GET /not-http HTTP/1.1\r\n${HEAD}\r\n`;
  t.equal(await talk(upgraded, looksLikeHttp, '\r\n\r\n'), looksLikeHttp, 'what follows comes back as it was');
  for (const path of ['/break', '/silent']) {
    const broken = await client.openTcp(NAME, 80);
    broken.on('error', () => {});
    broken.on('end', () => broken.end());
    broken.resume();
    broken.write(`GET ${path} HTTP/1.1\r\n${HEAD}\r\n`);
    await once(broken, 'close');
  }
  const entries = await seen(6);
  t.strictSame(lines(), [
    `GET http://${NAME}/1 200`,
    `GET http://${NAME}/2 200`,
    `GET http://${NAME}/3 200`,
    `GET http://${NAME}/up 101`,
    `GET http://${NAME}/break 200`,
    `GET http://${NAME}/silent 0`,
  ]);
  t.match(entries[4]!.response, { content: { size: 9 }, _error: /before the answer was complete/ });
  t.match(entries[5]!.response, { _error: /before an answer/ });
  t.equal(entries[0]!.response.content.text, undefined, 'no bodies unless asked for');
  t.strictSame(harProblems(sim.resources.har()), []);
  ahead.destroy();
  upgraded.destroy();
});

t.test('what is no HTTP passes as it is, and is in no HAR', async (t) => {
  const server = createTcpServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { client, har } = await tunnel(t, (server.address() as AddressInfo).port);
  const sent: Readonly<Record<string, string>> = {
    TLS: `\x16\x03\x01\x00\x05hello${'\0'.repeat(300)}end`,
    'a line without an end': `GET /${'a'.repeat(60_000)}end`,
    'an HTTP request that is its own answer': `GET / HTTP/1.1\r\n${HEAD}\r\nend`,
    bytes: `${Array.from({ length: 256 }, (_, i) => String.fromCharCode(i))
      .join('')
      .repeat(40)}end`,
  };
  for (const [name, bytes] of Object.entries(sent)) {
    const stream = await client.openTcp(NAME, 80);
    t.equal(await talk(stream, bytes, 'end'), bytes, name);
    stream.destroy();
  }
  t.strictSame(har(), []);
});

t.test('with nothing kept nobody looks at the bytes', async (t) => {
  const { client, har } = await tunnel(t, await developersServer(t), { capacity: 0 });
  t.equal((await client.fetch(`http://${NAME}/plain`)).body.toString(), 'you asked for /plain');
  t.strictSame(har(), []);
});
