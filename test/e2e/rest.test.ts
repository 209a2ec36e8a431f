import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';

const sim = await startSimulator();
t.teardown(() => sim.close());
const authorization = `Bearer ${sim.admin.secret}`;
const url = (path: string): string => `${sim.admin.url}/api${path}`;

async function api(method: string, path: string, body?: unknown) {
  const answer = await fetch(url(path), {
    method,
    headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, value: text === '' ? undefined : JSON.parse(text) };
}

const connectClient = async () =>
  TunnelClient.connect({ dtls: 'off', server: sim.urls.gateway, token: await sim.token(), ca: sim.ca });

t.test('status says what runs and where', async (t) => {
  const { value } = await api('GET', '/status');
  t.match(value, {
    pid: process.pid,
    gateway: sim.urls.gateway,
    authority: sim.urls.authority,
    admin: sim.urls.admin,
    ca: sim.ca,
  });
  t.match(value, { issuesTokens: true, sessions: { connected: 0 }, counters: { sessions: 0 } });
});

t.test('sessions are listed, shown, and ended', async (t) => {
  const { value: at } = await api('GET', '/journal/mark');
  await using client = await connectClient();
  const { value } = await api('GET', '/sessions?state=connected&user=alice@contoso.com');
  t.equal(value.sessions.length, 1);
  const [{ id }] = value.sessions;
  t.match((await api('GET', `/sessions/${id}`)).value, {
    id,
    state: 'connected',
    address4: client.configuration.address4,
  });
  t.match((await api('GET', '/sessions?user=nobody@contoso.com')).value, { sessions: [] });
  t.match(await api('GET', '/sessions/nobody'), { status: 404, value: { error: { code: 'ERR_SESSION_UNKNOWN' } } });
  t.equal((await api('POST', `/sessions/${id}/disconnect`, { reason: 'A test ends it.' })).status, 204);
  const told = await api('GET', `/journal/wait?name=session.disconnect&where=session=${id}&since=${at.mark}`);
  t.match(told, { status: 200, value: { fields: { session: id, reason: 'admin', explanation: 'A test ends it.' } } });
  t.match(await api('POST', '/sessions/nobody/disconnect', {}), { status: 404 });
});

t.test('the journal is queried by name, area, field, text and mark', async (t) => {
  const all = (await api('GET', '/journal')).value;
  t.equal(all.events[0].name, 'simulator.starting');
  t.equal(all.matched, all.events.length);
  t.equal(all.mark, sim.journal.mark());
  const names = async (query: string) =>
    (await api('GET', `/journal?${query}`)).value.events.map((one: { name: string }) => one.name);
  t.strictSame(await names('name=simulator.*,auth.accepted'), [
    'simulator.starting',
    'simulator.ready',
    'auth.accepted',
  ]);
  t.strictSame(await names('name=simulator.starting&name=simulator.ready'), ['simulator.starting', 'simulator.ready']);
  t.strictSame(await names('name=session.connect&where=resumed=false&where=mtu>100'), ['session.connect']);
  t.strictSame(await names('name=session.connect&where=resumed=true'), []);
  t.strictSame(await names(`since=${all.mark}`), []);
  t.strictSame(await names('until=1'), ['simulator.starting']);
  t.strictSame(await names('limit=0'), []);
  t.equal((await names('limit=2')).length, 2);
  const lines = await (
    await fetch(url('/journal?format=ndjson&name=simulator.*'), { headers: { authorization } })
  ).text();
  t.equal(lines, sim.journal.ndjson({ name: 'simulator.*' }));
});

t.test('a query that cannot be meant is refused, with the place and what may have been meant', async (t) => {
  for (const [query, message] of [
    ['name=sesion.connect', /no event “sesion\.connect”\. Did you mean “session\.connect”\?$/],
    ['name=chanel.*', /Did you mean “channel\.\*”\?$/],
    ['name=toString', /There is no event/],
    ['name=,', /“,” names no event\.$/],
    ['where=session', /“session” is not a condition/],
    ['where=mtu>many', /needs a number/],
    [
      'name=session.connect&where=sesion=k3',
      /No event session\.connect has a field “sesion”; did you mean “session”\?/,
    ],
    ['where=toString=1', /No event has a field “toString”/],
    ['since=-1', /^query since: /],
    ['level=loud', /there is no level "loud"/],
    ['limt=1', /Did you mean "limit"\?$/],
    [`text=${'x'.repeat(2000)}`, /^query text: /],
  ] as const) {
    const { status, value } = await api('GET', `/journal?${query}`);
    t.equal(status, 400, query);
    t.match(value, { error: { message, hint: String } }, query);
  }
});

t.test('a wait is answered by the past and the future, and says what came instead', async (t) => {
  t.match(await api('GET', '/journal/wait?name=simulator.ready'), { status: 200, value: { seq: Number } });
  const mark = sim.journal.mark();
  const wait = api('GET', `/journal/wait?name=auth.accepted&since=${mark}&timeout=60`);
  await using client = await connectClient();
  t.ok(client.connected);
  t.match(await wait, { status: 200, value: { name: 'auth.accepted', fields: { session: String } } });
  const vain = await api('GET', `/journal/wait?name=channel.cstp.dead&since=${mark}&timeout=0.001`);
  t.match(vain, { status: 408, value: { error: { code: 'ERR_TIMEOUT', message: /Nearest:\n.*channel\./ } } });
  t.match(await api('GET', '/journal/expect?name=auth.accepted&times=9'), {
    status: 409,
    value: { error: { code: 'ERR_JOURNAL_EXPECTATION', message: /^Expected 9 auth\.accepted, and there were 2/ } },
  });
  t.match(await api('GET', `/journal/expect?name=auth.accepted&since=${mark}&times=1`), { status: 200 });
});

t.test('what goes wrong is listed, unless it is excepted', async (t) => {
  const mark = sim.journal.mark();
  await t.rejects(
    TunnelClient.connect({ server: sim.urls.gateway, token: await sim.token({ wrong: 'expired' }), ca: sim.ca }),
  );
  t.match((await api('GET', `/journal/problems?since=${mark}`)).value, { problems: [{ name: 'auth.refused' }] });
  t.strictSame((await api('GET', `/journal/problems?since=${mark}&except=auth.*`)).value, { problems: [], lost: 0 });
  t.match(
    await api('GET', `/journal/problems?since=${mark}&except=,`),
    { status: 400 },
    'which would except everything',
  );
});

t.test('the clock is read, moved and stopped', async (t) => {
  const before = (await api('GET', '/clock')).value;
  t.match(before, { mode: 'real', offset: 0 });
  const { value } = await api('POST', '/clock/advance', { by: '90m' });
  t.ok(value.offset >= 5_400_000, String(value.offset));
  t.equal((await api('PUT', '/clock/mode', { mode: 'manual' })).value.mode, 'manual');
  const [one, two] = [(await api('GET', '/clock')).value, (await api('GET', '/clock')).value];
  t.equal(one.now, two.now);
  t.equal((await api('PUT', '/clock/mode', { mode: 'real' })).value.mode, 'real');
  for (const [path, method, body] of [
    ['/clock/advance', 'POST', { by: 'soon' }],
    ['/clock/advance', 'POST', { by: -1 }],
    ['/clock/advance', 'POST', { by: '9999999999d' }],
    ['/clock/advance', 'POST', {}],
    ['/clock/mode', 'PUT', { mode: 'fast' }],
  ] as const) {
    t.match(
      await api(method, path, body),
      { status: 400, value: { error: { message: String, hint: String } } },
      JSON.stringify(body),
    );
  }
});

t.test('the journal is followed as it happens, from a mark, and after a break', async (t) => {
  const mark = sim.journal.mark();
  await api('POST', '/clock/advance', { by: 1 });
  const read = async (
    headers: Record<string, string>,
    query: string,
    count: number,
  ): Promise<{ id: number; name: string }[]> => {
    const gone = new AbortController();
    const answer = await fetch(url(`/journal/stream${query}`), {
      headers: { authorization, ...headers },
      signal: gone.signal,
    });
    t.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    let text = '';
    const seen: { id: number; name: string }[] = [];
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const message = text.slice(0, end);
        text = text.slice(end + 2);
        const found = /^id: (\d+)\ndata: (.*)$/m.exec(message);
        if (found) seen.push({ id: Number(found[1]), name: JSON.parse(found[2]!).name });
      }
      if (seen.length >= count) break;
    }
    gone.abort();
    return seen;
  };
  const first = await read({}, `?name=clock.*&since=${mark}`, 1);
  t.equal(first[0]!.name, 'clock.advanced');
  const next = read({ 'last-event-id': String(first[0]!.id) }, '?name=clock.*', 2);
  await api('POST', '/clock/advance', { by: 1 });
  await api('POST', '/clock/advance', { by: 1 });
  const seen = await next;
  t.equal(seen.length, 2);
  t.ok(seen.every(({ id }) => id > first[0]!.id));
});

