import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeJwt } from 'jose/jwt/decode';
import t from 'tap';
import type { FetchJson } from '../../src/bearer/fetch-json.ts';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier, type TokenVerifierOptions } from '../../src/bearer/token-verifier.ts';
import type { TokenVerdict } from '../../src/bearer/types.ts';
import { CLIENT, createTestIssuer, type TestIssuer } from '../support/issuer.ts';

/** What a verifier says of a token with these claims, and with no others than a token of the issuer has. */
type Judge = (claims: Record<string, unknown>) => Promise<string>;

const reason = (verdict: TokenVerdict): string => (verdict.ok ? 'accepted' : verdict.refusal.reason);

function strictJudge(idp: TestIssuer, options: Partial<TokenVerifierOptions> = {}): Judge {
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'strict', authority, fetchJson, clock, ...options });
  return async (claims) => reason(await verifier.verify(await idp.token({ claims })));
}

/** The documents of an issuer, whose keys say what `change` makes of them. */
function withKeys(idp: TestIssuer, change: (key: Record<string, unknown>) => Record<string, unknown>): FetchJson {
  return async (url, limits) => {
    const document = (await idp.fetchJson(url, limits)) as { keys?: Record<string, unknown>[] };
    return document.keys === undefined ? document : { ...document, keys: document.keys.map(change) };
  };
}

t.test('a key that is published for one algorithm verifies no other', async (t) => {
  const idp = await createTestIssuer();
  const { clock, authority } = idp;
  for (const policy of TOKEN_POLICIES) {
    for (const [alg, outcome] of [
      ['RS256', 'accepted'],
      ['RS512', 'algorithm'],
      ['PS256', 'algorithm'],
      [undefined, 'accepted'],
    ] as const) {
      const fetchJson = withKeys(idp, (key) => ({ ...key, alg }));
      const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
      const verdict = await verifier.verify(await idp.token());
      t.equal(reason(verdict), outcome, `${policy}: a key for ${alg}`);
      if (!verdict.ok) t.match(verdict.refusal.explanation, `published for ${alg} only`);
    }
  }
});

t.test('elliptic keys verify their own algorithm, and only when they are whole', async (t) => {
  const idp = await createTestIssuer();
  const { clock, authority } = idp;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const claims = decodeJwt(await idp.token());
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ typ: 'JWT', alg: 'ES256', kid: 'ec' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const token = `${input}.${signature.toString('base64url')}`;
  const judge = async (key: Record<string, unknown>): Promise<string> => {
    const fetchJson = withKeys(idp, () => ({ ...key, kid: 'ec' }));
    return reason(await createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock }).verify(token));
  };
  t.equal(await judge({ ...jwk }), 'accepted');
  for (const missing of ['x', 'y', 'crv', 'kty'])
    t.equal(await judge({ ...jwk, [missing]: undefined }), 'keys-unavailable', `without ${missing}`);
});

t.test('keys are taken up to a size that is safe and bearable', async (t) => {
  const idp = await createTestIssuer();
  const { clock, authority } = idp;
  const n = (bits: number): string => Buffer.alloc(bits / 8, 0xff).toString('base64url');
  for (const [bits, outcome] of [
    [2040, 'keys-unavailable'],
    [2048, 'signature'],
    [12_288, 'signature'],
    [12_296, 'keys-unavailable'],
  ] as const) {
    const fetchJson = withKeys(idp, (key) => ({ ...key, n: n(bits) }));
    const verifier = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock });
    t.equal(reason(await verifier.verify(await idp.token())), outcome, `${bits} bits`);
  }
});

t.test('strict: the permission has to be named whole', async (t) => {
  const idp = await createTestIssuer();
  const judge = strictJudge(idp);
  for (const scp of ['Tunnel_Allow', 'User.Read Tunnel_Allow', 'Tunnel_Allow User.Read'])
    t.equal(await judge({ scp }), 'accepted', scp);
  for (const scp of [
    'Tunnel_Allow_Read',
    'Tunnel_Allow.All User.Read',
    'xTunnel_Allow',
    'Tunnel',
    'tunnel_allow',
    'User.Read,Tunnel_Allow',
    '',
    ['Tunnel_Allow'],
    null,
  ]) {
    t.equal(await judge({ scp }), 'scope', JSON.stringify(scp));
  }
  const other = strictJudge(idp, { scope: 'Other' });
  t.equal(await other({}), 'scope');
  t.equal(await other({ scp: 'Other' }), 'accepted');
  t.equal(await strictJudge(idp, { scope: null })({ scp: 'Whatever' }), 'accepted', 'none is asked for');
});

