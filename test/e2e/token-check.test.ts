import t from 'tap';
import { connectSimulator } from '../../src/admin/index.ts';
import { WRONG_TOKEN_NAMES, WRONG_TOKENS } from '../../src/entra/tokens/wrong-token.ts';
import { startSimulator } from '../../src/index.ts';

for (const policy of ['gateway', 'strict'] as const) {
  t.test(`${policy}: what is said of each wrong token is what its login is refused for`, async (t) => {
    await using sim = await startSimulator({ identity: { policy } });
    for (const name of WRONG_TOKEN_NAMES) {
      const expected = WRONG_TOKENS[name][policy];
      const { accessToken } = await sim.mintToken({ wrong: name });
      const inspection = await sim.inspectToken(accessToken);
      t.equal(inspection.policy, policy);
      t.equal(inspection.ok, expected === 'accepted', name);
      t.equal(inspection.refusal?.reason ?? 'accepted', expected, name);
      t.equal(
        inspection.checks.some(({ outcome }) => outcome === 'failed'),
        expected !== 'accepted',
        name,
      );
      t.notOk(JSON.stringify(inspection).includes(accessToken), `${name}: the token is not in the answer`);
    }
    const good = await sim.inspectToken(await sim.token());
    t.match(good, { ok: true, signed: true, header: { alg: 'RS256' }, claims: { oid: String, scp: String } });
    t.ok(good.checks.every(({ outcome }) => outcome === 'passed'));
    t.equal(good.refusal, undefined);
  });
}

t.test('looking at a token logs nobody in, and downloads no keys', async (t) => {
  await using sim = await startSimulator({ identity: { keyRefreshInterval: 0 } });
  await sim.identity.keys.emergencyRotate();
  const token = await sim.token();
  const mark = sim.journal.mark();
  for (let i = 0; i < 3; i++) {
    const { ok, refusal, signed, claims, checks } = await sim.inspectToken(token);
    t.match({ ok, signed, reason: refusal?.reason }, { ok: false, signed: false, reason: 'unknown-key' });
    t.match(refusal?.explanation, /this check does not/);
    t.ok(claims.oid, 'what it says is shown, though nobody vouches for it');
    t.match(
      checks.find(({ name }) => name === 'signature'),
      { outcome: 'not reached' },
    );
  }
  t.equal(sim.journal.count({ since: mark, name: 'identity.keys.loaded' }), 0);
  t.equal(sim.journal.count({ since: mark, name: 'auth.accepted' }), 0);
  t.equal(sim.sessions.list().length, 0);
});

t.test('everything that is wrong is told, not only what comes first', async (t) => {
  await using sim = await startSimulator();
  const token = await sim.token({ expiresIn: -60, audience: 'api://elsewhere' });
  const { refusal, checks } = await sim.inspectToken(token);
  t.equal(refusal?.reason, 'expired');
  t.strictSame(
    checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name),
    ['times', 'aud'],
  );
  t.match(
    checks.find(({ name }) => name === 'aud'),
    { found: { aud: '"api://elsewhere"' }, wants: String, explanation: /api:\/\/elsewhere/ },
  );
});

t.test('a token that its owner revoked is told of last', async (t) => {
  await using sim = await startSimulator({}, { isRevoked: () => true });
  const { ok, refusal, checks } = await sim.inspectToken(await sim.token());
  t.match(
    { ok, reason: refusal?.reason, last: checks.at(-1)?.name },
    { ok: false, reason: 'revoked', last: 'revocation' },
  );
});

t.test('REST says the same, also with hostile tokens', async (t) => {
  await using sim = await startSimulator();
  await using remote = await connectSimulator(sim.admin.url, { secret: sim.admin.secret });
  const token = await sim.token();
  t.same(await remote.inspectToken(token), await sim.inspectToken(token));
  const b64 = (text: string): string => Buffer.from(text).toString('base64url');
  for (const hostile of [
    'x',
    '..',
    'a.b.c',
    `${b64('{"alg":"none"}')}.${b64('{"__proto__":{"polluted":1},"constructor":1}')}.`,
    `${b64('{"alg":"RS256","kid":"__proto__","typ":"JWT"}')}.${b64('[]')}.AA`,
    `${b64('{"alg":"RS256"}')}.${b64('null')}.AA`,
    `${b64(`{"alg":"${'<script>'.repeat(50)}\u202e"}`)}.${b64('{"exp":1e999}')}.AA`,
    'é'.repeat(20_000),
  ]) {
    const inspection = await remote.inspectToken(hostile);
    t.match(inspection, { ok: false, refusal: { reason: String, explanation: String } }, hostile.slice(0, 20));
  }
  t.equal(({} as { polluted?: number }).polluted, undefined);
});
