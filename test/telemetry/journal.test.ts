import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { parseNdjson, Telemetry } from '../../src/telemetry/index.ts';

const setup = (capacity = 100) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock, journalCapacity: capacity });
  return { clock, telemetry, journal: telemetry.journal };
};

t.test('an event has a growing number, the time and its sentence', async (t) => {
  const { clock, telemetry, journal } = setup();
  telemetry.emit('simulator.closing', { reason: 'asked to' });
  clock.advance(5);
  telemetry.emit('simulator.closed', {});
  const [first, second] = journal.query();
  t.match(first, { seq: 1, name: 'simulator.closing', text: 'Closing: asked to' });
  t.equal(second!.time - first!.time, 5);
});

t.test('a query combines name, number, fields and a condition', async (t) => {
  const { telemetry, journal } = setup();
  for (const remote of ['a', 'b', 'a']) telemetry.emit('auth.challenge', { remote, agent: undefined });
  telemetry.emit('simulator.closed', {});
  t.equal(journal.query({ name: 'auth.challenge', fields: { remote: 'a' } }).length, 2);
  t.equal(journal.query({ name: 'auth.challenge', fields: { remote: 'a' }, after: 1 }).length, 1);
  t.equal(journal.query({ where: (event) => event.seq % 2 === 0 }).length, 2);
  t.equal(journal.query({ name: ['auth.challenge', 'simulator.closed'] }).length, 4);
});

t.test('fields that are given as where, as elsewhere, are told their place', async (t) => {
  const { journal } = setup();
  const where = { remote: 'a' } as never;
  const told = { code: 'ERR_JOURNAL_QUERY', hint: /use fields instead of where/ };
  t.throws(() => journal.query({ where }), told);
  await t.rejects(journal.waitFor({ where }), told);
});

t.test('a field that none of the events has is refused, since nothing could ever match', async (t) => {
  const { telemetry, journal } = setup();
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  const told = (message: RegExp, hint = /./) => ({ code: 'ERR_JOURNAL_QUERY', message, hint });
  const sesion = { name: 'session.connect', fields: { sesion: 'k3' } } as never;
  const meant = told(
    /^No event session\.connect has a field “sesion”; did you mean “session”\?$/,
    /^There are address4, /,
  );
  t.throws(() => journal.query(sesion), meant);
  t.throws(() => journal.count(sesion), meant);
  t.throws(() => journal.expect(sesion, 0), meant, 'which would hold for ever');
  await t.rejects(journal.waitFor(sesion), meant);
  t.throws(() => journal.problems({ except: sesion }), meant);
  t.throws(() => journal.expectNoProblems({ except: [{ name: 'auth.*' }, sesion] }), meant);
  t.throws(() => journal.query({ fields: { frobnicate: 1 } } as never), told(/^No event has a field “frobnicate”\.$/));
  t.throws(
    () => journal.query({ name: ['auth.*', 'tls.*'], fields: { to: 'x' } } as never),
    told(/^No event auth\.\* or tls\.\*/),
  );
  for (const field of ['toString', 'constructor', '__proto__', 'hasOwnProperty']) {
    const fields = Object.defineProperty({}, field, { value: 1, enumerable: true });
    t.throws(() => journal.query({ name: 'auth.challenge', fields } as never), told(/has a field/), field);
  }
  t.throws(
    () => journal.query({ name: 'simulator.closed', fields: { reason: 'x' } } as never),
    told(/./, /^There are none\.$/),
  );
  t.equal(journal.query({ fields: { agent: null } } as never).length, 1, 'one that only some events have is none');
  t.equal(journal.query({ name: ['auth.challenge', 'session.connect'], fields: { remote: 'a' } }).length, 1);
});

t.test('how many events are expected is a number that there can be', async (t) => {
  const { journal } = setup();
  const expecting = (times: unknown) => () => journal.expect({ name: 'channel.switch' }, times as number);
  for (const times of [Number.NaN, -1, 0.5, Infinity, '1', null, { atLeast: Number.NaN }, { atLeast: 0, atMost: -1 }]) {
    t.throws(
      expecting(times),
      { code: 'ERR_COUNT_INVALID', message: /^The expected number of events/ },
      JSON.stringify(times),
    );
  }
  t.throws(
    expecting({}),
    { code: 'ERR_COUNT_INVALID', message: /set atLeast, atMost or both/ },
    'which everything meets',
  );
  t.throws(expecting({ atLeast: 3, atMost: 2 }), { code: 'ERR_COUNT_INVALID', message: /^No number is at least 3/ });
  t.strictSame(expecting({ atMost: Infinity })(), []);
});

