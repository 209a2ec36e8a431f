import t, { type Test } from 'tap';
import {
  connectSimulator,
  type RemoteSimulator,
  type Simulator,
  startSimulator,
  TunnelClient,
} from '../../src/index.ts';

const local = await startSimulator();
const remote = await connectSimulator(`${local.admin.url}/`, { secret: local.admin.secret });
t.teardown(() => local.close());

/** One program for both: in process and over REST. */
async function story(t: Test, sim: Simulator | RemoteSimulator): Promise<void> {
  const mark = await sim.journal.mark();
  const token = await sim.token({ user: 'alice@contoso.com' });
  const seen: string[] = [];
  const stop = sim.subscribe((event) => seen.push(event.name));
  t.teardown(stop);
  {
    await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca, dtls: 'off' });
    t.ok(client.connected);
    const connect = await sim.journal.waitFor({
      name: 'session.connect',
      since: mark,
      where: ({ fields }) => fields.mtu > 500,
    });
    const { session } = connect.fields;
    t.match(await sim.journal.expect({ name: 'auth.accepted', since: mark, fields: { session } }, 1), [
      { name: 'auth.accepted' },
    ]);
    t.equal(
      await sim.journal.count({ name: 'session.connect', since: mark, fields: { mtu: { above: 500, below: 9000 } } }),
      1,
    );
    t.equal(await sim.journal.count({ name: 'session.connect', since: mark, where: () => false }), 0);
    await sim.journal.expectNoProblems({ since: mark });
  }
  await sim.journal.waitFor({ name: 'session.disconnect', since: mark });
  await t.rejects(async () => sim.journal.expect({ name: 'channel.switch', since: mark }), {
    code: 'ERR_JOURNAL_EXPECTATION',
    message: /^No channel\.switch after #\d+\. Nearest:\n/,
  });
  await t.rejects(async () => sim.journal.expect({ name: 'session.disconnect', since: mark }, 2), {
    message: /^Expected 2 /,
  });
  await t.rejects(sim.journal.waitFor({ name: 'channel.switch', since: mark }, { timeout: 1 }), {
    code: 'ERR_TIMEOUT',
  });
  const gone = new AbortController();
  const wait = sim.journal.waitFor({ name: 'channel.switch', since: mark }, { signal: gone.signal });
  gone.abort(new Error('enough'));
  await t.rejects(wait, { message: 'enough' });
  t.match(await sim.journal.ndjson({ name: 'session.connect', since: mark }), /^\{"seq":.*\}\n$/);

  const wrong = await sim.token({ wrong: 'expired' });
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, token: wrong, ca: sim.ca }));
  t.match(await sim.journal.problems({ since: mark }), [{ name: 'auth.refused' }]);
  t.strictSame(
    await sim.journal.problems({ since: mark, except: { name: 'auth.*', fields: { reason: 'expired' } } }),
    [],
  );
  await t.rejects(async () => sim.journal.expectNoProblems({ since: mark }), { code: 'ERR_JOURNAL_PROBLEMS' });
  await t.rejects(async () => sim.token({ user: 'nobody@contoso.com' }), { code: 'ERR_IDENTITY_AADSTS' });

  const rule = await sim.faults.add({ on: { seam: 'udp' }, then: { do: 'hold' } });
  await t.rejects(async () => rule.struck(Number.NaN), { code: 'ERR_COUNT_INVALID' });
  await t.rejects(async () => rule.struck(1, { timeout: Number.NaN }), { code: 'ERR_DURATION_INVALID' });
  await t.rejects(async () => rule.release(-1), { code: 'ERR_COUNT_INVALID' });
  t.equal(await rule.release(Infinity), 0);
  await rule.remove();
  await t.rejects(async () => sim.journal.query({ name: 'session.connect', fields: { sesion: 'k3' } as never }), {
    code: 'ERR_JOURNAL_QUERY',
    message: /did you mean “session”\?$/,
  });

  const before = await sim.clock.now();
  await sim.clock.advance('2h');
  t.ok(Number(await sim.clock.now()) - Number(before) >= 7_200_000);
  await t.rejects(async () => sim.clock.advance('soon'), { code: 'ERR_DURATION_INVALID', hint: /3600s/ });
  await sim.clock.freeze();
  t.equal(await sim.clock.now(), await sim.clock.now());
  await sim.clock.resume();

  await sim.identity.failNext({ code: 50053 });
  const reset = await sim.reset();
  t.match(reset, { mark: Number, sessions: Number });
  t.same(local.identity.overrides.list(), []);
  t.ok(Math.abs(Number(await sim.clock.now()) - Date.now()) < 3_600_000, 'the clock is back');
  // What is followed over HTTP comes a little later.
  await sim.journal.waitFor({ name: 'clock.advanced', since: mark });
  while (!seen.includes('clock.advanced')) await new Promise((resolve) => setImmediate(resolve));
  t.ok(seen.includes('session.connect'));
}

