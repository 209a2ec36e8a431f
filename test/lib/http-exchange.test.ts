import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { loadCertificates } from '../../src/certs/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { isTunneliteError, TunneliteError } from '../../src/lib/errors.ts';
import { exchange } from '../../src/lib/http-exchange.ts';
import { systemRandom } from '../../src/lib/random.ts';

const LIMITS = { maxBytes: 1_000, timeout: 5_000 };

async function serve(t: Test, listener: RequestListener, tls?: { cert: string; key: string }): Promise<string> {
  const server = tls ? createSecureServer(tls, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: unknown) => (isTunneliteError(error, 'ERR_HTTP_EXCHANGE') ? error.details.reason : error),
  );

t.test('an answer comes whole, with what was asked and whatever its status', async (t) => {
  const url = await serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    response.writeHead(418, { 'x-seen': `${request.method} ${request.headers['content-type']}` }).end(body);
  });
  const answer = await exchange(url, {
    ...LIMITS,
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'tea',
  });
  t.equal(answer.status, 418);
  t.equal(answer.headers['x-seen'], 'POST text/plain');
  t.equal(answer.body.toString(), 'tea');
});

t.test('an answer may neither be longer nor take longer than allowed', async (t) => {
  const long = await serve(t, (_, response) => response.end('x'.repeat(1_001)));
  t.equal(await reasonOf(exchange(long, LIMITS)), 'too-large');
  const chunked = await serve(t, (_, response) => {
    response.write('x'.repeat(600));
    response.end('x'.repeat(600));
  });
  t.equal(await reasonOf(exchange(chunked, LIMITS)), 'too-large');
  const never = await serve(t, (_, response) => response.write('{'));
  t.equal(await reasonOf(exchange(never, { ...LIMITS, timeout: 20 })), 'timeout');
  t.equal(await reasonOf(exchange(never, { ...LIMITS, signal: AbortSignal.abort() })), 'network');
});

t.test('the status can be refused before the body is read', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(500).write('and so on'));
  const refusal = new TunneliteError('ERR_CLOSED');
  const promise = exchange(url, { ...LIMITS, refuse: (status) => (status === 500 ? refusal : undefined) });
  t.equal(await promise.catch((error: unknown) => error), refusal);
});

t.test('who answers has to be trusted, or to be the very one that is pinned', async (t) => {
  const store = await loadCertificates({
    directory: undefined,
    clock: systemClock,
    random: systemRandom,
    emit: () => {},
  });
  const [leaf, other] = await Promise.all([
    store.leaf('one', { dnsNames: ['localhost'], ips: ['127.0.0.1'] }),
    store.leaf('two', { dnsNames: ['localhost'], ips: ['127.0.0.1'] }),
  ]);
  let answered = 0;
  const url = await serve(t, (_, response) => response.end(String(++answered)), {
    cert: leaf.certPem,
    key: leaf.keyPem,
  });
  t.equal(await reasonOf(exchange(url, LIMITS)), 'network');
  t.equal((await exchange(url, { ...LIMITS, ca: store.ca.certPem })).body.toString(), '1');
  t.equal((await exchange(url, { ...LIMITS, pinned: leaf.certPem })).body.toString(), '2');
  t.equal(await reasonOf(exchange(url, { ...LIMITS, pinned: other.certPem })), 'network');
  t.equal(answered, 2, 'nothing is asked of a stranger');
});

t.test('an answer that waits to be read after a stall is not too late', async (t) => {
  const url = await serve(t, (_, response) => {
    // The whole process stands still, as when it is stopped.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    response.end('here');
  });
  const { body } = await exchange(url, { ...LIMITS, timeout: 200 });
  t.equal(body.toString(), 'here');
});
