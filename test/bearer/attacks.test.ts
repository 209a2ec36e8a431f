import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CompactSign, FlattenedEncrypt } from 'jose';
import t, { type Test } from 'tap';
import { createJsonFetcher, type FetchJson } from '../../src/bearer/fetch-json.ts';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier, type EntraTokenVerifier } from '../../src/bearer/token-verifier.ts';
import type { TokenVerdict } from '../../src/bearer/types.ts';
import { SigningKeys } from '../../src/entra/tokens/signing-keys.ts';
import { tokenHeader } from '../../src/entra/tokens/token-issuer.ts';
import { createTestIssuer, OTHER_TENANT, TENANT, type TestIssuer } from '../support/issuer.ts';

const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const reason = (verdict: TokenVerdict): string => (verdict.ok ? 'accepted' : verdict.refusal.reason);

function rs256(header: unknown, payload: unknown, key: KeyObject): string {
  const input = `${b64(header)}.${b64(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
}

interface Scene {
  readonly idp: TestIssuer;
  readonly verifiers: readonly EntraTokenVerifier[];
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly key: KeyObject;
  readonly foreign: KeyObject;
}

const foreignPair = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function scene(): Promise<Scene> {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority, keys } = idp;
  const verifiers = TOKEN_POLICIES.map((policy) => createTokenVerifier({ policy, authority, fetchJson, clock }));
  for (const verifier of verifiers) await verifier.load();
  const { claims } = await idp.issuer.accessToken(idp.request());
  const header = tokenHeader('2.0', keys.current.kid);
  return { idp, verifiers, header, claims, key: keys.current.privateKey, foreign: foreignPair.privateKey };
}

async function refused(t: Test, { verifiers }: Scene, token: string, expected: string, name: string): Promise<void> {
  for (const verifier of verifiers)
    t.equal(reason(await verifier.verify(token)), expected, `${verifier.policy}: ${name}`);
}

t.test('the honest token of this scene is accepted: the attacks fail for their own reason', async (t) => {
  const s = await scene();
  await refused(t, s, rs256(s.header, s.claims, s.key), 'accepted', 'honest');
});

t.test('alg "none" is refused in every spelling, with and without a signature', async (t) => {
  const s = await scene();
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, 0, ['RS256'], { alg: 'RS256' }]) {
    const input = `${b64({ ...s.header, alg })}.${b64(s.claims)}`;
    await refused(t, s, `${input}.`, 'algorithm', `${String(alg)}, no signature`);
    const signature = sign('sha256', Buffer.from(input), s.key).toString('base64url');
    await refused(t, s, `${input}.${signature}`, 'algorithm', `${String(alg)}, good signature`);
  }
  const good = rs256(s.header, s.claims, s.key).split('.');
  await refused(t, s, `${good[0]}.${good[1]}.`, 'signature', 'RS256 with an empty signature');
});

t.test('HS256 with the public key as the secret is refused in every form of that key', async (t) => {
  const s = await scene();
  const spki = createPublicKey(s.key);
  const secrets = [
    spki.export({ format: 'pem', type: 'spki' }),
    String(spki.export({ format: 'pem', type: 'spki' })).trim(),
    spki.export({ format: 'der', type: 'spki' }),
    spki.export({ format: 'pem', type: 'pkcs1' }),
    JSON.stringify(s.idp.keys.keySet(2, s.idp.cloud.issuerV2).keys[0]),
    Buffer.from(s.idp.keys.current.certificate, 'base64'),
  ];
  for (const [i, secret] of secrets.entries()) {
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      const input = `${b64({ ...s.header, alg })}.${b64(s.claims)}`;
      const mac = createHmac(hash, secret).update(input).digest('base64url');
      await refused(t, s, `${input}.${mac}`, 'algorithm', `${alg}, form ${i}`);
    }
  }
});

t.test('keys in or behind the header are neither used nor fetched', async (t) => {
  const s = await scene();
  let visits = 0;
  const jwk = { ...foreignPair.publicKey.export({ format: 'jwk' }), kid: 'mine', use: 'sig', alg: 'RS256' };
  const server = createServer((_, response) => {
    visits++;
    response.end(JSON.stringify({ keys: [jwk] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const additions = {
    jwk: { jwk },
    jku: { jku: url },
    x5u: { x5u: url },
    x5c: { x5c: [s.idp.keys.current.certificate] },
  };
  for (const [name, addition] of Object.entries(additions)) {
    await refused(t, s, rs256({ ...s.header, ...addition }, s.claims, s.foreign), 'signature', `${name}, right kid`);
    const mine = rs256({ ...s.header, kid: 'mine', ...addition }, s.claims, s.foreign);
    await refused(t, s, mine, 'unknown-key', `${name}, own kid`);
  }
  t.equal(visits, 0, 'nobody was called');
});

t.test('a kid can name nothing but a published key', async (t) => {
  const s = await scene();
  const names = ['', '../../../../etc/passwd', "' OR 1=1 --", 'constructor', '__proto__', 'x'.repeat(5000), url('kid')];
  for (const kid of names) {
    await refused(t, s, rs256({ ...s.header, kid }, s.claims, s.foreign), 'unknown-key', kid.slice(0, 30));
  }
  for (const kid of [0, null, true, {}, ['a'], undefined]) {
    await refused(t, s, rs256({ ...s.header, kid }, s.claims, s.key), 'no-key-id', JSON.stringify(kid) ?? 'absent');
  }
});

const url = (path: string): string => `https://attacker.invalid/${path}`;

t.test('members that occur twice are refused, wherever they hide', async (t) => {
  const s = await scene();
  const claims = JSON.stringify(s.claims);
  const head = JSON.stringify(s.header);
  const twice = {
    'aud first': claims.replace('{', '{"aud":"x",'),
    'aud last': claims.replace(/}$/, ',"aud":"x"}'),
    'aud with an escape': claims.replace('{', String.raw`{"a\u0075d":"x",`),
    'tid inside an object': claims.replace('{', '{"x":{"y":[{"tid":1,"tid":2}]},'),
  };
  for (const [name, payload] of Object.entries(twice)) {
    await refused(t, s, rs256(head, payload, s.key), 'malformed', name);
  }
  await refused(t, s, rs256(head.replace('{', '{"alg":"none",'), claims, s.key), 'malformed', 'alg in the header');
  const tricky = { ...s.claims, name: 'a":"b{[,\\', x: ['c:d', { e: '"' }] };
  await refused(t, s, rs256(head, tricky, s.key), 'accepted', 'quotes, colons and braces inside of texts');
});