t.test('readers that do not read are bounded and harm nobody', async (t) => {
  const { port } = new URL(sim.admin.url);
  const sockets = Array.from({ length: 1000 }, () => connect(Number(port), '127.0.0.1'));
  t.teardown(() => sockets.forEach((socket) => void socket.destroy()));
  const heads = await Promise.all(
    sockets.map(async (socket) => {
      socket.on('error', () => {});
      socket.write(`GET /api/journal/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      socket.pause();
      return String(chunk).slice(9, 12);
    }),
  );
  t.equal(heads.filter((status) => status === '200').length, 100);
  t.equal(heads.filter((status) => status === '503').length, 900);
  const before = process.memoryUsage();
  // Far more than waits for one reader before it has to catch up by itself.
  for (let i = 0; i < 30_000; i++) sim.emit('clock.mode', { mode: 'x'.repeat(100) });
  await api('POST', '/clock/advance', { by: 1 });
  const { heapUsed, external } = process.memoryUsage();
  const held = (heapUsed - before.heapUsed + external - before.external) / 2 ** 20;
  t.ok(
    held < 250,
    `${held.toFixed(0)} MiB more for 100 readers that take nothing, of 0.25 MiB each at most, and the journal`,
  );
  await using client = await connectClient();
  t.equal((await client.fetch('http://intranet.contoso.internal/')).status, 200, 'sessions go on');
  for (const socket of sockets) socket.destroy();
});

t.test('nothing is told without the secret', async (t) => {
  for (const path of [
    '/status',
    '/sessions',
    '/journal',
    '/journal/stream',
    '/clock',
    '/config',
    '/resources',
    '/directory',
    '/failures',
  ]) {
    const answer = await fetch(url(path));
    t.equal(answer.status, 401, path);
    t.match(await answer.json(), { error: { code: 'ERR_ADMIN_SECRET', hint: /tunnelite status/ } });
  }
});

t.test('a session is expired and rekeyed from outside', async (t) => {
  await using client = await connectClient();
  t.ok(client.connected);
  const [{ id }] = (await api('GET', '/sessions?state=connected')).value.sessions;
  const mark = sim.journal.mark();
  t.equal((await api('POST', `/sessions/${id}/rekey`, {})).status, 204);
  t.match(await api('GET', `/journal/wait?name=session.disconnect&where=session=${id}&since=${mark}`), { status: 200 });
  t.match(await api('POST', `/sessions/${id}/rekey`, {}), {
    status: 409,
    value: { error: { code: 'ERR_SESSION_NOT_CONNECTED' } },
  });
  t.equal((await api('POST', `/sessions/${id}/expire`, {})).status, 204);
  t.match(await api('GET', `/journal/wait?name=session.expired&where=session=${id}&since=${mark}`), { status: 200 });
});

t.test('the gateway is restarted, drained, stopped and started from outside', async (t) => {
  const { port } = sim.gateway;
  t.match((await api('GET', '/gateway')).value, { state: 'listening', counters: { sessions: Number } });
  t.match((await api('POST', '/gateway/restart', { cookies: 'lose' })).value, { state: 'listening' });
  t.equal(sim.gateway.port, port);
  t.match(await api('POST', '/gateway/drain', { timeout: '1s' }), { status: 200, value: { left: 0, ended: 0 } });
  t.match((await api('GET', '/gateway')).value, { state: 'draining', unavailable: String });
  t.equal((await fetch(`${sim.admin.url}/readyz`)).status, 503, 'not ready while it drains');
  t.match((await api('POST', '/gateway/stop', {})).value, { state: 'stopped' });
  t.match(await api('POST', '/gateway/drain', {}), { status: 409, value: { error: { code: 'ERR_GATEWAY_STATE' } } });
  t.match((await api('POST', '/gateway/start', {})).value, { state: 'listening' });
  await using client = await connectClient();
  t.ok(client.connected);
  t.match(await api('POST', '/gateway/restart', { cookies: 'eat' }), {
    status: 400,
    value: { error: { message: /no way with cookies "eat"/ } },
  });
});

t.test('resources and configuration are shown, without secrets', async (t) => {
  t.match((await api('GET', '/resources')).value, { hosts: [{ names: Array }], upstreams: [] });
  const { value } = await api('GET', '/config');
  t.match(value, { gateway: { dpd: Number }, journal: { level: String } });
  t.notMatch(JSON.stringify(value), /Passw0rd/);
});

t.test('every noun is described, with an operation of its own', async (t) => {
  const document = (await (await fetch(url('/openapi.json'))).json()) as {
    paths: Record<string, Record<string, { operationId: string; summary: string; tags: string[] }>>;
  };
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  t.ok(operations.every(({ summary, tags }) => summary !== '' && tags.length === 1));
  const nouns = new Set(Object.keys(document.paths).map((path) => path.split('/')[2]));
  for (const noun of [
    'reset',
    'gateway',
    'status',
    'sessions',
    'journal',
    'clock',
    'directory',
    'tokens',
    'failures',
    'outages',
    'resources',
    'config',
  ]) {
    t.ok(nouns.has(noun), noun);
  }
});
