import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import t from 'tap';
import {
  type HttpRequest,
  type HttpResponse,
  headerValues,
  RequestReader,
  ResponseReader,
  serializeRequest,
  serializeResponse,
} from '../../../src/wire/http1/index.ts';

const LIMITS = { target: 255, head: 65_536, headerCount: 256, body: 1_000_000 };

/** A server of our codec that answers each request with what it read. */
async function echoServer() {
  const seen: HttpRequest[] = [];
  const server = createTcpServer((socket) => {
    const reader = new RequestReader(LIMITS);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      reader.feed(chunk);
      for (let result = reader.next(); result; result = reader.next()) {
        if ('fault' in result) return void socket.destroy();
        const { message } = result;
        seen.push(message);
        const { body } = message;
        const headers = [
          ['Content-Length', String(body.length)],
          ['X-Text', 'Grüße'],
        ] as const;
        socket.write(serializeResponse({ status: 200, text: 'OK', headers, body }, message.version));
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

t.test("Node's client and our server understand each other", async (t) => {
  await using server = await echoServer();
  const body = Buffer.alloc(200_000, 'body');
  for (const [label, headers, write] of [
    ['with a length', { 'content-length': String(body.length) }, [body]],
    ['in chunks', {}, [body.subarray(0, 1), body.subarray(1, 100_000), body.subarray(100_000)]],
    ['without a body', {}, []],
  ] as const) {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port,
      method: write.length > 0 ? 'POST' : 'GET',
      path: '/a?b=c',
      agent: false,
      headers: { ...headers, 'X-Two': ['1', '2'] },
    });
    for (const piece of write) outgoing.write(piece);
    outgoing.end();
    const [incoming] = await once(outgoing, 'response');
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const seen = server.seen.at(-1)!;
    t.equal(seen.target, '/a?b=c', label);
    t.strictSame(headerValues(seen.headers, 'x-two'), ['1', '2']);
    const wanted = write.length > 0 ? body : Buffer.alloc(0);
    t.ok(seen.body.equals(wanted), label);
    t.ok(Buffer.concat(parts).equals(wanted), label);
    t.equal(Buffer.from(incoming.headers['x-text'], 'latin1').toString(), 'Grüße');
  }
});

/** One request by our codec; the answer as our reader finds it. */
async function ask(port: number, method: string, body: string): Promise<HttpResponse> {
  const socket = connect(port, '127.0.0.1');
  const reader = new ResponseReader(method, LIMITS);
  const headers = [
    ['Host', 'localhost'],
    ['X-Text', 'Grüße'],
    ...(body === '' ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const]),
  ] as const;
  socket.write(serializeRequest({ method, target: '/a?b=c', headers, body: Buffer.from(body) }));
  try {
    for await (const chunk of socket) {
      reader.feed(chunk);
      const result = reader.next();
      if (result && 'fault' in result) throw new Error(result.fault.explanation);
      if (result) return result.message;
    }
    const result = reader.end();
    if (!result || 'fault' in result) throw new Error('no answer');
    return result.message;
  } finally {
    socket.destroy();
  }
}

t.test("our client and Node's server understand each other", async (t) => {
  const large = 'x'.repeat(300_000);
  const ways: Record<string, (response: ServerResponse, echo: string) => void> = {
    'with a length': (response, echo) =>
      response.writeHead(200, { 'content-length': Buffer.byteLength(echo) }).end(echo),
    'in chunks': (response, echo) => {
      response.write(echo.slice(0, 1));
      response.write(large);
      response.end(echo.slice(1));
    },
    'to the end of the connection': (response, echo) => {
      response.useChunkedEncodingByDefault = false;
      response.end(echo);
    },
    'after an interim answer': (response, echo) => {
      response.writeProcessing();
      response.end(echo);
    },
    'without a body': (response) => response.writeHead(204).end(),
  };
  for (const [label, way] of Object.entries(ways)) {
    const server = createServer(async (incoming, response) => {
      let text = '';
      for await (const part of incoming) text += part;
      response.setHeader('X-Seen', Buffer.from(String(incoming.headers['x-text']), 'latin1').toString('base64'));
      way(response, `${incoming.method} ${incoming.url} ${text}`);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const answer = await ask((server.address() as AddressInfo).port, 'POST', 'hello');
    const [seen = ''] = headerValues(answer.headers, 'x-seen');
    t.equal(Buffer.from(seen, 'base64').toString(), 'Grüße', label);
    const wanted = { 'in chunks': `P${large}OST /a?b=c hello`, 'without a body': '' }[label] ?? 'POST /a?b=c hello';
    t.ok(answer.body.toString() === wanted, label);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

t.test('what would make other headers of a header is not sent', async (t) => {
  const send = (name: string, value: string, target = '/') =>
    serializeRequest({ method: 'POST', target, headers: [[name, value]], body: Buffer.alloc(0) });
  t.throws(() => send('Authorization', 'Bearer a.b.c\n'), {
    code: 'ERR_HTTP_HEADER',
    message: /^Authorization has a line break/,
  });
  t.throws(() => send('X', 'a\r\nEvil: b'), { code: 'ERR_HTTP_HEADER' });
  t.throws(() => send('X: y\r\nEvil', 'b'), { code: 'ERR_HTTP_HEADER' });
  t.throws(() => send('X', 'y', '/ HTTP/1.1\r\nEvil: b'), { code: 'ERR_HTTP_HEADER' });
  t.throws(() => serializeResponse({ status: 200, text: 'OK\r\nEvil: b', headers: [], body: Buffer.alloc(0) }, '1.1'), {
    code: 'ERR_HTTP_HEADER',
  });
});