t.test('a member __proto__ changes nothing', async (t) => {
  const s = await scene();
  const head = JSON.stringify(s.header).replace('{', '{"__proto__":{"kid":"x","b64":false},');
  const payload = JSON.stringify(s.claims).replace('{', '{"__proto__":{"roles":["admin"],"polluted":true},');
  for (const verifier of s.verifiers) {
    const verdict = await verifier.verify(rs256(head, payload, s.key));
    t.ok(verdict.ok);
    if (!verdict.ok) continue;
    t.equal(verdict.principal.claims.roles, undefined);
    t.equal(verdict.principal.claims.polluted, undefined);
  }
  t.notOk('polluted' in {});
  const hidden = JSON.stringify({ ...s.header, kid: undefined }).replace(
    '{',
    `{"__proto__":${JSON.stringify(s.header)},`,
  );
  await refused(t, s, rs256(hidden, s.claims, s.key), 'no-key-id', 'a kid from the prototype does not count');
});

t.test('critical extensions and unencoded payloads are refused', async (t) => {
  const s = await scene();
  for (const crit of [['b64'], ['exp'], ['alg'], [], '', null]) {
    await refused(t, s, rs256({ ...s.header, crit }, s.claims, s.key), 'malformed', `crit ${JSON.stringify(crit)}`);
  }
  const payload = new TextEncoder().encode(JSON.stringify(s.claims));
  const signer = new CompactSign(payload).setProtectedHeader({ ...s.header, alg: 'RS256', b64: true, crit: ['b64'] });
  await refused(t, s, await signer.sign(s.key), 'malformed', 'b64 true');
  const input = `${b64({ ...s.header, b64: false, crit: ['b64'] })}.${JSON.stringify(s.claims)}`;
  const signature = sign('sha256', Buffer.from(input), s.key).toString('base64url');
  await refused(t, s, `${input}.${signature}`, 'malformed', 'b64 false');
  await refused(t, s, rs256({ ...s.header, b64: false }, s.claims, s.key), 'malformed', 'b64 false, not critical');
});

