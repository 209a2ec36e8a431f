import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { divergenceOf, divergenceText, journalFile } from '../../../src/explain/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Emit, eventJson, Telemetry, type TunneliteEvent } from '../../../src/telemetry/index.ts';
import { cli } from '../../support/cli.ts';

t.setTimeout(200_000);

/** Events as a simulator would have made them. */
function journalOf(tell: (emit: Emit) => void): TunneliteEvent[] {
  const telemetry = new Telemetry({ clock: systemClock, journalCapacity: 1_000_000 });
  tell(telemetry.emit);
  return telemetry.journal.query();
}

/** One client; what is new in each run is made from `run`. */
function visit(emit: Emit, run: number, { client = 0, dtls = true, host = 'intranet.contoso.internal' } = {}): void {
  const session = `k${run}aaa${String.fromCharCode(97 + (client % 20))}`;
  const remote = `127.0.0.1:${40_000 + run * 100 + client}`;
  emit('tls.connect', { remote, protocol: 'TLSv1.3', cipher: 'X', serverName: 'localhost' });
  emit('auth.accepted', {
    user: 'a',
    signInName: undefined,
    remote,
    session,
    tenant: undefined,
    agent: 'x',
    client: undefined,
  });
  emit('session.connect', {
    user: 'a',
    signInName: undefined,
    session,
    remote,
    address4: '169.254.0.2',
    address6: undefined,
    mtu: 1300,
    agent: 'x',
    resumed: false,
  });
  if (dtls) emit('channel.dtls.open', { session, remote: `127.0.0.1:${50_000 + run}`, cipher: 'Y', mtu: 1300 });
  else emit('channel.dtls.missing', { session, port: 8443, explanation: 'Nothing came.' });
  emit('dns.query', { session, question: host, type: 'A', outcome: 'answered', answers: 1 });
  emit('session.disconnect', {
    session,
    user: 'a',
    signInName: undefined,
    reason: 'user',
    explanation: `After ${run} s.`,
    seconds: run,
    bytesIn: run,
    bytesOut: 2,
  });
}

t.test('runs that differ in ids, ports, times and amounts are the same', async (t) => {
  const [good, bad] = [1, 2].map((run) =>
    journalOf((emit) => [0, 1, 2].forEach((client) => void visit(emit, run, { client }))),
  );
  const found = await divergenceOf(good!, bad!);
  t.match(found, { common: 18, agreed: 18, good: undefined, bad: undefined, onlyGood: [], onlyBad: [] });
  t.match(divergenceText(found), /^Both runs are the same: 18 events/);
});

t.test('the first event that only one has is found, with what is around it', async (t) => {
  const good = journalOf((emit) => [0, 1].forEach((client) => void visit(emit, 1, { client })));
  const bad = journalOf((emit) => [0, 1].forEach((client) => void visit(emit, 2, { client, dtls: client === 0 })));
  const found = await divergenceOf(good, bad);
  t.match(found, {
    agreed: 9,
    good: { event: { name: 'channel.dtls.open', seq: 10 } },
    bad: { event: { name: 'channel.dtls.missing' } },
  });
  t.strictSame(
    found.good!.before.map(({ name }) => name),
    ['tls.connect', 'auth.accepted', 'session.connect'],
  );
  t.strictSame(
    found.good!.after.map(({ name }) => name),
    ['dns.query', 'session.disconnect'],
  );
  t.match(
    divergenceText(found),
    /The runs agree in 9 events, and then differ\. Then came channel\.dtls\.open in the good run, and channel\.dtls\.missing in this run\./,
  );
});

t.test('an event that says something else is told by its fields', async (t) => {
  const good = journalOf((emit) => visit(emit, 1));
  const bad = journalOf((emit) => visit(emit, 2, { host: 'nosuch.contoso.internal' }));
  const found = await divergenceOf(good, bad);
  t.strictSame(found.fields, ['question']);
  t.match(divergenceText(found), /question was "intranet\.contoso\.internal" and is now "nosuch\.contoso\.internal"\./);
});

