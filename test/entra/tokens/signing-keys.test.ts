import { X509Certificate } from 'node:crypto';
import { createLocalJWKSet, importX509, jwtVerify } from 'jose';
import t from 'tap';
import { type KeyChange, SigningKeys } from '../../../src/entra/tokens/signing-keys.ts';
import { TokenIssuer } from '../../../src/entra/tokens/token-issuer.ts';
import { isTunneliteError } from '../../../src/lib/errors.ts';
import { TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';

const TEMPLATE = 'https://127.0.0.1:8444/{tenantid}/v2.0';
const TENANT = '11111111-2222-4333-8444-555555555555';

const request = {
  version: '2.0',
  issuer: TEMPLATE.replace('{tenantid}', TENANT),
  tenantId: TENANT,
  clientId: 'aaaaaaaa-0000-4000-8000-000000000001',
  audience: TUNNEL_RESOURCE_ID,
} as const;

t.test('a new key is published with its thumbprint as kid and a certificate that holds the same key', async (t) => {
  const keys = await SigningKeys.create();
  const { keys: set } = keys.keySet(2, TEMPLATE);
  t.equal(set.length, 1);
  const key = set[0]!;
  const certificate = new X509Certificate(Buffer.from(key.x5c![0]!, 'base64'));
  t.ok(certificate.verify(certificate.publicKey), 'self-signed');
  t.equal(certificate.publicKey.export({ format: 'jwk' }).n, key.n);
  t.equal(Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex').toString('base64url'), key.kid);
  t.match(key, { kty: 'RSA', use: 'sig', e: 'AQAB', x5t: key.kid, issuer: TEMPLATE });
  const { token } = await new TokenIssuer({ keys }).accessToken(request);
  await jwtVerify(token, await importX509(certificate.toString(), 'RS256'));
});

t.test('key sets of version 1 have no issuer, and certificates can be left out', async (t) => {
  const keys = await SigningKeys.create();
  t.notOk('issuer' in keys.keySet(1, TEMPLATE).keys[0]!);
  t.notOk('x5c' in keys.keySet(2, TEMPLATE, { withoutCertificates: true }).keys[0]!);
  keys.bindCurrent(TENANT);
  t.equal(keys.keySet(2, TEMPLATE).keys[0]!.issuer, request.issuer, 'a key bound to a tenant has a fixed issuer');
});

t.test('normal roll-over publishes the next key first and keeps the previous one', async (t) => {
  const changes: KeyChange[] = [];
  const keys = await SigningKeys.create({ onChange: (change) => changes.push(change) });
  const issuer = new TokenIssuer({ keys });
  const first = keys.current.kid;
  const old = await issuer.accessToken(request);
  const next = await keys.prepareNext();
  t.equal(keys.current.kid, first, 'the old key still signs');
  t.equal((await keys.prepareNext()).kid, next.kid, 'one key waits, however often it is asked for');
  const early = createLocalJWKSet({ keys: keys.keySet(2, TEMPLATE).keys as never });
  await keys.rotate();
  t.equal(keys.current.kid, next.kid);
  const fresh = await issuer.accessToken(request);
  await jwtVerify(fresh.token, early);
  await jwtVerify(old.token, createLocalJWKSet({ keys: keys.keySet(2, TEMPLATE).keys as never }));
  await keys.rotate();
  t.notOk(keys.find(first), 'two roll-overs later the first key is gone');
  t.same(
    changes.map((change) => change.change),
    ['prepared', 'rotated', 'rotated'],
  );
});

t.test('emergency roll-over removes every other key at once', async (t) => {
  const keys = await SigningKeys.create();
  await keys.prepareNext();
  const before = keys.all.map((key) => key.kid);
  await Promise.all([keys.emergencyRotate(), keys.emergencyRotate()]);
  t.equal(keys.all.length, 1);
  t.notOk(before.includes(keys.current.kid));
});

t.test('keys survive a restart through their file', async (t) => {
  const keys = await SigningKeys.create();
  await keys.prepareNext();
  keys.bindCurrent(TENANT);
  const { token } = await new TokenIssuer({ keys }).accessToken(request);
  const again = SigningKeys.load(keys.serialize());
  t.same(again.keySet(2, TEMPLATE), keys.keySet(2, TEMPLATE));
  t.same(
    again.all.map((key) => key.state),
    ['current', 'next'],
  );
  await jwtVerify(token, createLocalJWKSet({ keys: again.keySet(2, TEMPLATE).keys as never }));
});

t.test('a file that is damaged is refused with a code and words', async (t) => {
  const keys = await SigningKeys.create();
  const other = JSON.parse((await SigningKeys.create()).serialize());
  const good = JSON.parse(keys.serialize());
  const damaged = [
    '',
    'null',
    '{}',
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, keys: [] }),
    JSON.stringify({ ...good, keys: [{ ...good.keys[0], state: 'retired' }] }),
    JSON.stringify({ ...good, keys: [{ ...good.keys[0], x5c: other.keys[0].x5c }] }),
    JSON.stringify({ ...good, keys: [{ ...good.keys[0], jwk: { kty: 'RSA' } }] }),
  ];
  for (const text of damaged) {
    try {
      SigningKeys.load(text);
      t.fail(`was taken: ${text.slice(0, 80)}`);
    } catch (error) {
      t.ok(isTunneliteError(error, 'ERR_IDENTITY_KEYS_INVALID'));
    }
  }
});
