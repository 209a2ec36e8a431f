import t from 'tap';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { CLIENT, createTestIssuer, TENANT, USER } from '../support/issuer.ts';

t.test('tokens of both versions are accepted by both policies and give the same principal', async (t) => {
  const idp = await createTestIssuer();
  for (const policy of TOKEN_POLICIES) {
    for (const version of ['1.0', '2.0'] as const) {
      const { fetchJson, clock, authority } = idp;
      const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
      const verdict = await verifier.verify(await idp.token({ version, optionalClaims: ['acct'] }));
      t.match(
        verdict,
        {
          ok: true,
          principal: {
            username: USER.objectId,
            signInName: USER.userPrincipalName,
            objectId: USER.objectId,
            tenantId: TENANT,
            clientId: CLIENT,
            scopes: ['Tunnel_Allow'],
            expiresAt: Math.floor(idp.clock.now() / 1000) + 3600,
            claims: { ver: version, acct: 0 },
          },
        },
        `${policy}, version ${version}`,
      );
    }
  }
});

t.test('the user name is the configured claim, cut to 63 characters', async (t) => {
  const { fetchJson, clock, authority, token } = await createTestIssuer();
  const verifier = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock, userNameClaim: 'name' });
  const long = await verifier.verify(await token({ claims: { name: 'x'.repeat(64) } }));
  t.equal(long.ok && long.principal.username, 'x'.repeat(63));
  const emoji = await verifier.verify(await token({ claims: { name: `${'x'.repeat(62)}😀` } }));
  t.equal(emoji.ok && emoji.principal.username, 'x'.repeat(62), 'no half of a character at the end');
});

t.test('an issuer that cannot be reached at the start is an error, as the real server refuses to start', async (t) => {
  const idp = await createTestIssuer();
  idp.trouble = () => {
    throw new Error('down');
  };
  const { fetchJson, clock, authority } = idp;
  const verifier = createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock });
  await t.rejects(verifier.load(), { code: 'ERR_IDENTITY_DISCOVERY', message: /down/ });
  t.match(await verifier.verify(await idp.token()), { ok: false, refusal: { reason: 'keys-unavailable' } });
  t.equal(idp.fetched.length, 2, 'a failed download is not repeated at once');
  idp.trouble = undefined;
  clock.advance(10_000);
  t.match(await verifier.verify(await idp.token()), { ok: true });
});

t.test('a verifier without an issuer is an error', async (t) => {
  const { fetchJson } = await createTestIssuer();
  for (const authority of [
    undefined,
    'contoso',
    'http://login.example/x',
    'https://login.example/',
    'https://a/b/c/d',
  ]) {
    try {
      createTokenVerifier({ policy: 'strict', fetchJson, ...(authority === undefined ? {} : { authority }) });
      t.fail(`was taken: ${authority}`);
    } catch (error) {
      t.ok(isTunneliteError(error, 'ERR_IDENTITY_AUTHORITY'), String(authority));
    }
  }
});

t.test('required claims come on top of what is required anyway', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  for (const policy of TOKEN_POLICIES) {
    const make = (requiredClaims: Record<string, unknown>) =>
      createTokenVerifier({ policy, authority, fetchJson, clock, requiredClaims });
    const graph = await idp.token({ audience: 'https://graph.microsoft.com' });
    t.match(await make({}).verify(graph), { refusal: { reason: 'audience' } }, `${policy}: none given`);
    t.match(await make({ acct: 0 }).verify(graph), { refusal: { reason: 'audience' } }, `${policy}: another one given`);
    t.match(await make({ acct: 0 }).verify(await idp.token()), {
      refusal: { reason: 'claim', explanation: 'acct is missing; the gateway requires 0.' },
    });
    t.match(await make({ acct: 0 }).verify(await idp.token({ claims: { acct: 0 } })), { ok: true });
    t.match(await make({ toString: null }).verify(await idp.token()), { ok: true }, 'null switches off');
    t.notOk((await make({ constructor: 'x' }).verify(await idp.token())).ok);
  }
  const open = createTokenVerifier({
    policy: 'gateway',
    authority,
    fetchJson,
    clock,
    requiredClaims: { aud: null, tid: null, iss: null },
  });
  const foreign = await idp.token({ audience: 'x', claims: { tid: 'y', iss: 'z' } });
  t.match(await open.verify(foreign), { ok: true }, 'a gateway that requires no claim accepts any token of the issuer');
});
