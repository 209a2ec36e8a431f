import t from 'tap';
import type { TokenPolicy } from '../../src/bearer/policy.ts';
import { refusals, show } from '../../src/bearer/refusals.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import { makeWrongToken, type WrongTokenName } from '../../src/entra/tokens/wrong-token.ts';
import { createTestIssuer, TENANT } from '../support/issuer.ts';

/** The words people act on. A change here is a change of what the log tells them. */
const WORDS: readonly (readonly [WrongTokenName, TokenPolicy, string])[] = [
  [
    'aud',
    'gateway',
    'aud is "00000003-0000-0000-c000-000000000000"; the gateway accepts 3678c9e9-9681-447a-974d-d19f668fcd88. Request the scope 3678c9e9-9681-447a-974d-d19f668fcd88/.default.',
  ],
  [
    'aud-array',
    'gateway',
    'aud is ["3678c9e9-9681-447a-974d-d19f668fcd88"]; the gateway requires "3678c9e9-9681-447a-974d-d19f668fcd88". A list does not equal a single value.',
  ],
  [
    'tid',
    'gateway',
    `tid is "0badbad0-0bad-4bad-8bad-0badbad0bad0"; the gateway accepts ${TENANT}. Sign in with an account of that tenant, at the authority of the tenant.`,
  ],
  [
    'iss',
    'strict',
    `iss is "https://issuer.invalid/${TENANT}/v2.0"; the gateway accepts https://127.0.0.1:8444/${TENANT}/v2.0. Sign in at the authority that the gateway is configured with.`,
  ],
  [
    'v1-v2',
    'strict',
    `iss is "https://127.0.0.1:8444/${TENANT}/"; the gateway accepts https://127.0.0.1:8444/${TENANT}/v2.0. This is the issuer of v1.0 tokens, but ver is "2.0": a token of one version with the issuer of the other.`,
  ],
  [
    'expired',
    'gateway',
    'exp is 2025-12-31T23:50:00Z, 10 min ago (no clock skew is allowed). Get a new token; if this one is new, compare the clocks.',
  ],
  [
    'expired',
    'strict',
    'exp is 2025-12-31T23:50:00Z, 10 min ago (300 s of clock skew are allowed). Get a new token; if this one is new, compare the clocks.',
  ],
  [
    'just-expired',
    'gateway',
    'exp is 2025-12-31T23:59:58Z, 2 s ago (no clock skew is allowed). Get a new token; if this one is new, compare the clocks.',
  ],
  [
    'not-yet',
    'gateway',
    'nbf is 2026-01-01T00:10:00Z, 10 min from now (no clock skew is allowed). Wait, or compare the clocks of issuer and gateway.',
  ],
  ['no-exp', 'gateway', 'exp is missing; exp, nbf and iat must be whole seconds since 1970.'],
  [
    'scp',
    'strict',
    'scp is "User.Read"; Tunnel_Allow is required. Add that permission to the app registration, consent to it, and request 3678c9e9-9681-447a-974d-d19f668fcd88/.default.',
  ],
  [
    'app-only',
    'strict',
    'The token is for an application without a user (client credentials). Sign in a user and request 3678c9e9-9681-447a-974d-d19f668fcd88/.default.',
  ],
  [
    'guest',
    'strict',
    'The user is a guest of the tenant (acct is 1, or idp is another issuer). Sign in with a member account, or accept guests in the configuration.',
  ],
  [
    'no-oid',
    'gateway',
    'oid is missing, but it must be the user name (a string). Configure the issuer to add that claim, or the gateway to use another one.',
  ],
  ['alg-none', 'strict', 'alg is "none"; the gateway accepts RS256. An unsigned token is never accepted.'],
  [
    'hs256',
    'strict',
    'alg is "HS256"; the gateway accepts RS256. Anyone who has the public key could forge a token that is signed with it as a shared secret.',
  ],
  [
    'typ',
    'gateway',
    'typ is "at+jwt"; it must be exactly "JWT". Entra ID does not issue "at+jwt" access tokens; this one comes from another issuer.',
  ],
  [
    'no-kid',
    'gateway',
    'The header of the token has no kid, so its key is unknown. Tokens of Entra ID always name their key.',
  ],
  [
    'kid',
    'gateway',
    'No key with kid "AAAAAAAAAAAAAAAAAAAAAAAAAAA" is among the 1 known signing keys. They are not downloaded again for another 900 s. If the issuer has just changed keys, try again after that; otherwise the token is from another issuer.',
  ],
  [
    'garbage',
    'gateway',
    'A part of the token is not base64url without padding. It was probably truncated, wrapped or re-encoded.',
  ],
  ['1mb', 'gateway', 'The token has 1050063 characters; the limit is 16384.'],
];

t.test('each refusal says what was expected, what came and what to do', async (t) => {
  const idp = await createTestIssuer();
  const { fetchJson, clock, authority } = idp;
  for (const [name, policy, words] of WORDS) {
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock });
    const verdict = await verifier.verify(await makeWrongToken(name, idp.issuer, idp.request()));
    const told = verdict.ok ? 'accepted' : verdict.refusal.explanation;
    t.equal(name === '1mb' ? told.replace(/\d{7}/, '1050063') : told, words, `${name}, ${policy}`);
  }
});

t.test('the absence of a token is told as such', async (t) => {
  const { fetchJson, clock, authority } = await createTestIssuer();
  const verdict = await createTokenVerifier({ policy: 'gateway', authority, fetchJson, clock }).verify('');
  t.match(verdict, {
    refusal: { reason: 'missing', explanation: 'There is no token. Send "Authorization: Bearer <access token>".' },
  });
});

t.test('what a sender puts into a claim can neither break a log line nor flood it', (t) => {
  t.equal(show('a\nb\u0000c'), String.raw`"a\nb\u0000c"`);
  t.equal(show('a\u2028b\u202ec\u009bd'), '"a?b?c?d"');
  t.equal(show('x'.repeat(1000)).length, 120);
  t.equal(show(undefined), 'missing');
  const { explanation } = refusals.unknownKey('k\r\nfake log line', 1, 'Next.');
  t.notMatch(explanation, /[\r\n]/);
  t.end();
});
