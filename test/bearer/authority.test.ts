import t from 'tap';
import { ENTRA_CLOUDS, issuerOf, metadataUrl, parseAuthority } from '../../src/bearer/authority.ts';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { makeWrongToken } from '../../src/entra/tokens/wrong-token.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { createTestIssuer, TENANT } from '../support/issuer.ts';

t.test('an authority names its cloud by any of its login hosts', (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['https://login.microsoftonline.com/contoso.com', 'public', 'https://login.microsoftonline.com/contoso.com'],
    ['https://login.windows.net/contoso.com/', 'public', 'https://login.microsoftonline.com/contoso.com'],
    [`https://LOGIN.microsoftonline.us/${TENANT}/v2.0`, 'usgov', `https://login.microsoftonline.us/${TENANT}`],
    ['https://login.usgovcloudapi.net/common', 'usgov', 'https://login.microsoftonline.us/common'],
    ['https://login.partner.microsoftonline.cn/x.cn', 'china', 'https://login.partner.microsoftonline.cn/x.cn'],
    ['https://login.chinacloudapi.cn/x.cn', 'china', 'https://login.partner.microsoftonline.cn/x.cn'],
    ['https://127.0.0.1:8444/contoso.com', 'local', 'https://127.0.0.1:8444/contoso.com'],
    ['https://login.microsoftonline.com:8444/x', 'local', 'https://login.microsoftonline.com:8444/x'],
  ];
  for (const [text, cloud, url] of cases) {
    const authority = parseAuthority(text);
    t.equal(authority.cloud.name, cloud, text);
    t.equal(authority.url, url);
  }
  const gov = parseAuthority(`https://login.microsoftonline.us/${TENANT}`);
  t.equal(metadataUrl(gov, 2), `https://login.microsoftonline.us/${TENANT}/v2.0/.well-known/openid-configuration`);
  t.equal(metadataUrl(gov, 1), `https://login.microsoftonline.us/${TENANT}/.well-known/openid-configuration`);
  t.end();
});

t.test('what is no authority is refused', (t) => {
  const texts = [
    '',
    'contoso.com',
    'http://login.microsoftonline.com/x',
    'https://login.microsoftonline.com',
    'https://login.microsoftonline.com/',
    'https://login.microsoftonline.com/a/b',
    'https://login.microsoftonline.com/a/v2.0/c',
    'https://login.microsoftonline.com/..%2f',
    'https://login.microsoftonline.com/-a',
    'https://login.microsoftonline.com/a?x=1',
    'https://login.microsoftonline.com/a#x',
    'https://user:secret@login.microsoftonline.com/a',
    `https://login.microsoftonline.com/${'a'.repeat(300)}`,
  ];
  for (const text of texts) {
    try {
      parseAuthority(text);
      t.fail(`was taken: ${text}`);
    } catch (error) {
      t.ok(isTunneliteError(error, 'ERR_IDENTITY_AUTHORITY'), text);
      t.notMatch(String(error), /secret/);
    }
  }
  t.end();
});

t.test('a tenant of each cloud is verified by naming its authority and nothing else', async (t) => {
  for (const cloud of Object.values(ENTRA_CLOUDS)) {
    for (const tenant of [TENANT, 'contoso.com']) {
      const idp = await createTestIssuer({ cloud, tenant });
      for (const policy of TOKEN_POLICIES) {
        const { fetchJson, clock, authority } = idp;
        const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
        for (const version of ['1.0', '2.0'] as const) {
          const verdict = await verifier.verify(await idp.token({ version }));
          t.ok(verdict.ok, `${cloud.name} ${tenant} ${policy} ${version}`);
          const template = version === '1.0' ? cloud.issuerV1 : cloud.issuerV2;
          t.equal(verdict.ok && verdict.principal.claims.iss, issuerOf(template, TENANT));
        }
        const stranger = await verifier.verify(await makeWrongToken('tid', idp.issuer, idp.request()));
        t.match(stranger, { ok: false, refusal: { reason: 'tenant' } });
      }
      t.ok(idp.fetched.every((url) => url.startsWith(`${cloud.origin}/`)));
    }
  }
});
