import t from 'tap';
import { foundIn } from '../../src/bearer/found.ts';
import { refusals, show } from '../../src/bearer/refusals.ts';

const JANUARY = 1_767_225_600; // 2026-01-01T00:00:00Z

t.test('a refusal says which part of the token it is about, what came, and what was wanted', async (t) => {
  for (const [refusal, found] of [
    [refusals.audience('x', ['a']), { claim: 'aud', found: '"x"', wanted: 'a' }],
    [refusals.audience(undefined, ['a', 'b', 'c']), { claim: 'aud', found: 'missing', wanted: 'a or b or c' }],
    [refusals.issuer('x', ['a', 'b', 'c', 'd', 'e']), { claim: 'iss', found: '"x"', wanted: 'a or b or c or 2 more' }],
    [refusals.tenant('x', []), { claim: 'tid', found: '"x"', wanted: undefined }],
    [refusals.scope('x', 'Tunnel_Allow', 'api'), { claim: 'scp', found: '"x"', wanted: 'Tunnel_Allow' }],
    [refusals.claim('ver', '3', '1.0 or 2.0'), { claim: 'ver', found: '"3"', wanted: '"1.0 or 2.0"' }],
    [refusals.unknownKey('k', 2, ''), { claim: 'kid', found: '"k"', wanted: undefined }],
    [refusals.algorithm('none', ['RS256']), { claim: 'alg', found: '"none"', wanted: 'RS256' }],
    [
      refusals.expired(JANUARY, JANUARY + 60, 0),
      { claim: 'exp', found: '2026-01-01T00:00:00Z', wanted: 'later than 2026-01-01T00:01:00Z' },
    ],
    [
      refusals.notYetValid(JANUARY + 60, JANUARY, 0),
      { claim: 'nbf', found: '2026-01-01T00:01:00Z', wanted: 'no later than 2026-01-01T00:00:00Z' },
    ],
    [refusals.revoked(), { claim: undefined, found: undefined, wanted: undefined }],
  ] as const) {
    t.strictSame(foundIn(refusal), found, refusal.reason);
  }
});

t.test('a time that no calendar has is shown as the number that it is', async (t) => {
  t.match(foundIn(refusals.expired(1e15, 1e16, 0)), {
    found: '1000000000000000',
    wanted: 'later than 10000000000000000',
  });
  t.match(refusals.expired(-1e15, 0, 0).explanation, /^exp is -1000000000000000,/);
});

t.test('times are told in the unit that people count them in', async (t) => {
  const ago = (seconds: number): string => refusals.expired(0, seconds, 0).explanation.split(', ')[1]!.split(' (')[0]!;
  t.strictSame([119, 120, 7199, 7200, 90_000].map(ago), [
    '119 s ago',
    '2 min ago',
    '120 min ago',
    '2 h ago',
    '25 h ago',
  ]);
  t.match(refusals.expired(0, 1, 0).explanation, '(no clock skew is allowed)');
  t.match(refusals.expired(0, 400, 300).explanation, '(300 s of clock skew are allowed)');
});

t.test('of many values three are named, and the rest counted', async (t) => {
  const of = (...values: string[]): string => refusals.audience('x', values).explanation;
  t.match(of('a', 'b', 'c'), 'accepts a or b or c. Request the scope a/.default');
  t.match(of('a', 'b', 'c', 'd', 'e'), 'accepts a, b, c or 2 more.');
});

t.test('a value is shown whole up to 120 characters, and cut to that beyond', async (t) => {
  t.equal(show('x'.repeat(118)), `"${'x'.repeat(118)}"`);
  t.equal(show('x'.repeat(119)), `"${'x'.repeat(116)}...`);
  t.equal(show('a\u202eb\u007f'), '"a?b?"');
  t.equal(show(undefined), 'missing');
  t.equal(show(null), 'null');
});

t.test('advice fits what came', async (t) => {
  t.match(refusals.tenant('x', []).explanation, 'must be a tenant id (GUID)');
  t.match(refusals.tenant('x', ['y']).explanation, 'the gateway accepts y. Sign in with an account of that tenant');
  t.match(refusals.type('at+jwt').explanation, 'comes from another issuer');
  t.notMatch(refusals.type('x').explanation, 'another issuer');
  t.match(refusals.noKeyId(undefined).explanation, 'has no kid');
  t.match(refusals.noKeyId(7).explanation, 'is not a string');
  t.match(refusals.algorithm('none', ['RS256']).explanation, 'An unsigned token is never accepted');
  t.match(refusals.algorithm(undefined, ['RS256']).explanation, 'An unsigned token is never accepted');
  t.match(refusals.algorithm('HS256', ['RS256']).explanation, 'shared secret');
  t.match(refusals.algorithm('ES256', ['RS256']).explanation, 'Entra ID signs with RS256');
  t.match(refusals.claim('x', ['a'], 'a').explanation, 'A list does not equal a single value');
  t.notMatch(refusals.claim('x', ['a'], ['b']).explanation, 'A list does not');
  t.notMatch(refusals.claim('x', 'b', 'a').explanation, 'A list does not');
});
