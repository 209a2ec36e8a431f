import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';
import t from 'tap';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import type { TokenInspection } from '../../src/bearer/token-inspection.ts';
import { createTokenVerifier, type TokenVerifierOptions } from '../../src/bearer/token-verifier.ts';
import { createTestIssuer, OTHER_TENANT, type TestIssuer } from '../support/issuer.ts';

const AFTER_FORM = ['algorithm', 'key id', 'type', 'known key', 'signature'];
const STRICT = ['times', 'issuer', 'audience', 'permission', 'guest', 'client', 'user name'];

async function scene(options: Partial<TokenVerifierOptions> = {}) {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'strict', authority, fetchJson, clock, ...options });
  await verifier.load();
  return { idp, verifier };
}

/** Names of the checks, by what came of them. */
const by = ({ checks }: TokenInspection, outcome: string): string[] =>
  checks.filter((check) => check.outcome === outcome).map(({ name }) => name);

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The token with other claims or another header, signed by the issuer's key or another one. */
function forged(
  idp: TestIssuer,
  token: string,
  changes: { header?: Record<string, unknown>; claims?: Record<string, unknown> },
  key = idp.keys.current.privateKey,
): string {
  const header = part({ ...decodeProtectedHeader(token), ...changes.header });
  const input = `${header}.${part({ ...decodeJwt(token), ...changes.claims })}`;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}

t.test('a good token passes each check of a login, in its order, and shows what was found', async (t) => {
  const { idp, verifier } = await scene();
  const token = await idp.token();
  const report = await verifier.inspect(token);
  t.match(report, { ok: true, policy: 'strict', signed: true, refusal: undefined });
  t.strictSame(by(report, 'passed'), ['form', ...AFTER_FORM, ...STRICT]);
  t.strictSame(report.header, decodeProtectedHeader(token));
  t.equal(report.claims.sub, decodeJwt(token).sub);
  const [, algorithm, keyId, type] = report.checks;
  t.match(algorithm, { claims: ['alg'], wants: 'RS256', found: { alg: '"RS256"' } });
  t.match(keyId, { claims: ['kid'], found: { kid: JSON.stringify(decodeProtectedHeader(token).kid) } });
  t.match(type, { claims: ['typ'], wants: '"JWT"', found: { typ: '"JWT"' } });
  t.match(report.checks.at(-2), { name: 'client', found: { appid: 'missing' } });
  t.equal((await scene({ policy: 'gateway' }).then(({ verifier }) => verifier.inspect(token))).policy, 'gateway');
});

t.test('everything that is wrong is told, and a login is refused for the first of it', async (t) => {
  const { idp, verifier } = await scene();
  const claims = { aud: 'x', scp: 'Other', tid: OTHER_TENANT };
  const token = await idp.token({ claims });
  const report = await verifier.inspect(token);
  t.strictSame(by(report, 'failed'), ['issuer', 'audience', 'permission']);
  t.match(report, { ok: false, signed: true, refusal: { reason: 'tenant' } });
  const verdict = await verifier.verify(token);
  t.equal(verdict.ok ? '' : verdict.refusal.explanation, report.refusal?.explanation);
  for (const check of report.checks) {
    t.equal('explanation' in check, check.outcome === 'failed', check.name);
    t.equal('reason' in check, check.outcome === 'failed', check.name);
  }
  t.match(
    report.checks.find(({ name }) => name === 'audience'),
    { reason: 'audience', explanation: /^aud is "x"/ },
  );
});

t.test('text that is no token gets no further than its form', async (t) => {
  const { verifier } = await scene();
  for (const [text, reason] of [
    ['', 'missing'],
    ['x.y', 'malformed'],
    ['x'.repeat(20_000), 'too-large'],
  ] as const) {
    const report = await verifier.inspect(text);
    t.match(report, { ok: false, signed: false, refusal: { reason }, header: {}, claims: {} });
    t.strictSame(
      report.checks.map(({ name, outcome }) => `${name} ${outcome}`),
      ['form failed'],
    );
  }
});