t.test('what comes in another order is the same', async (t) => {
  const good = journalOf((emit) => visit(emit, 1));
  const bad = [good[1]!, good[0]!, good[2]!, good[4]!, good[3]!, good[5]!];
  t.match(await divergenceOf(good, bad), { common: 6, good: undefined, bad: undefined });
});

t.test('more in the middle does not hide that the rest is the same', async (t) => {
  const good = journalOf((emit) => [0, 1, 2].forEach((client) => void visit(emit, 1, { client })));
  const more = journalOf((emit) => {
    for (let i = 0; i < 2000; i++)
      emit('dns.query', { session: 'kzzzzz', question: `n${i}.internal`, type: 'A', outcome: 'answered', answers: 1 });
  });
  const found = await divergenceOf(good, [...good.slice(0, 7), ...more, ...good.slice(7)]);
  t.match(found, {
    common: 18,
    agreed: 7,
    good: undefined,
    bad: { event: { fields: { question: 'n0.internal' } } },
    onlyGood: [],
  });
  t.equal(found.onlyBad.length, 1000, 'bounded');
});

t.test('one that ends early lacks the rest', async (t) => {
  const good = journalOf((emit) => visit(emit, 1));
  const found = await divergenceOf(good, good.slice(0, 3));
  t.match(found, { agreed: 3, good: { event: { seq: 4 } }, bad: undefined });
  t.match(divergenceText(found), /this run has no such event there/);
  t.match(await divergenceOf([], []), { common: 0, good: undefined });
});

t.test('100,000 lines take work in proportion, even when little or nothing is the same', async (t) => {
  const [first] = journalOf((emit) => visit(emit, 1)).filter(({ name }) => name === 'dns.query');
  const lines = (prefix: string) =>
    Array.from({ length: 100_000 }, (_, i) => {
      const fields = { ...first!.fields, question: `${prefix}${i % 5000}` };
      return { ...first!, seq: i + 1, fields } as TunneliteEvent;
    });
  const [same, other] = [lines('a'), lines('b')];
  const odd = same.map((event, i) => (i % 3 === 0 ? other[i]! : event));
  t.match(await divergenceOf(same, same), { common: 100_000 });
  t.match(await divergenceOf(same, other), { common: 0, agreed: 0 });
  const found = await divergenceOf(same, odd);
  t.ok(found.common > 50_000, `${found.common} in common`);
});

t.test('on the command line: words, JSON, exit codes, and the line of a bad file', async (t) => {
  const folder = t.testdir();
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const good = write(
    'good.ndjson',
    journalOf((emit) => visit(emit, 1))
      .map(eventJson)
      .join(''),
  );
  const bad = write(
    'bad.ndjson',
    journalOf((emit) => visit(emit, 2, { dtls: false }))
      .map(eventJson)
      .join(''),
  );
  const same = await cli(['journal', 'diff', good, good]);
  t.match(same, { code: 0, out: /^Both runs are the same/ });
  const differ = await cli(['journal', 'diff', good, bad]);
  t.match(differ, { code: 1, out: /channel\.dtls\.missing in .*bad\.ndjson/ });
  t.match(JSON.parse((await cli(['journal', 'diff', good, bad, '--json'])).out), {
    agreed: 3,
    bad: { event: { name: 'channel.dtls.missing' } },
  });
  const broken = write('broken.ndjson', `${eventJson(journalOf((emit) => visit(emit, 1))[0]!)}\n{"seq":1}\n`);
  const refused = await cli(['journal', 'diff', good, broken]);
  t.not(refused.code, 0);
  t.match(refused.err, /broken\.ndjson:3: The line is not an event\./);
  t.match((await cli(['journal', 'diff', good, join(folder, 'none')])).err, /cannot be read/);
  t.match(
    (await cli(['journal', 'diff', good, write('long', 'x'.repeat(1_500_000))])).err,
    /long:1: The line is longer than 1048576 characters/,
  );
  const hostile = write(
    'hostile.ndjson',
    '{"__proto__":{"a":1},"seq":1e400,"name":"toString","level":"info","time":1,"text":"","fields":{}}\n',
  );
  t.match((await cli(['journal', 'diff', hostile, good])).err, /hostile\.ndjson:1:/);
  const found = [];
  for await (const event of journalFile(good)) found.push(event.name);
  t.equal(found.length, 6);
});
