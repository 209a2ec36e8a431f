import { once } from 'node:events';
import t from 'tap';
import { loadConfig } from '../../src/config/index.ts';
import { connectSimulator, type TunnelClient } from '../../src/index.ts';
import { problems } from '../support/config-problems.ts';
import { connect, start } from '../support/running-simulator.ts';

/* Answers of one's own in the mock network. */

t.setTimeout(120_000);

async function ask(client: TunnelClient, host: string, path: string, method = 'GET') {
  const stream = await client.openTcp(host, 80);
  stream.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const [head = '', body = ''] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)];
  return { status: Number(head.split(' ')[1]), head, body };
}

const HOST = 'orders.contoso.internal';

t.test('stubs of the configuration answer by host, method and path, and are counted', async (t) => {
  const sim = await start(t, {
    services: {
      stubs: [
        { host: HOST, method: 'GET', path: '/orders/7', json: { id: 7 }, headers: { 'X-Kind': 'exact' } },
        { host: HOST, path: '/orders/:id', method: 'GET', body: 'some order\nof two lines', status: 203 },
        { host: HOST, path: '/files/*', body: 'a file' },
        { host: HOST, expression: '/v[0-9]+/(a|b)+', status: 204 },
        { path: '/flaky', sequence: [{ status: 503 }, { status: 200, body: 'now', delay: 20 }] },
      ],
    },
  });
  const { client, id: session } = await connect(t, sim);
  t.match(await ask(client, HOST, '/orders/7?x=1'), { status: 200, head: /x-kind: exact/i, body: '{"id":7}' });
  t.match(await ask(client, HOST, '/orders/8'), { status: 203, body: 'some order\nof two lines' });
  t.match(await ask(client, HOST, '/files/a/b/c'), { status: 200, body: 'a file' });
  t.match(await ask(client, HOST, '/v12/abab'), { status: 204 });
  for (const [path, method] of [
    ['/orders/7', 'POST'],
    ['/orders/7/x', 'GET'],
    ['/v12/abc', 'GET'],
    ['/x/v1/a', 'GET'],
    ['/', 'GET'],
  ] as const) {
    const none = await ask(client, HOST, path, method);
    t.equal(none.status, 404, `${method} ${path}`);
    t.match(none.body, /No stub answers/);
  }
  t.equal((await ask(client, 'stubs.contoso.internal', '/orders/7')).status, 404, 'of another name');
  t.strictSame(
    [await ask(client, HOST, '/flaky'), await ask(client, HOST, '/flaky'), await ask(client, HOST, '/flaky')].map(
      ({ status, body }) => [status, body],
    ),
    [
      [503, ''],
      [200, 'now'],
      [200, 'now'],
    ],
  );
  t.strictSame(
    sim.stubs.list().map(({ id, hits }) => [id, hits]),
    [
      ['s1', 1],
      ['s2', 1],
      ['s3', 1],
      ['s4', 1],
      ['s5', 3],
    ],
  );
  sim.journal.expect({ name: 'stub.request', fields: { stub: 's5', session } }, 3);
  await sim.reset();
  t.ok(sim.stubs.list().every(({ hits }) => hits === 0));
});

for (const remote of [false, true]) {
  t.test(`stubs come and go, ${remote ? 'over REST' : 'in process'}, and sessions go on`, async (t) => {
    const sim = await start(t, { services: { stubs: [{ host: HOST, path: '/a', body: 'configured' }] } });
    const { stubs } = remote ? await connectSimulator(sim.urls.admin, { secret: sim.admin.secret }) : sim;
    const { client, id } = await connect(t, sim);
    const open = await client.openTcp('tcpecho.contoso.internal', 7);
    t.equal((await ask(client, HOST, '/a')).body, 'configured');
    const added = await stubs.add({ host: HOST, path: '/a', body: 'added' });
    t.match(added, { id: 's2', source: 'added', hits: 0 });
    t.equal((await ask(client, HOST, '/a')).body, 'added');
    await t.rejects(client.openTcp('new.contoso.internal', 80), 'there is no such name yet');
    await stubs.add({ host: 'new.contoso.internal', path: '/', json: [1] });
    t.equal((await ask(client, 'new.contoso.internal', '/')).body, '[1]');
    t.match(await stubs.get('s2'), { hits: 1 });
    t.strictSame(await stubs.remove('s2'), { hits: 1 });
    t.equal((await ask(client, HOST, '/a')).body, 'configured');
    for (const call of [() => stubs.remove('s2'), () => stubs.get('__proto__')]) {
      t.match(
        await Promise.resolve()
          .then(call)
          .catch((error) => error),
        { code: 'ERR_STUB_UNKNOWN' },
      );
    }
    for (const [input, message] of [
      [{ expression: '(a' }, /missing closing \)/],
      [{ expression: '(?=a)b' }, /invalid or unsupported Perl syntax/],
      [{ path: 'a' }, /begins with \//],
      [{ path: '/a*' }, /as the last segment/],
      [{ path: '/a?b' }, /no query/],
      [{ path: '/', headers: { 'content-length': '5' } }, /set by the server itself/],
      [{ path: '/', headers: { 'x\r\ny': '5' } }, /not a header name/],
      [{ path: '/', body: 'a', json: 1 }, /there is also json/],
      [{ path: '/', host: 'intranet.contoso.internal' }, /another mock host/],
      [{ path: '/', status: 99 }, /status/],
    ] as const) {
      const error = await Promise.resolve()
        .then(() => stubs.add(input as never))
        .catch((error) => error);
      t.match(error, { code: /ERR_STUB_INVALID|ERR_REQUEST_INVALID/, message }, JSON.stringify(input));
    }
    await sim.reload({ services: { stubs: [{ host: HOST, path: '/a', body: 'reloaded' }] } });
    t.equal((await ask(client, HOST, '/a')).body, 'reloaded');
    open.write('still here');
    t.equal(String((await once(open, 'data'))[0]), 'still here');
    t.equal(sim.sessions.list().find((one) => one.id === id)?.state, 'connected');
    await sim.reset();
    t.equal((await stubs.list()).length, 1);
  });
}