t.test('a token in a token, and an encrypted one, are refused', async (t) => {
  const s = await scene();
  const inner = rs256(s.header, s.claims, s.key);
  await refused(t, s, rs256({ ...s.header, cty: 'JWT' }, inner, s.key), 'malformed', 'nested');
  await refused(t, s, rs256(s.header, JSON.stringify(inner), s.key), 'malformed', 'a JSON text');
  for (const payload of ['[]', 'null', '1', '"x"', '', '{', '\u0000', '{"a":1}x']) {
    await refused(t, s, rs256(s.header, payload, s.key), 'malformed', `payload ${payload}`);
  }
  const jwe = await new FlattenedEncrypt(Buffer.from(inner))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
    .encrypt(s.idp.keys.current.publicKey);
  const compact = [jwe.protected, jwe.encrypted_key, jwe.iv, jwe.ciphertext, jwe.tag].join('.');
  await refused(t, s, compact, 'malformed', 'encrypted');
});

t.test('one token has one spelling', async (t) => {
  const s = await scene();
  const token = rs256(s.header, s.claims, s.key);
  const [header, payload, signature] = token.split('.') as [string, string, string];
  const last = signature.at(-1)!;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = alphabet[alphabet.indexOf(last) + 1]!;
  t.same(
    Buffer.from(signature.slice(0, -1) + twin, 'base64url'),
    Buffer.from(signature, 'base64url'),
    'the same bytes',
  );
  const spellings = {
    'unused bits set': `${header}.${payload}.${signature.slice(0, -1)}${twin}`,
    padding: `${token}==`,
    'white space': `${header}. ${payload}.${signature}`,
    'line end': `${token}\n`,
    'plain base64': token.replaceAll('-', '+').replaceAll('_', '/').replace('A', '+'),
    'an odd character count': `${header}.${payload}.${signature}A`,
    'a NUL': `${token}\0`,
    'a byte order mark': `\ufeff${token}`,
  };
  for (const [name, text] of Object.entries(spellings)) {
    if (name === 'an odd character count') continue;
    await refused(t, s, text, 'malformed', name);
  }
  const longer = spellings['an odd character count'];
  for (const verifier of s.verifiers) t.notOk((await verifier.verify(longer)).ok);
  await refused(t, s, `.${token}`, 'malformed', 'four parts');
  await refused(t, s, '..', 'malformed', 'empty parts');
});

t.test('long tokens are read up to 16 KiB and refused unread beyond', async (t) => {
  const s = await scene();
  const padded = (size: number): string => rs256(s.header, { ...s.claims, pad: 'x'.repeat(size) }, s.key);
  await refused(t, s, padded(6 * 1024), 'accepted', '8 KiB');
  await refused(t, s, padded(12 * 1024), 'too-large', '16 KiB and a bit');
  await refused(t, s, 'A'.repeat(1 << 20), 'too-large', '1 MiB of letters');
  await refused(t, s, '.'.repeat(1 << 20), 'too-large', '1 MiB of dots');
  await refused(t, s, '.'.repeat(16_384), 'malformed', '16 KiB of dots');
  const deep = `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`;
  await refused(t, s, rs256(s.header, deep, s.key), 'malformed', 'nested 1000 times');
  await refused(t, s, rs256(deep, s.claims, s.key), 'malformed', 'header nested 1000 times');
});

t.test('a right key does not speak for a wrong tenant', async (t) => {
  const s = await scene();
  const iss = s.idp.cloud.issuerV2.replace('{tenantid}', OTHER_TENANT);
  await refused(t, s, rs256(s.header, { ...s.claims, tid: OTHER_TENANT, iss }, s.key), 'tenant', 'tid and iss');
  await refused(t, s, rs256(s.header, { ...s.claims, iss }, s.key), 'issuer', 'iss alone');
  for (const tid of [undefined, '', TENANT.toUpperCase().replace('1', 'I'), `${TENANT}/`, [TENANT], { tid: TENANT }]) {
    await refused(t, s, rs256(s.header, { ...s.claims, tid }, s.key), 'tenant', `tid ${JSON.stringify(tid)}`);
  }
});

