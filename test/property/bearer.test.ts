import fc from 'fast-check';
import t from 'tap';
import { TOKEN_POLICIES, type TokenPolicy } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { parseInfoPlist } from '../../src/intune/app-check/info-plist.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { parseObject } from '../../src/lib/strict-json.ts';
import { createTestIssuer, type TestIssuer } from '../support/issuer.ts';

const numRuns = Number(process.env.TUNNELITE_FUZZ ?? 300);
if (process.env.TUNNELITE_FUZZ) t.setTimeout(0);

const verifiersOf = (idp: TestIssuer) =>
  TOKEN_POLICIES.map((policy) => {
    const { fetchJson, clock, authority } = idp;
    return createTokenVerifier({ policy, authority, fetchJson, clock });
  });

/** One change of a text: characters replaced, put in, taken out, moved or repeated. */
const mutation = fc.record({
  kind: fc.constantFrom('replace', 'insert', 'remove', 'swap', 'repeat', 'case'),
  at: fc.nat(),
  length: fc.integer({ min: 1, max: 8 }),
  text: fc.oneof(
    fc.base64String({ minLength: 1, maxLength: 8 }),
    fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }),
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(token: string, { kind, at, length, text }: Mutation): string {
  const from = at % token.length;
  const [before, part, after] = [token.slice(0, from), token.slice(from, from + length), token.slice(from + length)];
  switch (kind) {
    case 'replace':
      return before + text + after;
    case 'insert':
      return before + text + part + after;
    case 'remove':
      return before + after;
    case 'swap':
      return after + part + before;
    case 'repeat':
      return before + part + part + after;
    default:
      return before + (part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase()) + after;
  }
}

t.test('no changed token is accepted, and none makes the verifier throw', async (t) => {
  const idp = await createTestIssuer();
  const verifiers = verifiersOf(idp);
  const token = await idp.token();
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const changed = mutations.reduce((text, one) => (text === '' ? '' : mutate(text, one)), token);
      for (const verifier of verifiers) {
        const verdict = await verifier.verify(changed);
        if (verdict.ok && changed !== token) throw new Error('accepted');
        if (!verdict.ok && /could not be checked/.test(verdict.refusal.explanation)) throw new Error('unforeseen');
      }
    }),
    { numRuns },
  );
  t.pass(`${numRuns} runs`);
});

t.test('no header of any shape gets an unsigned or foreign payload accepted', async (t) => {
  const idp = await createTestIssuer();
  const verifiers = verifiersOf(idp);
  const [, payload, signature] = (await idp.token()).split('.') as [string, string, string];
  const kid = idp.keys.current.kid;
  const header = fc.record(
    {
      alg: fc.oneof(fc.constantFrom('RS256', 'none', 'HS256', 'PS256', 'ES256', 'EdDSA', ''), fc.jsonValue()),
      kid: fc.oneof(fc.constant(kid), fc.jsonValue()),
      typ: fc.oneof(fc.constant('JWT'), fc.jsonValue()),
      crit: fc.jsonValue(),
      b64: fc.jsonValue(),
      jwk: fc.jsonValue(),
      jku: fc.webUrl(),
      x5c: fc.jsonValue(),
      zip: fc.constant('DEF'),
    },
    { requiredKeys: [] },
  );
  const fetched = idp.fetched.length;
  await fc.assert(
    fc.asyncProperty(header, fc.constantFrom('', signature, 'AAAA'), async (head, end) => {
      const first = Buffer.from(JSON.stringify(head)).toString('base64url');
      for (const verifier of verifiers) {
        const verdict = await verifier.verify(`${first}.${payload}.${end}`);
        if (verdict.ok) throw new Error('accepted');
        if (/could not be checked/.test(verdict.refusal.explanation)) throw new Error('unforeseen');
      }
    }),
    { numRuns },
  );
  t.ok(
    idp.fetched.every((url) => url.startsWith(idp.cloud.origin)),
    'only the configured authority was asked',
  );
  t.equal(idp.fetched.length, fetched + 2 * 4, 'and once by each verifier');
});

t.test('claims of any shape, well signed, lead to a verdict: nothing but the right ones is accepted', async (t) => {
  const idp = await createTestIssuer();
  const verifiers = verifiersOf(idp);
  const names = ['aud', 'iss', 'tid', 'exp', 'nbf', 'iat', 'oid', 'ver'] as const;
  const changes = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.jsonValue(), fc.integer(), fc.double()), {
    minKeys: 1,
    maxKeys: 3,
  });
  const good = (await idp.issuer.accessToken(idp.request())).claims;
  await fc.assert(
    fc.asyncProperty(changes, async (claims) => {
      const harmless = (policy: TokenPolicy): boolean =>
        Object.entries(claims).every(
          ([name, value]) =>
            value === good[name] ||
            (name === 'oid' && typeof value === 'string' && value !== '') ||
            // A time may be another one, as long as it is one and now is within.
            (['exp', 'nbf', 'iat'].includes(name) && Number.isSafeInteger(value)) ||
            (name === 'ver' && policy === 'gateway'),
        );
      const token = await idp.token({ claims });
      for (const verifier of verifiers) {
        const verdict = await verifier.verify(token);
        if (verdict.ok && !harmless(verifier.policy))
          throw new Error(`${verifier.policy} accepted ${JSON.stringify(claims)}`);
        if (!verdict.ok && /could not be checked/.test(verdict.refusal.explanation)) throw new Error('unforeseen');
      }
    }),
    { numRuns: Math.ceil(numRuns / 10) },
  );
  t.pass();
});

t.test('the JSON reader takes what JSON.parse takes, but for repeated members', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 })), (value) => {
      const text = JSON.stringify(value);
      const parsed = parseObject(text);
      if (JSON.stringify(parsed) !== text) throw new Error(String(parsed));
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), fc.jsonValue(), (name, a, b) => {
      const key = JSON.stringify(name);
      const parsed = parseObject(`{${key}:${JSON.stringify(a)},${key}:${JSON.stringify(b)}}`);
      if (parsed !== 'repeated-member') throw new Error(String(parsed));
    }),
    { numRuns },
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
      fc.nat(),
      fc.string({ maxLength: 2 }),
      (text, at, noise) => {
        const broken = text.slice(0, at % (text.length + 1)) + noise + text.slice(at % (text.length + 1));
        const parsed = parseObject(broken);
        if (typeof parsed !== 'string') JSON.parse(broken);
      },
    ),
    { numRuns },
  );
  t.pass();
});

t.test('no property list makes its reader do anything but answer or refuse', async (t) => {
  const xml = fc.array(
    fc.oneof(
      fc.constantFrom(
        '<plist>',
        '<dict>',
        '</dict>',
        '<key>',
        '</key>',
        '<string>',
        '</string>',
        '<array>',
        '</array>',
      ),
      fc.constantFrom('<!--', '-->', '<![CDATA[', ']]>', '<?x?>', '&amp;', '&#0;', '&#x110000;', '<true/>', '</plist>'),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(xml, (parts) => {
      try {
        parseInfoPlist(parts.join(''));
        parseInfoPlist(`<plist><dict>${parts.join('')}</dict></plist>`);
      } catch (error) {
        if (!isTunneliteError(error, 'ERR_IDENTITY_APP_CHECK')) throw error;
      }
    }),
    { numRuns },
  );
  t.pass();
});
