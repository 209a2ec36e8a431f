import { decodeJwt, decodeProtectedHeader } from 'jose';
import t from 'tap';
import { TokenIssuer } from '../../../src/entra/tokens/token-issuer.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import { CLIENT, createTestIssuer, sharedKeys, TENANT, USER } from '../../support/issuer.ts';

t.test('a v2.0 access token has the claims of the v2.0 profile and none of v1.0', async (t) => {
  const idp = await createTestIssuer();
  const token = await idp.token();
  const now = idp.clock.now() / 1000;
  const claims = decodeJwt(token);
  t.match(claims, {
    aud: TUNNEL_RESOURCE_ID,
    iss: `https://127.0.0.1:8444/${TENANT}/v2.0`,
    iat: now,
    nbf: now,
    exp: now + 3600,
    azp: CLIENT,
    azpacr: '0',
    name: USER.displayName,
    oid: USER.objectId,
    preferred_username: USER.userPrincipalName,
    scp: 'Tunnel_Allow',
    tid: TENANT,
    ver: '2.0',
    sub: /^[\w-]{43}$/,
    uti: /^[\w-]{22}$/,
    aio: String,
    rh: String,
  });
  for (const name of ['appid', 'appidacr', 'upn', 'unique_name', 'amr', 'acr', 'ipaddr', 'family_name', 'idp']) {
    t.notOk(name in claims, name);
  }
  t.same(decodeProtectedHeader(token), { typ: 'JWT', alg: 'RS256', kid: idp.keys.current.kid });
});

t.test('a v1.0 access token has the claims and the header of the v1.0 profile', async (t) => {
  const idp = await createTestIssuer();
  const token = await idp.token({
    version: '1.0',
    authMethods: ['pwd', 'mfa'],
    ipAddress: '192.0.2.1',
    clientProof: 'certificate',
  });
  const claims = decodeJwt(token);
  t.match(claims, {
    iss: `https://127.0.0.1:8444/${TENANT}/`,
    appid: CLIENT,
    appidacr: '2',
    acr: '1',
    amr: ['pwd', 'mfa'],
    ipaddr: '192.0.2.1',
    unique_name: USER.userPrincipalName,
    upn: USER.userPrincipalName,
    family_name: 'Lovelace',
    given_name: 'Ada',
    scp: 'Tunnel_Allow',
    ver: '1.0',
  });
  for (const name of ['azp', 'azpacr', 'preferred_username']) t.notOk(name in claims, name);
  const { kid } = idp.keys.current;
  t.same(decodeProtectedHeader(token), { typ: 'JWT', alg: 'RS256', x5t: kid, kid });
});

t.test('an app-only token speaks for the service principal and for no user', async (t) => {
  const idp = await createTestIssuer();
  const servicePrincipalId = 'bbbbbbbb-0000-4000-8000-000000000003';
  const claims = decodeJwt(
    await idp.token({
      user: undefined,
      roles: ['Reader'],
      servicePrincipalId,
      optionalClaims: ['idtyp'],
      clientProof: 'secret',
    }),
  );
  t.match(claims, { oid: servicePrincipalId, sub: servicePrincipalId, roles: ['Reader'], idtyp: 'app', azpacr: '1' });
  for (const name of ['scp', 'name', 'preferred_username', 'acct']) t.notOk(name in claims, name);
});

t.test('a guest is marked by acct and by the issuer of the home tenant', async (t) => {
  const idp = await createTestIssuer();
  const home = 'https://sts.windows.net/99999999-2222-4333-8444-555555555555/';
  const user = { ...USER, guest: true, identityProvider: home };
  t.match(decodeJwt(await idp.token({ user, optionalClaims: ['acct'] })), { acct: 1, idp: home });
  t.match(decodeJwt(await idp.token({ optionalClaims: ['acct'] })), { acct: 0, idp: undefined });
});