t.test('waiting is answered by the past, by the future, and only by what was asked for', async (t) => {
  const { telemetry, journal } = setup();
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  t.equal((await journal.waitFor({ name: 'auth.challenge' })).seq, 1);
  const next = journal.waitFor({ name: 'auth.challenge', after: journal.last, fields: { remote: 'b' } });
  telemetry.emit('auth.challenge', { remote: 'c', agent: undefined });
  telemetry.emit('auth.challenge', { remote: 'b', agent: undefined });
  t.equal((await next).seq, 3);
});

t.test('a wait that ends in vain says what came instead', async (t) => {
  const { telemetry, journal } = setup();
  const wait = journal.waitFor({ name: 'session.connect' }, { timeout: 1 });
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  telemetry.emit('auth.challenge', { remote: 'b', agent: undefined });
  await t.rejects(wait, {
    code: 'ERR_TIMEOUT',
    message: /1 ms for session\.connect.*these events occurred: 2 × auth\.challenge/,
  });
});

t.test('a wait can be given up', async (t) => {
  const { journal } = setup();
  const control = new AbortController();
  const wait = journal.waitFor({ name: 'session.connect' }, { signal: control.signal });
  control.abort(new Error('enough'));
  await t.rejects(wait, { message: 'enough' });
  await t.rejects(journal.waitFor({ name: 'session.connect' }, { signal: control.signal }), { message: 'enough' });
});

t.test('who waits when the simulator closed is told so, and so is who comes later', async (t) => {
  const { telemetry, journal } = setup();
  const wait = journal.waitFor({ name: 'session.connect' });
  telemetry.emit('simulator.closed', {});
  journal.finish();
  await t.rejects(wait, { code: 'ERR_CLOSED', message: /closed without session\.connect/ });
  await t.rejects(journal.waitFor({ name: 'session.connect' }), { code: 'ERR_CLOSED' });
  t.equal((await journal.waitFor({ name: 'simulator.closed' })).seq, 1, 'the past can still be asked for');
  t.equal(journal.complete, true);
});

t.test('a mark separates what was from what comes, also when the journal has lost events meanwhile', async (t) => {
  const { telemetry, journal } = setup(16);
  t.equal(journal.mark(), 0);
  for (let i = 0; i < 100; i++) telemetry.emit('simulator.closed', {});
  const mark = journal.mark();
  t.equal(journal.count({ since: mark }), 0);
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  t.strictSame(
    journal.query({ since: mark }).map((event) => event.name),
    ['auth.challenge'],
  );
  t.equal(journal.query({ until: mark }).at(-1)!.seq, mark);
  t.equal(journal.count({ since: 1 }), journal.count(), 'a mark older than the oldest event');
});

t.test('a query knows areas, levels, texts and comparisons of fields', async (t) => {
  const { telemetry, journal } = setup();
  const packets = (session: string, count: number) => telemetry.emit('channel.spoofed', { session, count });
  packets('k1', 1);
  packets('k2', 20);
  telemetry.emit('channel.cstp.close', { session: 'k1', remote: 'a', reason: 'user' });
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  t.equal(journal.count({ name: 'channel.*' }), 3);
  t.equal(journal.count({ name: ['auth.*', 'channel.cstp.close'] }), 2);
  t.equal(journal.count({ level: 'warn' }), 2);
  t.equal(journal.count({ level: 'info' }), 3);
  t.equal(journal.count({ text: 'SESSION K2' }), 1);
  t.equal(journal.count({ name: 'channel.spoofed', fields: { count: { atLeast: 2, below: 21 } } }), 1);
  t.equal(journal.count({ name: 'channel.*', fields: { session: 'k1' } }), 2);
});

