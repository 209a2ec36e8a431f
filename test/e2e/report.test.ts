import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { serveReport, unpackReport } from '../../src/report/index.ts';
import { askToken, connect, PASSWORD, start } from '../support/running-simulator.ts';

t.setTimeout(120_000);

t.test('a report has what happened, and no secret of the run', async (t) => {
  const sim = await start(t);
  const secrets: string[] = [sim.admin.secret, 'hunter2-hunter2', PASSWORD.password];
  const capture = await sim.capture();
  const { body } = await askToken(t, sim, PASSWORD);
  for (const name of ['access_token', 'id_token', 'refresh_token']) if (body[name]) secrets.push(body[name]);
  const token = await sim.token({ user: 'alice@contoso.com' });
  secrets.push(token, token.split('.')[2]!);
  const { client, id } = await connect(t, sim, 'alice@contoso.com');
  await client.fetch('http://intranet.contoso.internal/whoami?access_token=hunter2-hunter2', {
    headers: { authorization: 'Bearer hunter2-hunter2', cookie: 'sid=hunter2-hunter2' },
  });
  await client.fetch('http://intranet.contoso.internal/upload', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"password":"hunter2-hunter2"}'),
  });
  await sim.journal.waitFor({ name: 'channel.dtls.open' });
  const keys =
    capture
      .bytes()
      .toString('latin1')
      .match(/[0-9a-f]{64,96}(?=\n)/g) ?? [];
  t.ok(keys.length > 2);
  secrets.push(...keys);
  t.ok(capture.bytes().includes('hunter2'), 'the capture itself has secrets');

  const packed = await sim.report();
  const plain = gunzipSync(packed).toString('latin1');
  for (const secret of secrets) {
    for (const form of [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    ]) {
      t.notOk(plain.includes(form), `${secret.slice(0, 12)}…`);
    }
  }
  t.notMatch(plain, /PRIVATE KEY|eyJ[A-Za-z0-9_-]{8}/);

  const report = await unpackReport(packed);
  t.match(report.events.find(({ name }) => name === 'session.connect')?.fields, {
    session: id,
    signInName: 'alice@contoso.com',
  });
  t.equal(report.events.length, sim.journal.query({ until: report.events.at(-1)!.seq }).length);
  t.match(report.metrics, /^tunnelite_sessions/m);
  t.ok(report.capture!.includes('intranet'), 'names that were asked for are in the capture');
  t.match([...report.answers.keys()], /./);
  for (const address of [
    '/api/status',
    '/api/config',
    '/api/sessions',
    '/api/faults',
    '/api/clock',
    '/api/resources',
  ]) {
    t.ok(report.answers.has(address), address);
  }
});

t.test('a report is served as its instance was, and changes nothing', async (t) => {
  const sim = await start(t);
  const { id } = await connect(t, sim);
  const report = await unpackReport(await sim.report());
  const server = await serveReport(report);
  t.teardown(() => server.close());
  const ask = async (path: string, method = 'GET') => {
    const headers = { authorization: `Bearer ${server.secret}`, 'content-type': 'application/json' };
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(method === 'GET' ? {} : { body: '{}' }),
    });
    const text = await answer.text();
    return { status: answer.status, value: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  };
  t.match(await ask('/api/status'), { status: 200, value: { gateway: sim.urls.gateway } });
  t.match(await ask('/api/sessions'), { status: 200, value: { sessions: [{ id }] } });
  t.match(await ask(`/api/sessions/${id}`), { status: 200, value: { id } });
  t.match(await ask('/api/journal?name=session.connect'), { value: { events: [{ fields: { session: id } }] } });
  t.match(await ask('/metrics'), { value: /^# HELP tunnelite_info/ });
  t.match(await ask('/api/journal/wait?name=session.disconnect&timeout=1'), {
    value: { error: { code: 'ERR_CLOSED' } },
  });
  for (const [path, method] of [
    [`/api/sessions/${id}/disconnect`, 'POST'],
    ['/api/stop', 'POST'],
    ['/api/faults', 'POST'],
    ['/api/profiles/3g', 'PUT'],
    ['/api/faults/x', 'DELETE'],
  ] as const) {
    t.match(
      await ask(path, method),
      { status: 409, value: { error: { code: 'ERR_REPORT_READ_ONLY' } } },
      `${method} ${path}`,
    );
  }
  t.equal((await fetch(`${server.url}/api/status`)).status, 401);
  writeFileSync(join(t.testdir(), 'done'), '');
});
