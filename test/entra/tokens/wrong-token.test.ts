import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TOKEN_POLICIES } from '../../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../../src/bearer/token-verifier.ts';
import { makeWrongToken, WRONG_TOKEN_NAMES, WRONG_TOKENS } from '../../../src/entra/tokens/wrong-token.ts';
import { createTestIssuer } from '../../support/issuer.ts';

t.test('each wrong token gets from each policy what the table says, in both versions', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
    for (const version of ['1.0', '2.0'] as const) {
      for (const name of WRONG_TOKEN_NAMES) {
        const token = await makeWrongToken(name, idp.issuer, idp.request({ version }));
        const verdict = await verifier.verify(token);
        t.equal(
          verdict.ok ? 'accepted' : verdict.refusal.reason,
          WRONG_TOKENS[name][policy],
          `${policy} ${version} ${name}`,
        );
        const told = JSON.stringify(verdict.ok ? '' : verdict.refusal);
        const leaked = token.split('.').filter((part) => part.length > 16 && told.includes(part));
        t.same(leaked, [], 'no part of the token is told');
      }
    }
  }
});

t.test('an unknown name is an error that lists the names', async (t) => {
  const idp = await createTestIssuer();
  for (const name of ['unknown', 'toString', '__proto__']) {
    await t.rejects(makeWrongToken(name, idp.issuer, idp.request()), {
      code: 'ERR_IDENTITY_WRONG_TOKEN',
      hint: /alg-none/,
    });
  }
});

t.test('docs/reference/tokens.md has the same table', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/tokens.md'), 'utf8');
  for (const [name, { summary, gateway, strict }] of Object.entries(WRONG_TOKENS)) {
    t.ok(page.includes(`\n| \`${name}\` | ${summary} | ${gateway} | ${strict} |\n`), name);
  }
  t.equal(page.match(/^\| `[a-z0-9-]+` \| [^|]+ \| [a-z-]+ \| [a-z-]+ \|$/gm)?.length, WRONG_TOKEN_NAMES.length);
  t.end();
});

t.test('docs/reference/tokens.md explains every reason', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/tokens.md'), 'utf8');
  const section = page.slice(page.indexOf('## Reasons'), page.indexOf('## A real tenant'));
  const types = readFileSync(join(import.meta.dirname, '../../../src/bearer/types.ts'), 'utf8');
  const union = types.slice(
    types.indexOf('TokenRefusalReason ='),
    types.indexOf(';', types.indexOf('TokenRefusalReason =')),
  );
  const reasons = [...union.matchAll(/'([a-z-]+)'/g)].map(([, reason]) => String(reason));
  t.ok(reasons.length > 15);
  for (const reason of reasons) t.ok(section.includes(`\`${reason}\``), reason);
  t.end();
});