t.test('expect returns the events, or says what came instead and why it does not match', async (t) => {
  const { telemetry, journal } = setup();
  t.throws(() => journal.expect({ name: 'channel.switch' }), { message: 'No channel.switch: nothing has happened.' });
  const change = (session: string, to: string) =>
    telemetry.emit('channel.switch', { session, from: 'cstp', to, reason: 'silence' });
  telemetry.emit('simulator.closing', { reason: 'x' });
  change('k4', 'cstp');
  change('k3', 'dtls');
  telemetry.emit('channel.cstp.close', { session: 'k3', remote: 'a', reason: 'user' });
  t.equal(journal.expect({ name: 'channel.switch' }).length, 2);
  t.equal(journal.expect({ name: 'channel.switch' }, 2).length, 2);
  t.equal(journal.expect({ name: 'channel.dtls.open' }, 0).length, 0);
  const miss = { name: 'channel.switch', fields: { session: 'k3', to: 'cstp' } } as const;
  t.throws(() => journal.expect(miss), {
    code: 'ERR_JOURNAL_EXPECTATION',
    message: [
      'No channel.switch with session=k3, to=cstp. Nearest:',
      '  #3 channel.switch: Data to k3 now goes over dtls instead of cstp: silence',
      '    (to was dtls)',
      '  #2 channel.switch: Data to k4 now goes over cstp instead of cstp: silence',
      '    (session was k4)',
      '  #4 channel.cstp.close: CSTP channel of k3 from a closed: user',
      '    (another event, no field to)',
    ].join('\n'),
    details: { found: 0 },
  });
  t.throws(() => journal.expect({ name: 'channel.switch' }, 3), {
    message: /^Expected 3 channel.switch, and there were 2:\n {2}#2 /,
  });
  t.throws(() => journal.expect({ name: 'channel.switch' }, { atMost: 1 }), { message: /^Expected at most 1 / });
  t.throws(() => journal.expect({ name: 'channel.switch' }, 0), {
    message: /^Expected no channel.switch, and there were 2/,
  });
  t.throws(() => journal.expect({ name: 'dns.query' }), {
    message: 'No dns.query, and nothing similar among 4 events.',
  });
  t.throws(() => journal.expect({ name: 'channel.switch', where: () => false }), {
    message: /with an additional condition\. Nearest:\n.*\n.*the additional condition was not met/,
  });
});

t.test(
  'an event that the query names wins over another with more in common, and the newest of equals is first',
  async (t) => {
    const { telemetry, journal } = setup();
    for (let i = 0; i < 50; i++) telemetry.emit('channel.spoofed', { session: `k${i}`, count: i });
    t.throws(() => journal.expect({ name: 'channel.spoofed', fields: { session: 'other' } }), {
      message: /Nearest:\n {2}#50 .*\n.*\n {2}#49 .*\n.*\n {2}#48 .*\n[^\n]*$/,
    });
  },
);

t.test('problems are what nobody asked for', async (t) => {
  const { telemetry, journal } = setup();
  const refused = (reason: string) => telemetry.emit('auth.refused', { remote: 'a', reason, explanation: 'x' });
  const token = (code: number, ordered: boolean) =>
    telemetry.emit('identity.token.refused', {
      user: undefined,
      client: undefined,
      grant: 'password',
      code,
      ordered,
      explanation: 'x',
    });
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  journal.expectNoProblems();
  refused('fault');
  token(50053, true);
  token(70016, false);
  journal.expectNoProblems();
  refused('expired');
  token(50126, false);
  telemetry.emit('channel.spoofed', { session: 'k1', count: 2 });
  t.strictSame(
    journal.problems().map((event) => event.name),
    ['auth.refused', 'identity.token.refused', 'channel.spoofed'],
  );
  t.throws(() => journal.expectNoProblems(), {
    code: 'ERR_JOURNAL_PROBLEMS',
    message:
      /^3 things went wrong:\n {2}#5 auth\.refused: .*\n {2}#6 .*\n {2}#7 channel\.spoofed: Session k1 sent 2 packets/,
  });
  const expected = [{ name: 'auth.refused', fields: { reason: 'expired' } }, { name: 'identity.*' }] as const;
  t.equal(journal.problems({ except: expected }).length, 1);
  t.equal(journal.problems({ since: journal.mark() }).length, 0);
});

t.test('a journal goes out as NDJSON and comes back the same', async (t) => {
  const { telemetry, journal } = setup();
  telemetry.emit('auth.challenge', { remote: 'a\nb', agent: 'x' });
  telemetry.emit('simulator.closed', {});
  const text = journal.ndjson();
  t.match(text, /^\{.*\}\n\{.*\}\n$/);
  t.strictSame(parseNdjson(text), journal.query());
  t.strictSame(parseNdjson(text.replaceAll('\n', '\r\n\r\n')), journal.query());
  for (const bad of [
    'x',
    '{}',
    '[]',
    'null',
    '{"seq":1,"time":1,"name":"toString","level":"info","text":"","fields":{}}',
    `{"seq":1,"time":1,"name":"tls.probe","level":"info","text":"","fields":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`,
  ]) {
    t.throws(
      () => parseNdjson(`${text}${bad}\n`),
      { code: 'ERR_JOURNAL_FILE', message: /^Line 3 / },
      bad.slice(0, 100),
    );
  }
});