t.test(
  'strict, any tenant: iss has to name the very tenant of tid, and a key bound to one tenant is bound',
  async (t) => {
    const keys = await SigningKeys.create();
    const idp = await createTestIssuer({ tenant: 'common', keys });
    const { fetchJson, clock, authority } = idp;
    const strict = createTokenVerifier({ policy: 'strict', authority, fetchJson, clock });
    t.equal(reason(await strict.verify(await idp.token())), 'accepted');
    t.equal(reason(await strict.verify(await idp.token({ tenantId: OTHER_TENANT }))), 'accepted');
    const mixed = await idp.token({ claims: { tid: OTHER_TENANT } });
    t.equal(reason(await strict.verify(mixed)), 'issuer');
    const evil = await idp.token({ claims: { tid: `${TENANT}/v2.0#`, iss: 'https://127.0.0.1:8444/x' } });
    t.equal(reason(await strict.verify(evil)), 'tenant', 'a tid that is no GUID is not put into a template');
    keys.bindCurrent(TENANT);
    await strict.load();
    t.equal(reason(await strict.verify(await idp.token())), 'accepted');
    t.equal(reason(await strict.verify(await idp.token({ tenantId: OTHER_TENANT }))), 'key-issuer');
    const gateway = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock });
    t.equal(
      reason(await gateway.verify(await idp.token({ tenantId: OTHER_TENANT }))),
      'accepted',
      'the gateway does not look',
    );
  },
);

t.test('strict: versions are not mixed', async (t) => {
  const s = await scene();
  const [, strict] = s.verifiers as [EntraTokenVerifier, EntraTokenVerifier];
  const v1 = s.idp.cloud.issuerV1.replace('{tenantid}', TENANT);
  t.equal(reason(await strict.verify(rs256(s.header, { ...s.claims, iss: v1 }, s.key))), 'issuer');
  t.equal(reason(await strict.verify(rs256(s.header, { ...s.claims, ver: '1.0' }, s.key))), 'issuer');
  for (const ver of [undefined, '3.0', 2, ['2.0']]) {
    t.equal(reason(await strict.verify(rs256(s.header, { ...s.claims, ver }, s.key))), 'claim', `ver ${ver}`);
  }
});

t.test('strict: another algorithm of the same key is refused; the gateway takes what its library takes', async (t) => {
  const s = await scene();
  const payload = new TextEncoder().encode(JSON.stringify(s.claims));
  for (const alg of ['RS384', 'RS512', 'PS256']) {
    const token = await new CompactSign(payload).setProtectedHeader({ ...s.header, alg }).sign(s.key);
    const [gateway, strict] = s.verifiers as [EntraTokenVerifier, EntraTokenVerifier];
    t.equal(reason(await strict.verify(token)), 'algorithm', alg);
    t.equal(reason(await gateway.verify(token)), 'accepted', alg);
  }
});

t.test('a token that was used before is accepted until it expires; a revocation list ends it sooner', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const revoked = new Set<string | undefined>();
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({
      policy,
      authority,
      fetchJson,
      clock,
      isRevoked: (principal) => revoked.has(principal.tokenId),
    });
    const { token, tokenId } = await idp.issuer.accessToken(idp.request());
    t.equal(reason(await verifier.verify(token)), 'accepted');
    t.equal(reason(await verifier.verify(token)), 'accepted', 'a bearer token is not for single use');
    revoked.add(tokenId);
    t.equal(reason(await verifier.verify(token)), 'revoked');
  }
});

t.test('the last and the first second of validity', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const gateway = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock });
  const later = await idp.token({ clockOffset: 10, lifetime: 60 });
  clock.advance(9999);
  t.equal(reason(await gateway.verify(later)), 'not-yet-valid');
  clock.advance(1);
  t.equal(reason(await gateway.verify(later)), 'accepted', 'nbf itself');
  clock.advance(59_999);
  t.equal(reason(await gateway.verify(later)), 'accepted', 'the last millisecond before exp');
  clock.advance(1);
  t.equal(reason(await gateway.verify(later)), 'expired', 'exp itself');
  for (const exp of [0, -1, 1e20, Number.MAX_SAFE_INTEGER + 1, '1767229200', null, [1], 1767229200.5]) {
    const verdict = await gateway.verify(await idp.token({ claims: { exp } }));
    t.notOk(verdict.ok, `exp ${JSON.stringify(exp)}`);
  }
});

