import { createServer } from 'node:net';
import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

t.setTimeout(240_000);

const PAGE = 'http://intranet.contoso.internal/whoami';
const resource = { seam: 'decision', kind: 'resource' } as const;

t.test('a resource refuses, cannot be reached, or does not answer', async (t) => {
  const sim = await start(t);
  const { client, id } = await connect(t, sim);
  const ways = [
    ['refuse', /refused|reset/i],
    ['unreachable', /refused the connection/i],
  ] as const;
  for (const [action, words] of ways) {
    await using rule = sim.faults.add({
      on: { ...resource, name: 'intranet.contoso.internal', port: 80, session: id },
      then: { do: action, reason: 'Maintenance.' },
    });
    await t.rejects(client.openTcp('intranet.contoso.internal', 80), { message: words }, action);
    t.equal(rule.hits(), 1);
    t.match(sim.journal.query({ name: 'resource.request' }).at(-1)!.fields, {
      rule: 'fault',
      explanation: 'Maintenance.',
    });
  }
  await using filtered = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'filter' } });
  const attempt = client.openTcp('intranet.contoso.internal', 80);
  attempt.catch(() => {});
  await filtered.struck();
  filtered.remove();
  const stream = await attempt;
  t.ok(stream.writable, 'the SYN that is repeated is answered');
  stream.destroy();
  sim.journal.expectNoProblems();
});

t.test('a connection is reset after so many bytes', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  const got = async (bytes: number): Promise<number | string> => {
    await using rule = sim.faults.add({ on: { ...resource, port: 80 }, then: { do: 'reset', bytes } });
    const opened = client.openTcp('intranet.contoso.internal', 80);
    const opening = await opened.catch((error: Error) => error);
    if (opening instanceof Error) {
      // It came in one batch with what opened the connection.
      t.match(opening, { code: 'ERR_CLIENT_OPEN', message: /was reset right after it opened/ });
      t.equal(rule.hits(), 1);
      return 0;
    }
    const stream = opening;
    let count = 0;
    stream.on('data', (chunk: Buffer) => {
      count += chunk.length;
    });
    const ended = new Promise<Error | undefined>((resolve) => {
      stream.once('error', resolve);
      stream.once('close', () => resolve(undefined));
    });
    stream.write('GET /bytes/100000 HTTP/1.1\r\nHost: intranet.contoso.internal\r\n\r\n');
    const error = await ended;
    t.match(error?.message, /reset/i);
    t.equal(rule.hits(), 1);
    return count;
  };
  t.equal(await got(5000), 5000);
  t.equal(await got(0), 0);
});

t.test('a resource is slow to accept, and slow to send', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  {
    await using late = sim.faults.add({ on: resource, when: { times: 1 }, then: { do: 'delay', ms: 30 } });
    t.equal((await client.fetch('http://10.20.0.10/whoami')).status, 200);
    t.equal(late.hits(), 1);
  }
  await using slow = sim.faults.add({
    on: { ...resource, port: 80 },
    then: { do: 'rate', kbps: 800, ms: 2, jitter: 1 },
  });
  const answer = await client.fetch('http://intranet.contoso.internal/bytes/50000');
  t.equal(answer.body.length, 50_000, 'nothing is lost');
  t.equal(slow.hits(), 1);
  const upload = await client.fetch('http://intranet.contoso.internal/echo', {
    method: 'POST',
    body: 'x'.repeat(30_000),
  });
  t.ok(upload.status < 600, 'and back');
});

t.test('a service that speaks HTTP answers with the status that is wanted, whatever was asked', async (t) => {
  const sim = await start(t);
  const { client } = await connect(t, sim);
  await using busy = sim.faults.add({
    on: { ...resource, name: '*.contoso.internal' },
    then: { do: 'status', status: 503, retryAfter: 7, ms: 1 },
  });
  for (const url of [PAGE, 'https://webapp.contoso.internal/']) {
    const answer = await client.fetch(url, { ca: sim.ca });
    t.match(answer, { status: 503, headers: { 'retry-after': '7' } }, url);
    t.equal(answer.body.toString(), '503 Service Unavailable\n');
  }
  t.equal(busy.hits(), 2);
  const before = busy.seen();
  const question = await client.resolve('intranet.contoso.internal');
  t.ok(question.length > 0, 'DNS is no web site');
  t.equal(busy.seen(), before);
});

t.test('what is done to connections is done to those of upstreams too', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('x'.repeat(10_000)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const sim = await start(t, {
    gateway: { routesInclude: ['10.20.0.0/16', '192.0.2.0/24'] },
    resources: { upstreams: [{ match: '192.0.2.1', to: { host: '127.0.0.1', port } }] },
  });
  const { client } = await connect(t, sim);
  await using cut = sim.faults.add({ on: { ...resource, name: '192.0.2.1' }, then: { do: 'reset', bytes: 4000 } });
  const stream = await client.openTcp('192.0.2.1', 9);
  let count = 0;
  stream.on('data', (chunk: Buffer) => {
    count += chunk.length;
  });
  await new Promise<void>((resolve) => stream.once('error', () => resolve()));
  t.equal(count, 4000);
  t.equal(cut.hits(), 1);
});

t.test('what cannot be done to a resource is told', async (t) => {
  const sim = await start(t);
  const add = (on: object, then: object) => () => sim.faults.add({ on: { seam: 'decision', ...on }, then } as never);
  t.throws(add({ kind: 'accept' }, { do: 'reset', bytes: 1 }), {
    message: /only connections to a resource can be reset later/,
  });
  t.throws(add({}, { do: 'reset', bytes: 1 }), { message: /kind: resource/ });
  t.throws(add({ kind: 'resource' }, { do: 'rate', kbps: 1, queue: 5 }), { message: /no queue to set/ });
  t.throws(add({ kind: 'connect' }, { do: 'filter' }), { message: /filter is not possible at connect/ });
  t.throws(add({ kind: 'resource' }, { do: 'stall' }), { message: /stall is not possible at resource/ });
});