t.test('the journal stays within its capacity and counts what fell out', async (t) => {
  const { telemetry, journal } = setup(16);
  for (let i = 0; i < 1_000; i++) telemetry.emit('simulator.closed', {});
  const kept = journal.query();
  t.ok(kept.length <= 16);
  t.equal(kept.length + journal.dropped, 1_000);
  t.equal(kept.at(-1)!.seq, 1_000);
});

t.test('a listener that throws is removed and harms nobody', async (t) => {
  const { telemetry, journal } = setup();
  let calls = 0;
  telemetry.subscribe(() => {
    calls += 1;
    throw new Error('broken listener');
  });
  telemetry.emit('simulator.closed', {});
  telemetry.emit('simulator.closed', {});
  t.equal(calls, 1);
  t.equal(journal.query().length, 2);
});

t.test('a level may follow from what happened: a name that does not resolve is worth a line in the log', async (t) => {
  const { telemetry, journal } = setup();
  const facts = { session: undefined, question: 'x', type: 'A', answers: 0 };
  for (const outcome of ['answered', 'no record of this type', 'no such name'])
    telemetry.emit('dns.query', { ...facts, outcome });
  t.strictSame(
    journal.query({ name: 'dns.query' }).map((event) => event.level),
    ['debug', 'debug', 'info'],
  );
});

t.test('a wait does not take the own absence for nothing happening', async (t) => {
  const { telemetry, journal } = setup();
  const wait = journal.waitFor({ name: 'auth.challenge' }, { timeout: 20 });
  // What comes over a socket is read after the timer that is late already.
  setImmediate(() => setImmediate(() => telemetry.emit('auth.challenge', { remote: 'a', agent: undefined })));
  const end = performance.now() + 400;
  while (performance.now() < end);
  t.equal((await wait).name, 'auth.challenge');
});

t.test(
  'a condition in code that throws ends its own wait, and harms neither who reports nor who else waits',
  async (t) => {
    const { telemetry, journal } = setup();
    const broken = journal.waitFor({
      where: () => {
        throw new Error('broken condition');
      },
    });
    const whole = journal.waitFor({ name: 'simulator.closed' });
    telemetry.emit('simulator.closed', {});
    await t.rejects(broken, { message: 'broken condition' });
    t.equal((await whole).name, 'simulator.closed');
  },
);

t.test('a condition in code that throws only while a wait in vain is explained ends that wait', async (t) => {
  const { telemetry, journal } = setup();
  let explaining = false;
  const wait = journal.waitFor(
    {
      where: () => {
        if (explaining) throw new Error('broken condition');
        return false;
      },
    },
    { timeout: 20 },
  );
  telemetry.emit('simulator.closed', {});
  explaining = true;
  await t.rejects(wait, { message: 'broken condition' });
});

t.test(
  'that something did not happen since a mark is not said when the journal no longer has all since then',
  async (t) => {
    const { telemetry, journal } = setup(16);
    const before = journal.mark();
    telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
    for (let i = 0; i < 40; i++) telemetry.emit('simulator.closed', {});
    const none = { name: 'auth.challenge', since: before } as const;
    const lost = {
      code: 'ERR_JOURNAL_EXPECTATION',
      message: new RegExp(`up to #${journal.first - 1}, were dropped`),
    };
    t.throws(() => journal.expect(none, 0), lost);
    t.throws(() => journal.expect(none, { atMost: 3 }), lost);
    t.throws(() => journal.expect(none), lost, 'one that is missing may be among them');
    t.throws(() => journal.expectNoProblems({ since: before }), { ...lost, code: 'ERR_JOURNAL_PROBLEMS' });
    t.equal(journal.lost, journal.first - 1);
    // At least so many have come, whatever else did; and without a mark the question is about what there is.
    journal.expect({ name: 'simulator.closed', since: before });
    journal.expect({ name: 'auth.challenge' }, 0);
    journal.expect({ name: 'auth.challenge', since: journal.first - 1 }, 0);
    journal.expectNoProblems();
    journal.expectNoProblems({ since: journal.first - 1 });
  },
);
