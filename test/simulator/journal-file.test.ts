import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { DEFAULT_CLIENT_ID } from '../../src/entra/directory/default-directory.ts';
import { parseNdjson, startSimulator, TunnelClient } from '../../src/index.ts';
import { exchange } from '../../src/lib/http-exchange.ts';

t.test('the journal file has the whole story, from starting to closed, and only its owner can read it', async (t) => {
  const file = join(t.testdir(), 'journal.ndjson');
  const sim = await startSimulator({ journal: { file } });
  {
    await using client = await TunnelClient.connect({ server: sim.urls.gateway, token: await sim.token(), ca: sim.ca });
    t.ok(client.connected);
  }
  await sim.journal.waitFor({ name: 'session.disconnect' });
  await sim.close();
  const events = parseNdjson(readFileSync(file, 'utf8'));
  t.equal(events[0]!.name, 'simulator.starting');
  t.equal(events.at(-1)!.name, 'simulator.closed');
  t.strictSame(
    events.map((event) => event.seq),
    events.map((_, index) => index + 1),
    'nothing is missing',
  );
  t.equal(readFileSync(file, 'utf8'), sim.journal.ndjson(), 'and the closed simulator still knows it');
  t.equal(sim.journal.complete, true);
  t.equal(statSync(file).mode & 0o777, 0o600);
});

t.test('a start that fails leaves its story too', async (t) => {
  const file = join(t.testdir(), 'journal.ndjson');
  await t.rejects(startSimulator({ journal: { file }, gateway: { host: '192.0.2.1' } }), {
    code: 'ERR_GATEWAY_LISTEN',
  });
  const events = parseNdjson(readFileSync(file, 'utf8'));
  t.match([events[0], events.at(-1)], [{ name: 'simulator.starting' }, { name: 'simulator.closed' }]);
});

t.test('a journal file that cannot be written keeps the simulator from starting', async (t) => {
  const file = join(t.testdir(), 'missing', 'journal.ndjson');
  await t.rejects(startSimulator({ journal: { file } }), {
    code: 'ERR_CONFIG_FILE',
    message: /^journal\.file: .* cannot be written: /,
    hint: /folder/,
  });
});

t.test('whoever waits when the simulator closed is told so', async (t) => {
  const sim = await startSimulator();
  const wait = sim.journal.waitFor({ name: 'session.connect' });
  const told = t.rejects(wait, { code: 'ERR_CLOSED' });
  await sim.close();
  await told;
});

t.test('a failure that was ordered is no problem, the same one by itself is', async (t) => {
  await using sim = await startSimulator();
  const mark = sim.journal.mark();
  sim.identity.failNext({ code: 50053 });
  const ask = async (): Promise<number> => {
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: DEFAULT_CLIENT_ID,
      scope: 'openid',
      username: 'alice@contoso.com',
      password: 'wrong',
    });
    const url = `${sim.urls.authority}/oauth2/v2.0/token`;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const limits = { maxBytes: 10_000, timeout: 10_000 };
    return (await exchange(url, { method: 'POST', headers, body: String(body), ca: sim.ca, ...limits })).status;
  };
  t.equal(await ask(), 400);
  sim.journal.expect({ name: 'identity.token.refused', since: mark, fields: { code: 50053, ordered: true } }, 1);
  sim.journal.expectNoProblems({ since: mark });
  t.equal(await ask(), 400);
  t.match(sim.journal.problems({ since: mark }), [{ fields: { code: 50126, ordered: false } }]);
});