t.test('optional claims appear only when they are asked for and known', async (t) => {
  const idp = await createTestIssuer();
  const claims = decodeJwt(
    await idp.token({
      optionalClaims: ['acct', 'auth_time', 'deviceid', 'upn', 'sid', 'ctry'],
      authTime: 1_767_225_000,
      sessionId: 'session-1',
      extraClaims: { deviceid: 'device-1' },
    }),
  );
  t.match(claims, { auth_time: 1_767_225_000, deviceid: 'device-1', upn: USER.userPrincipalName, sid: 'session-1' });
  t.notOk('ctry' in claims);
  t.notOk('deviceid' in decodeJwt(await idp.token({ extraClaims: { deviceid: 'device-1' } })), 'not asked for');
});

t.test('more than two hundred groups become a pointer to Graph', async (t) => {
  const idp = await createTestIssuer();
  const groups = Array.from({ length: 201 }, (_, i) => `group-${i}`);
  t.equal((decodeJwt(await idp.token({ groups: groups.slice(1) })).groups as string[]).length, 200);
  const overage = decodeJwt(await idp.token({ groups }));
  t.notOk('groups' in overage);
  t.match(overage._claim_names, { groups: 'src1' });
});

t.test('overrides have the last word on claims and header', async (t) => {
  const idp = await createTestIssuer();
  const token = await idp.token({
    claims: { aud: 'x', scp: undefined, extra: { a: [1] } },
    header: { kid: 'y', cty: 'z' },
  });
  const claims = decodeJwt(token);
  t.match(claims, { aud: 'x', extra: { a: [1] } });
  t.notOk('scp' in claims);
  t.match(decodeProtectedHeader(token), { kid: 'y', cty: 'z', alg: 'RS256' });
});

t.test('lifetimes are drawn from 60 to 90 minutes, or fixed, and a clock offset moves all three times', async (t) => {
  const idp = await createTestIssuer();
  const issuer = new TokenIssuer({ keys: await sharedKeys(), clock: idp.clock, random: seededRandom(7) });
  const seen = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const { claims, expiresIn } = await issuer.accessToken(idp.request({ lifetime: undefined }));
    t.equal(expiresIn, Number(claims.exp) - Number(claims.iat));
    t.ok(expiresIn >= 3600 && expiresIn <= 5400, String(expiresIn));
    seen.add(expiresIn);
  }
  t.ok(seen.size > 20, 'they differ');
  const fixed = new TokenIssuer({ keys: await sharedKeys(), clock: idp.clock, lifetime: 600 });
  t.equal((await fixed.accessToken(idp.request({ lifetime: undefined }))).expiresIn, 600);
  const late = await fixed.accessToken(idp.request({ clockOffset: -700, lifetime: 600 }));
  t.equal(late.expiresIn, -100);
  t.equal(late.claims.nbf, issuer.now() - 700);
});

t.test(
  'the subject is pairwise: the same for one app, another one for another app, and never the object id',
  async (t) => {
    const idp = await createTestIssuer();
    const sub = async (audience: string) => decodeJwt(await idp.token({ audience })).sub;
    t.equal(await sub('a'), await sub('a'));
    t.not(await sub('a'), await sub('b'));
    t.not(await sub('a'), USER.objectId);
  },
);

t.test('an id token is for the client, with nonce and hashes when there is something to bind', async (t) => {
  const idp = await createTestIssuer();
  const { version, issuer, tenantId, clientId } = idp.request();
  const basis = { version, issuer, tenantId, clientId, user: { ...USER, email: 'ada@mail.example' } };
  const { claims, expiresIn } = await idp.issuer.idToken({ ...basis, nonce: 'n', scopes: ['openid', 'email'] });
  t.match(claims, { aud: CLIENT, nonce: 'n', email: 'ada@mail.example', ver: '2.0', oid: USER.objectId });
  t.equal(expiresIn, 3600);
  t.notOk('scp' in claims);
  // OpenID Connect Core, appendix A.4: this code has this c_hash under RS256.
  const hybrid = await idp.issuer.idToken({
    ...basis,
    code: 'Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk',
  });
  t.equal(hybrid.claims.c_hash, 'LDktKdoQak3Pk0cnXxCltA');
  const v1 = await idp.issuer.idToken({ ...basis, version: '1.0', issuer: `https://127.0.0.1:8444/${TENANT}/` });
  t.match(v1.claims, { ver: '1.0', upn: USER.userPrincipalName });
});