t.test('strict: an app without a user is known by idtyp, and by oid and sub where that is missing', async (t) => {
  const idp = await createTestIssuer();
  const { sub, oid } = decodeJwt(await idp.token());
  t.not(sub, oid, 'a user has a subject of its own for each app');
  // Without a permission to ask for, nothing else can refuse these.
  for (const scope of ['Tunnel_Allow', null]) {
    const judge = strictJudge(idp, { scope });
    t.equal(await judge({ idtyp: 'app' }), 'app-only', 'idtyp alone');
    t.equal(await judge({ sub: oid, scp: undefined }), 'app-only', 'oid and sub alone');
    t.equal(await judge({ sub: oid }), 'accepted', 'a user whose subject is the object id');
    t.equal(await judge({ idtyp: 'user' }), 'accepted');
  }
  const judge = strictJudge(idp, { scope: null });
  t.equal(await judge({ scp: undefined }), 'accepted', 'a user without any permission');
  t.equal(
    await strictJudge(idp, { scope: null, userNameClaim: 'name' })({ scp: undefined, oid: undefined, sub: undefined }),
    'accepted',
    'two that are missing are not the same',
  );
});

t.test('strict: guests are known by acct, and by their own issuer where that is missing', async (t) => {
  const idp = await createTestIssuer();
  const { iss } = decodeJwt(await idp.token());
  const judge = strictJudge(idp, { guests: 'refuse' });
  const foreign = 'https://sts.windows.net/99999999-2222-4333-8444-555555555555/';
  t.equal(await judge({}), 'accepted');
  t.equal(await judge({ acct: 1 }), 'guest');
  t.equal(await judge({ acct: 0 }), 'accepted');
  t.equal(await judge({ acct: 0, idp: foreign }), 'accepted', 'acct decides');
  t.equal(await judge({ idp: foreign }), 'guest');
  t.equal(await judge({ idp: iss }), 'accepted');
  t.equal(await strictJudge(idp, { guests: 'accept' })({ acct: 1, idp: foreign }), 'accepted');
});

t.test('strict: only the apps that are named may sign in', async (t) => {
  const idp = await createTestIssuer();
  const other = 'bbbbbbbb-0000-4000-8000-000000000001';
  t.equal(await strictJudge(idp)({ azp: other }), 'accepted', 'any, when none is named');
  const judge = strictJudge(idp, { clients: [CLIENT] });
  t.equal(await judge({}), 'accepted');
  for (const azp of [other, [CLIENT], CLIENT.slice(0, -1), ''])
    t.equal(await judge({ azp }), 'claim', JSON.stringify(azp));
  t.equal(await judge({ azp: undefined, appid: CLIENT }), 'accepted', 'tokens of version 1 call it appid');
  t.equal(await judge({ azp: undefined, appid: other }), 'claim');
  t.equal(await judge({ azp: undefined }), 'claim', 'none at all');
});

t.test('strict: the audience is one text, and one of those that are accepted', async (t) => {
  const idp = await createTestIssuer();
  const judge = strictJudge(idp, { audiences: ['api://one', 'api://two'] });
  t.equal(await judge({ aud: 'api://one' }), 'accepted');
  t.equal(await judge({ aud: 'api://two' }), 'accepted');
  for (const aud of ['api://three', 'api://one/', ['api://one'], undefined]) t.equal(await judge({ aud }), 'audience');
});

t.test('each time of a token has to be there, as whole seconds', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
    for (const claim of ['nbf', 'exp', 'iat']) {
      for (const value of [undefined, 0, 1.5, null, true]) {
        const verdict = await verifier.verify(await idp.token({ claims: { [claim]: value } }));
        const name = `${policy}: ${claim} ${value}`;
        t.match(verdict, { ok: false, refusal: { reason: 'claim', details: { claim } } }, name);
        if (!verdict.ok) t.match(verdict.refusal.explanation, value === undefined ? 'is missing' : `is ${value}`, name);
      }
    }
  }
});

t.test('with clock skew a token is good so much sooner and longer, and no second more', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock, clockSkew: 30 });
  const token = await idp.token({ clockOffset: 100, lifetime: 60 });
  const at = async (seconds: number): Promise<string> => {
    clock.advance(seconds * 1000);
    return reason(await verifier.verify(token));
  };
  t.equal(await at(69), 'not-yet-valid');
  t.equal(await at(1), 'accepted', '30 s before nbf');
  t.equal(await at(119), 'accepted', '29 s after exp');
  t.equal(await at(1), 'expired', '30 s after exp');
});