t.test('stubs that change while requests are under way leave those as they were decided', async (t) => {
  const stubs = [{ host: HOST, path: '/slow', body: 'configured', delay: 300 }];
  const sim = await start(t, { services: { stubs } });
  const { client } = await connect(t, sim);
  const { id } = sim.stubs.add({ host: HOST, path: '/slow', body: 'added', delay: 300 });
  const under = Array.from({ length: 10 }, () => ask(client, HOST, '/slow'));
  for (let count = 0; count < 10; count = sim.journal.count({ name: 'stub.request', fields: { stub: id } })) {
    await new Promise(setImmediate);
  }
  sim.stubs.remove(id);
  for (let i = 0; i < 50; i++) sim.stubs.remove(sim.stubs.add({ host: HOST, path: '/slow', status: 500 }).id);
  await sim.reload({ services: { stubs: [{ ...stubs[0]!, body: 'reloaded', delay: 0 }] } });
  t.equal((await ask(client, HOST, '/slow')).body, 'reloaded');
  t.strictSame(
    (await Promise.all(under)).map(({ status, body }) => `${status} ${body}`),
    under.map(() => '200 added'),
  );
});

t.test('an expression that would take for ever elsewhere takes no time', async (t) => {
  const sim = await start(t, { services: { stubs: [{ path: null, expression: '/(a+)+' }] } });
  const { client } = await connect(t, sim);
  t.equal((await ask(client, 'stubs.contoso.internal', `/${'a'.repeat(2_000)}!`)).status, 404);
  t.equal((await ask(client, 'stubs.contoso.internal', `/${'a'.repeat(2_000)}`)).status, 200);
});

t.test('ten thousand stubs answer as one does, and more are refused', async (t) => {
  const stubs = Array.from({ length: 10_000 }, (_, i) => ({ host: HOST, path: `/${i % 100}/:x/${i}`, json: i }));
  const sim = await start(t, { services: { stubs } });
  const { client } = await connect(t, sim);
  t.equal((await ask(client, HOST, '/99/anything/9999')).body, '9999');
  t.throws(() => sim.stubs.add({ path: '/' }), { code: 'ERR_STUB_INVALID', message: /10000 stubs/ });
  t.match(problems({ services: { stubs: Array.from({ length: 51 }, () => ({ expression: 'a' })) } }), [
    { message: /51 stubs have an expression/ },
  ]);
  const body = 'x'.repeat(1024 * 1024);
  t.match(problems({ services: { stubs: Array.from({ length: 65 }, () => ({ path: '/', body })) } }), [
    { message: /bodies have/ },
  ]);
  t.match(problems({ services: { stubs: [{ path: '/', body: `${body}x` }] } }), [{ path: 'services.stubs[0].body' }]);
});

t.test('a bad expression is refused with its line and column', async (t) => {
  const folder = t.testdir({ 'tunnelite.yaml': 'services:\n  stubs:\n    - path: /fine\n    - expression: "(a|b"\n' });
  t.throws(() => loadConfig({ file: `${folder}/tunnelite.yaml` }), {
    message: /tunnelite\.yaml:4:\d+ services\.stubs\[1\]\.expression: .*missing closing/,
  });
});

t.test('a stub’s name has HTTPS with a certificate for it, also when it is added later', async (t) => {
  const sim = await start(t, { services: { stubs: [{ host: HOST, path: '/first', body: 'one' }] } });
  const { client } = await connect(t, sim);
  const get = async (host: string, path: string) =>
    (await client.fetch(`https://${host}${path}`, { ca: sim.ca })).body.toString();
  t.equal(await get(HOST, '/first'), 'one');
  sim.stubs.add({ host: 'late.contoso.internal', path: '/second', body: 'two' });
  t.equal(await get('late.contoso.internal', '/second'), 'two');
  t.equal(await get(HOST, '/first'), 'one', 'the other has one still');
});
