import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import t, { type Test } from 'tap';
import { createJsonFetcher } from '../../src/bearer/fetch-json.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { testLeaf } from '../support/certificates.ts';

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

const LIMITS = { maxBytes: 10_000, timeout: 5000 };

async function failureOf(t: Test, url: string, limits = LIMITS): Promise<unknown> {
  const fetcher = createJsonFetcher();
  t.teardown(() => fetcher.close());
  try {
    return await fetcher.fetchJson(url, limits);
  } catch (error) {
    t.ok(isTunneliteError(error, 'ERR_IDENTITY_FETCH'));
    return isTunneliteError(error) ? error.details.reason : error;
  }
}

t.test('a JSON document is read', async (t) => {
  const url = await serve(t, (_, response) => response.end('{"keys":[]}'));
  t.same(await failureOf(t, url), { keys: [] });
});

t.test('redirects are not followed', async (t) => {
  let elsewhere = 0;
  const target = await serve(t, (_, response) => {
    elsewhere++;
    response.end('{}');
  });
  for (const status of [301, 302, 307, 308]) {
    const url = await serve(t, (_, response) => response.writeHead(status, { location: target }).end());
    t.equal(await failureOf(t, url), 'redirect', String(status));
  }
  t.equal(elsewhere, 0);
});

t.test('a document that says it is too large, or turns out to be, is left', async (t) => {
  const says = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': 100_000_000 }).write('{');
  });
  t.equal(await failureOf(t, says), 'too-large');
  let sent = 0;
  const turnsOut = await serve(t, (_, response) => {
    const chunk = Buffer.alloc(65_536, 0x20);
    const more = (): void => {
      while (!response.destroyed && sent < 100_000_000) {
        sent += chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', more);
          return;
        }
      }
    };
    more();
  });
  t.equal(await failureOf(t, turnsOut), 'too-large');
  t.ok(sent < 50_000_000, 'most of the 100 MB was never sent');
});

t.test('an endpoint that trickles is given up', async (t) => {
  const url = await serve(t, (_, response) => {
    response.write('{');
    const timer = setInterval(() => response.write(' '), 5);
    response.once('close', () => clearInterval(timer));
  });
  t.equal(await failureOf(t, url, { ...LIMITS, timeout: 60 }), 'timeout');
  const silent = await serve(t, () => undefined);
  t.equal(await failureOf(t, silent, { ...LIMITS, timeout: 60 }), 'timeout');
});

t.test('errors, garbage and closed connections are told apart', async (t) => {
  t.equal(await failureOf(t, await serve(t, (_, response) => response.writeHead(503).end('{}'))), 'status');
  t.equal(await failureOf(t, await serve(t, (_, response) => response.end('<html>'))), 'not-json');
  t.equal(await failureOf(t, await serve(t, (request) => request.socket.destroy())), 'network');
});

t.test('other than https is fetched from this machine only', async (t) => {
  for (const url of ['http://login.example/keys', 'file:///etc/passwd', 'ftp://127.0.0.1/', 'nonsense', '']) {
    t.equal(await failureOf(t, url), 'address', url);
  }
});

t.test('a caller can give up', async (t) => {
  const url = await serve(t, () => undefined);
  const fetcher = createJsonFetcher();
  const controller = new AbortController();
  const pending = fetcher.fetchJson(url, { ...LIMITS, signal: controller.signal });
  controller.abort();
  await t.rejects(pending, { code: 'ERR_IDENTITY_FETCH' });
  await fetcher.close();
  await fetcher.close();
});

t.test('a connection that the server closed while it was idle is no failure', async (t) => {
  let requests = 0;
  const url = await serve(t, (request, response) => {
    requests++;
    response.end('{}', () => {
      // Closes without a word of it in the answer, as servers do when their keep-alive time is over.
      if (requests === 1) request.socket.resetAndDestroy();
    });
  });
  const fetcher = createJsonFetcher();
  t.teardown(() => fetcher.close());
  t.same(await fetcher.fetchJson(url, LIMITS), {});
  t.same(await fetcher.fetchJson(url, LIMITS), {});
});

t.test('certificate authorities are given as one text or as several, and hold for agents and for dials', async (t) => {
  const leaf = await testLeaf('localhost');
  const server = createSecureServer({ key: leaf.keyPem, cert: leaf.certPem }, (_, response) => response.end('{"a":1}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const address = `https://localhost:${port}/`;
  const dial = () => connect({ host: '127.0.0.1', port });
  for (const ca of [leaf.caPem, [leaf.caPem]]) {
    for (const options of [{ ca }, { ca, dial }]) {
      await using fetcher = createJsonFetcher(options);
      t.strictSame(await fetcher.fetchJson(address, { maxBytes: 100, timeout: 10_000 }), { a: 1 });
    }
  }
  for (const options of [{}, { dial }]) {
    await using fetcher = createJsonFetcher(options);
    await t.rejects(fetcher.fetchJson(address, { maxBytes: 100, timeout: 10_000 }), { code: 'ERR_IDENTITY_FETCH' });
  }
});

t.test('one connection serves one fetch after the other, and goes with the fetcher', async (t) => {
  const server = createServer((_, response) => response.end('{}'));
  let connections = 0;
  const gone = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    connections++;
    socket.once('close', () => gone.resolve());
  });
  // Idle connections are the client's to end.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const fetcher = createJsonFetcher();
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  for (let i = 0; i < 3; i++) t.strictSame(await fetcher.fetchJson(address, LIMITS), {});
  t.equal(connections, 1);
  await fetcher.close();
  await gone.promise;
});