t.test('in process', (t) => story(t, local));
t.test('over REST', (t) => story(t, remote));

t.test('values of fields go over as what they are, whatever is in them', async (t) => {
  const texts = ['plain', 'a=b', '"quoted"', '5', 'true', 'null', ' spaces ', 'ü€\u0000\n', '~<>=!'];
  for (const [i, text] of texts.entries()) {
    local.emit('auth.challenge', { remote: text, agent: i % 2 ? undefined : text });
    const fields = { remote: text, agent: i % 2 ? undefined : text };
    t.equal(await remote.journal.count({ name: 'auth.challenge', fields }), 1, JSON.stringify(text));
    t.equal(local.journal.count({ name: 'auth.challenge', fields }), 1);
  }
});

t.test('an instance that is not there, another server, and a wrong secret are told apart', async (t) => {
  await t.rejects(connectSimulator('http://127.0.0.1:1', { secret: 'x' }), { code: 'ERR_REMOTE_UNREACHABLE' });
  await t.rejects(connectSimulator(local.admin.url, { secret: 'x' }), {
    code: 'ERR_ADMIN_SECRET',
    hint: /sim\.admin\.secret/,
  });
  await t.rejects(connectSimulator(`${local.admin.url}/livez`, { secret: local.admin.secret }), {
    code: 'ERR_NOT_FOUND',
  });
});

t.test('who follows is told when the instance ends', async (t) => {
  const sim = await startSimulator();
  const other = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
  const ended = new Promise<void>(
    (resolve) =>
      void other.journal.follow(
        () => {},
        () => resolve(),
      ),
  );
  await other.journal.mark();
  await sim.close();
  await ended;
  t.equal(sim.journal.complete, true);
});

t.test('from outside, too, nothing is proved by a journal that has lost events since the mark', async (t) => {
  await using sim = await startSimulator({ journal: { capacity: 100 } });
  const other = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
  const mark = await other.journal.mark();
  const query = { name: 'auth.refused', since: mark } as const;
  await other.journal.expect(query, 0);
  await other.journal.expectNoProblems({ since: mark });
  for (let i = 0; i < 150; i++) sim.emit('auth.challenge', { remote: 'a', agent: undefined });
  await t.rejects(other.journal.expect(query, 0), { code: 'ERR_JOURNAL_EXPECTATION', message: /were dropped/ });
  await t.rejects(other.journal.expectNoProblems({ since: mark }), { code: 'ERR_JOURNAL_PROBLEMS' });
  await other.journal.expect({ name: 'auth.refused' }, 0);
  const authorization = `Bearer ${sim.admin.secret}`;
  const expected = await fetch(`${sim.admin.url}/api/journal/expect?name=auth.refused&times=0&since=${mark}`, {
    headers: { authorization },
  });
  t.equal(expected.status, 409);
  const problems = await fetch(`${sim.admin.url}/api/journal/problems?since=${mark}`, { headers: { authorization } });
  t.match(await problems.json(), { problems: [], lost: sim.journal.lost });
});