t.test('what a token says of a person and a device is handed on as far as it is text', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock });
  const principalOf = async (claims: Record<string, unknown>) => {
    const verdict = await verifier.verify(await idp.token({ claims }));
    return verdict.ok ? verdict.principal : undefined;
  };
  const none = { preferred_username: undefined, upn: undefined, unique_name: undefined };
  t.equal(
    (await principalOf({ ...none, preferred_username: 'a@b.c', upn: 'x', unique_name: 'y' }))?.signInName,
    'a@b.c',
  );
  t.equal((await principalOf({ ...none, upn: 'u@b.c', unique_name: 'y' }))?.signInName, 'u@b.c');
  t.equal((await principalOf({ ...none, unique_name: 'n@b.c' }))?.signInName, 'n@b.c');
  t.equal((await principalOf({ ...none, upn: '' }))?.signInName, undefined);
  t.equal((await principalOf({ ...none, upn: 7 }))?.signInName, undefined);
  t.equal((await principalOf(none))?.signInName, undefined);
  t.strictSame((await principalOf({ scp: ' a  b ' }))?.scopes, ['a', 'b']);
  t.strictSame((await principalOf({ scp: ['a'] }))?.scopes, []);
  const facts = async (claims: Record<string, unknown>) =>
    (await principalOf({ azp: undefined, appid: undefined, deviceid: undefined, groups: undefined, ...claims }))?.facts;
  t.equal(await facts({}), undefined);
  t.strictSame(await facts({ appid: 'A' }), { app: 'A', device: undefined, groups: undefined });
  t.strictSame(await facts({ azp: 'B', appid: 'A' }), { app: 'B', device: undefined, groups: undefined });
  t.strictSame(await facts({ deviceid: 'AbC' }), { app: undefined, device: 'abc', groups: undefined });
  t.strictSame(await facts({ groups: ['AbC', 7, 'd'] }), { app: undefined, device: undefined, groups: ['abc', 'd'] });
  t.equal(await facts({ groups: 'x' }), undefined);
  t.equal((await principalOf({ uti: undefined, jti: 'j' }))?.tokenId, 'j');
  t.equal((await principalOf({ uti: 'u', jti: 'j' }))?.tokenId, 'u');
});

t.test('an issuer that is not Entra ID is taken at its word: its name, and the key that it publishes', async (t) => {
  const idp = await createTestIssuer();
  const { clock } = idp;
  const metadataUrls = ['https://one.example/.well-known/openid-configuration', 'https://two.example/m'];
  const keySet = idp.keys.keySet(1, idp.cloud.issuerV2);
  const fetchJson: FetchJson = async (url) => {
    if (url === metadataUrls[0]) return { issuer: 'https://one.example', jwks_uri: 'https://one.example/keys' };
    if (url === metadataUrls[1]) return { issuer: 'https://two.example', jwks_uri: 'https://two.example/keys' };
    const [key] = keySet.keys;
    return { keys: url === 'https://one.example/keys' ? [key] : [{ ...key, kid: 'other' }] };
  };
  const judge: Judge = async (claims) => {
    const options = { policy: 'strict', metadataUrls, fetchJson, clock, scope: null } as const;
    return reason(
      await createTokenVerifier(options).verify(await idp.token({ claims: { tid: undefined, ...claims } })),
    );
  };
  t.equal(await judge({ iss: 'https://one.example' }), 'accepted');
  t.equal(await judge({ iss: 'https://two.example' }), 'issuer', 'the key is of the other');
  t.equal(await judge({ iss: 'https://one.example/' }), 'issuer');
  t.equal(await judge({ iss: 'https://one.example', sub: undefined }), 'claim', 'the user name is the subject');
});

t.test(
  'gateway: a required claim that people know has a reason and advice of its own, unless a list came',
  async (t) => {
    const idp = await createTestIssuer();
    const { fetchJson, clock, authority } = idp;
    const requiredClaims = { aud: 'api://a', tid: 'T', iss: 'I', scp: 'S', x: 'y' };
    for (const [name, wrong, reason, advice] of [
      ['aud', 'x', 'audience', /^aud is "x"; the gateway accepts api:\/\/a\. Request/],
      ['tid', 'x', 'tenant', /^tid is "x"; the gateway accepts T\. Sign in/],
      ['iss', 'x', 'issuer', /^iss is "x"; the gateway accepts I\. Sign in/],
      ['scp', 'x', 'scope', /^scp is "x"; S is required\. .* request api:\/\/a\/\.default/],
      ['x', 'x', 'claim', /^x is "x"; the gateway requires "y"\.$/],
    ] as const) {
      const options = { policy: 'gateway', authority, fetchJson, clock, requiredClaims } as const;
      const verifier = createTokenVerifier(options);
      const refusal = async (value: unknown) => {
        const verdict = await verifier.verify(await idp.token({ claims: { ...requiredClaims, [name]: value } }));
        return verdict.ok ? undefined : verdict.refusal;
      };
      t.equal(await refusal(requiredClaims[name]), undefined, `${name} as required`);
      t.match(await refusal(wrong), { reason, explanation: advice });
      const list = await refusal([requiredClaims[name]]);
      t.match(
        list,
        { reason, explanation: /requires .*\. A list does not equal a single value\.$/ },
        `${name} in a list`,
      );
      const { checks } = await verifier.inspect(await idp.token({ claims: requiredClaims }));
      t.equal(checks.find((check) => check.name === name)?.wants, JSON.stringify(requiredClaims[name]));
    }
  },
);