t.test('a header that is wrong fails its own check, and does not keep from the others', async (t) => {
  const { idp, verifier } = await scene();
  const good = await idp.token();
  const inspect = (header: Record<string, unknown>) => verifier.inspect(forged(idp, good, { header }));

  const type = await inspect({ typ: 'at+jwt' });
  t.strictSame(by(type, 'failed'), ['type']);
  t.match(type, { ok: false, signed: true, refusal: { reason: 'type' } });

  const algorithm = await inspect({ alg: 'RS512' });
  t.strictSame(by(algorithm, 'failed'), ['algorithm']);
  t.strictSame(by(algorithm, 'not reached'), ['signature']);
  t.match(algorithm, { ok: false, signed: false, refusal: { reason: 'algorithm' } });

  const none = await inspect({ alg: 7 });
  t.strictSame(by(none, 'failed'), ['algorithm']);

  const keyId = await inspect({ kid: 7 });
  t.strictSame(by(keyId, 'failed'), ['key id']);
  t.strictSame(by(keyId, 'not reached'), ['known key', 'signature', 'issuer']);
  t.match(keyId, { ok: false, signed: false, refusal: { reason: 'no-key-id' } });

  const unknown = await inspect({ kid: 'other' });
  t.strictSame(by(unknown, 'failed'), ['known key']);
  t.strictSame(by(unknown, 'not reached'), ['signature', 'issuer']);
  t.match(unknown.refusal, { reason: 'unknown-key', explanation: /this check does not/ });
  t.strictSame(by(unknown, 'passed'), [
    'form',
    'algorithm',
    'key id',
    'type',
    ...STRICT.filter((name) => name !== 'issuer'),
  ]);
});

t.test('claims that nobody vouches for are shown as such, and checked all the same', async (t) => {
  const { idp, verifier } = await scene();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const report = await verifier.inspect(
    forged(idp, await idp.token(), { claims: { name: 'Eve', aud: 'x' } }, privateKey),
  );
  t.strictSame(by(report, 'failed'), ['signature', 'audience']);
  t.match(report, { ok: false, signed: false, refusal: { reason: 'signature' }, claims: { name: 'Eve' } });
  const input = (await idp.token()).split('.');
  const garbage = await verifier.inspect(`${input[0]}.${Buffer.from('no JSON').toString('base64url')}.${input[2]}`);
  t.match(garbage, { ok: false, signed: false, claims: {} });
  t.strictSame(
    garbage.checks.map(({ name }) => name),
    ['form', ...AFTER_FORM],
    'no claims to check',
  );
});

t.test('before any keys are loaded that is what is told', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const report = await createTokenVerifier({ policy: 'strict', authority, fetchJson, clock }).inspect(
    await idp.token(),
  );
  t.match(report.checks[4], {
    name: 'known key',
    outcome: 'failed',
    reason: 'keys-unavailable',
    wants: 'one of 0 signing keys',
  });
  t.strictSame(idp.fetched, [], 'looking at a token downloads nothing');
});

t.test('the list of revoked tokens is asked once all else is well', async (t) => {
  for (const policy of TOKEN_POLICIES) {
    for (const revoked of [true, false]) {
      let asked = 0;
      const { idp, verifier } = await scene({
        policy,
        isRevoked: ({ tokenId }) => asked++ >= 0 && !!tokenId && revoked,
      });
      const report = await verifier.inspect(await idp.token());
      t.match(report.checks.at(-1), { name: 'revocation', outcome: revoked ? 'failed' : 'passed' });
      t.match(report, revoked ? { ok: false, refusal: { reason: 'revoked' } } : { ok: true });
      const wrong = await verifier.inspect(await idp.token({ claims: { aud: 'x' } }));
      t.notOk(wrong.checks.some(({ name }) => name === 'revocation'));
      const unknown = await verifier.inspect(forged(idp, await idp.token(), { header: { kid: 'other' } }));
      t.notOk(
        unknown.checks.some(({ name }) => name === 'revocation'),
        'nor when a check was not reached',
      );
      t.equal(asked, 1);
    }
  }
  const { idp, verifier } = await scene();
  t.notOk(
    (await verifier.inspect(await idp.token())).checks.some(({ name }) => name === 'revocation'),
    'no list',
  );
});

t.test('names of the language in a header or in claims are not taken for members', async (t) => {
  const { idp, verifier } = await scene({ requiredClaims: { toString: 'x' } });
  const report = await verifier.inspect(await idp.token());
  t.match(
    report.checks.find(({ name }) => name === 'toString'),
    { outcome: 'failed', found: { toString: 'missing' } },
  );
});

t.test('each check says what it wants, as the verifier is set up', async (t) => {
  const wants = async (options: Partial<TokenVerifierOptions>) => {
    const { idp, verifier } = await scene(options);
    const { checks } = await verifier.inspect(await idp.token());
    return Object.fromEntries(checks.map(({ name, wants }) => [name, wants]));
  };
  t.match(await wants({}), {
    times: /with 300 s of clock skew$/,
    permission: "a user's token with the scope Tunnel_Allow",
    guest: /^a member of the tenant|^anything: guests are accepted/,
    client: 'anything: every app is accepted',
    issuer: /; tenant 11111111-2222-4333-8444-555555555555$/,
  });
  t.match(await wants({ scope: null, clients: ['a', 'b'], clockSkew: 0, audiences: ['x', 'y'], guests: 'refuse' }), {
    times: /with no clock skew$/,
    permission: /^a user's token$/,
    client: 'a or b',
    audience: 'x or y',
    guest: 'a member of the tenant',
  });
  t.match(await wants({ guests: 'accept' }), { guest: 'anything: guests are accepted' });
});
