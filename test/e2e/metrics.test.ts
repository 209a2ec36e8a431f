import { request } from 'node:http';
import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

/** The value of a series, by the line that it is. */
function sample(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

t.test('what happens is counted, without a secret and without a name', async (t) => {
  const sim = await start(t);
  const other = await start(t);
  await sim.metrics();
  const { client, id } = await connect(t, sim);
  t.equal((await client.fetch('http://intranet.contoso.internal/')).status, 200);
  await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'dtls' } });
  sim.faults.add({ name: 'alice-s_rule', on: { seam: 'udp' }, then: { do: 'drop' } });
  const fetching = client.fetch('http://intranet.contoso.internal/').catch(() => {});
  await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' } }, { timeout: 60_000 });
  await fetching;
  await sim.journal.waitFor({ name: 'resource.end' });

  const response = await fetch(`${sim.urls.admin}/metrics`);
  t.equal(response.status, 200);
  t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await response.text();
  t.equal(sample(text, 'tunnelite_sessions{channel="cstp"}'), 1);
  t.equal(sample(text, 'tunnelite_logins_total{outcome="accepted",reason="none"}'), 1);
  t.equal(sample(text, 'tunnelite_tunnels_total{outcome="connected",reason="none"}'), 1);
  t.equal(sample(text, 'tunnelite_channel_switches_total{from="dtls",to="cstp"}'), 1);
  t.equal(sample(text, 'tunnelite_fallback_silence_seconds_count'), 1);
  t.ok(sample(text, 'tunnelite_fallback_silence_seconds_sum')! > 0);
  t.equal(sample(text, 'tunnelite_fault_rules'), 1);
  t.ok(sample(text, 'tunnelite_faults_injected_total{seam="udp",fault="drop"}')! > 0);
  t.ok(sample(text, 'tunnelite_packets_total{direction="in"}')! > 0);
  t.ok(sample(text, 'tunnelite_eventloop_delay_seconds{statistic="max"}')! >= 0);
  for (const name of ['alice', 'contoso', id, '127.0.0.1', sim.admin.secret]) t.notOk(text.includes(name), name);

  const before = sample(text, 'tunnelite_traffic_bytes_total{direction="in"}')!;
  sim.sessions.disconnect(id);
  await sim.journal.waitFor({ name: 'session.disconnect' });
  const after = await sim.metrics();
  t.ok(
    sample(after, 'tunnelite_traffic_bytes_total{direction="in"}')! >= before,
    'a session that ends takes nothing with it',
  );
  t.equal(sample(after, 'tunnelite_session_ends_total{reason="admin"}'), 1);
  t.equal(
    sample(await other.metrics(), 'tunnelite_logins_total{outcome="accepted",reason="none"}'),
    0,
    'another simulator of the process has its own',
  );
});

t.test('what a client writes becomes no label', async (t) => {
  const sim = await start(t);
  for (const [grant_type, client_id] of [
    ['evil"} 1\nx{y="', 'a'],
    ['__proto__', 'constructor'],
    ['x'.repeat(5000), '\u{1f4a9}'],
  ] as const) {
    const { Agent, fetch: ask } = await import('undici');
    const dispatcher = new Agent({ connect: { ca: sim.ca } });
    t.teardown(() => dispatcher.close());
    const body = new URLSearchParams({ grant_type, client_id });
    await (await ask(`${sim.urls.authority}/oauth2/v2.0/token`, { method: 'POST', body, dispatcher })).text();
  }
  const text = await sim.metrics();
  t.notMatch(text, /evil|__proto__|xxxx/);
  for (const line of text.split('\n')) {
    t.match(line, /^(?:|# (?:HELP|TYPE) .*|[a-z_]+(?:\{(?:[a-z]+="[A-Za-z0-9._+-]*",?)+\})? [0-9.e+-]+)$/);
  }
});

t.test('a page under a foreign name, or of another origin, gets nothing', async (t) => {
  const sim = await start(t);
  const { port } = new URL(sim.urls.admin);
  const ask = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/metrics', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
  t.equal(await ask({ host: 'evil.example' }), 403);
  t.equal(await ask({ origin: 'http://evil.example' }), 403);
  t.equal(await ask({}), 200);
  const all = await Promise.all(Array.from({ length: 50 }, () => ask({})));
  t.ok(
    all.every((status) => status === 200),
    'many at once share an answer',
  );
});