t.test('whatever the key endpoint does, a verdict comes, and good keys stay', async (t) => {
  const idp = await createTestIssuer({ keys: await SigningKeys.create() });
  const documents: Record<string, unknown> = {};
  for (const path of ['/v2.0/.well-known/openid-configuration', '/.well-known/openid-configuration']) {
    documents[path] = await idp.fetchJson(`${idp.authority}${path}`, { maxBytes: 1, timeout: 1 });
  }
  const good = JSON.stringify(idp.keys.keySet(2, idp.cloud.issuerV2));
  const [key] = JSON.parse(good).keys;
  let answer: { readonly status?: number; readonly body: string; readonly endless?: boolean } = { body: good };
  const server = createServer((_, response) => {
    response.writeHead(answer.status ?? 200, { location: 'https://attacker.invalid/' });
    response.write(answer.body);
    if (!answer.endless) response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fetcher = createJsonFetcher();
  t.teardown(async () => {
    await fetcher.close();
    server.closeAllConnections();
    server.close();
  });
  const keysUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const fetchJson: FetchJson = async (url, limits) => {
    const document = documents[url.replace(idp.authority, '')];
    return document ? { ...document, jwks_uri: keysUrl } : fetcher.fetchJson(url, { ...limits, timeout: 300 });
  };
  const clock = idp.clock;
  const make = (): EntraTokenVerifier =>
    createTokenVerifier({ policy: 'strict', authority: idp.authority, fetchJson, clock });
  const loaded = make();
  await loaded.load();
  const token = await idp.token();
  const private_ = { ...idp.keys.current.privateKey.export({ format: 'jwk' }), kid: key.kid };
  const bad: Record<string, typeof answer> = {
    'a web page': { body: '<html>Sign in to the guest Wi-Fi</html>' },
    'an empty answer': { body: '' },
    'an error': { status: 500, body: good },
    'a redirect': { status: 302, body: good },
    'no keys': { body: '{"keys":[]}' },
    'keys that are no list': { body: '{"keys":{"0":1}}' },
    null: { body: 'null' },
    'keys of nothing': { body: '{"keys":[null,1,"x",[],{}]}' },
    'a shared secret': { body: JSON.stringify({ keys: [{ kty: 'oct', kid: key.kid, k: 'AAAA' }] }) },
    'an encryption key': { body: JSON.stringify({ keys: [{ ...key, use: 'enc' }] }) },
    'a short key': { body: JSON.stringify({ keys: [{ ...key, n: key.n.slice(0, 170) }] }) },
    'an answer without an end': { body: '{"keys":[', endless: true },
    '2 MB': { body: JSON.stringify({ keys: [key], pad: 'x'.repeat(2_000_000) }) },
  };
  for (const [name, hostile] of Object.entries(bad)) {
    answer = hostile;
    await t.rejects(make().load(), { code: 'ERR_IDENTITY_DISCOVERY' }, name);
    await t.rejects(loaded.load(), { code: 'ERR_IDENTITY_DISCOVERY' }, name);
    t.equal(reason(await loaded.verify(token)), 'accepted', `${name}: the last known good key serves`);
    clock.advance(10_000);
  }
  answer = { body: JSON.stringify({ keys: [private_, key] }) };
  const leaky = make();
  await leaky.load();
  t.equal(reason(await leaky.verify(await idp.token())), 'accepted', 'of a private key only the public half is taken');
  answer = { body: JSON.stringify({ keys: [{ ...key, n: foreignPair.publicKey.export({ format: 'jwk' }).n }, key] }) };
  const twins = make();
  await twins.load();
  t.equal(reason(await twins.verify(await idp.token())), 'signature', 'of two keys with one kid the first counts');
  answer = { body: JSON.stringify({ keys: [{ ...key, kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }] }) };
  const broken = make();
  await broken.load();
  t.equal(reason(await broken.verify(await idp.token())), 'algorithm', 'a key that cannot be imported');
});

t.test('each signed part has one spelling too: no bits that nobody reads, and text only', async (t) => {
  const s = await scene();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const signed = (header: string, payload: string): string => {
    const input = `${header}.${payload}`;
    return `${input}.${sign('sha256', Buffer.from(input), s.key).toString('base64url')}`;
  };
  /** The same object in base64url with unused bits at its end, one of which is set. */
  const bent = (value: Record<string, unknown>): string => {
    let text = b64(value);
    for (let pad = 'x'; text.length % 4 === 0; pad += 'x') text = b64({ ...value, pad });
    return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1];
  };
  const [header, payload] = [b64(s.header), b64(s.claims)];
  await refused(t, s, signed(header, payload), 'accepted', 'as it should be');
  await refused(t, s, signed(bent(s.header), payload), 'malformed', 'header');
  await refused(t, s, signed(header, bent(s.claims)), 'malformed', 'payload');
  const latin1 = Buffer.from(JSON.stringify({ ...s.claims, name: 'Ada é' }), 'latin1').toString('base64url');
  for (const verifier of s.verifiers) {
    const verdict = await verifier.verify(signed(header, latin1));
    t.match(verdict, {
      refusal: { reason: 'malformed', explanation: /signature is valid, but the payload .* is not JSON/ },
    });
  }
});
