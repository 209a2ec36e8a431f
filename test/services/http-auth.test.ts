import { createHash } from 'node:crypto';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { basic, bearer, Digest, type Realm, type Verdict } from '../../src/services/http-auth.ts';

const REALM: Realm = {
  name: 'contoso',
  passwordOf: (user) => ({ alice: 'secret', 'b:ob': 'x', eve: '' })[user],
  hint: () => 'Ask the administrator.',
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

t.test('Basic takes the right password of a known user, and nothing else (RFC 7617)', async (t) => {
  const asked = { challenges: ['Basic realm="contoso", charset="UTF-8"'] };
  t.strictSame(basic(`Basic ${base64('alice:secret')}`, REALM), { user: 'alice', scheme: 'Basic' });
  t.match(basic(`bASIC   ${base64('alice:secret')}`, REALM), { user: 'alice' }, 'the scheme in any case');
  t.match(basic(`Basic ${base64('eve:')}`, REALM), { user: 'eve' }, 'an empty password is one');
  for (const text of ['alice:wrong', 'alice:', 'mallory:secret', 'alice', ':secret', 'b:ob:x', '']) {
    const verdict = basic(`Basic ${base64(text)}`, REALM);
    t.match(verdict, asked, text);
    t.notOk('user' in verdict, text);
  }
  for (const header of [undefined, '', 'Basic', 'Basic $$$', `Bearer ${base64('alice:secret')}`]) {
    t.strictSame(basic(header, REALM), { ...asked, explanation: 'Send Basic credentials. Ask the administrator.' });
  }
});

t.test('Bearer takes any token, and only tokens (RFC 6750)', async (t) => {
  t.strictSame(bearer('Bearer abc.def-_~+/==', REALM), { user: 'token of 14 characters', scheme: 'Bearer' });
  for (const header of [undefined, 'Bearer', 'Bearer a b', 'Bearer =', 'Basic abc']) {
    t.match(bearer(header, REALM), { challenges: ['Bearer realm="contoso"'] }, String(header));
  }
});

const nonceOf = (verdict: Verdict): string =>
  'challenges' in verdict ? /nonce="([^"]+)"/.exec(verdict.challenges[0]!)![1]! : '';

/** Digest credentials as a client makes them (RFC 7616 §3.4), with what is changed after the response was computed. */
function credentials(
  nonce: string,
  given: { user?: string; password?: string; algorithm?: 'SHA-256' | 'MD5'; nc?: string; uri?: string } = {},
  changed: Record<string, string | undefined> = {},
): string {
  const { user = 'alice', password = 'secret', algorithm = 'SHA-256', nc = '00000001', uri = '/dir?a=1' } = given;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const secret = hash(`${user}:contoso:${password}`);
  const response = hash(`${secret}:${nonce}:${nc}:c1:auth:${hash(`GET:${uri}`)}`);
  const parameters: Record<string, string | undefined> = {
    username: `"${user}"`,
    realm: '"contoso"',
    nonce: `"${nonce}"`,
    uri: `"${uri}"`,
    qop: 'auth',
    nc,
    cnonce: '"c1"',
    algorithm,
    response: `"${response}"`,
    ...changed,
  };
  const list = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Digest ${list.map(([name, value]) => `${name}=${value}`).join(', ')}`;
}

t.test('Digest takes what was computed from the password, by either algorithm (RFC 7616)', async (t) => {
  const digest = new Digest(seededRandom(1), REALM);
  const check = (header?: string) => digest.check(header, 'GET', '/dir?a=1');
  const first = check();
  t.match(first, { explanation: 'Send Digest credentials. Ask the administrator.' });
  t.strictSame('challenges' in first && first.challenges.map((one) => /algorithm=([^,]+)/.exec(one)![1]), [
    'SHA-256',
    'MD5',
  ]);
  t.notMatch(first, { challenges: [/stale/] });
  t.strictSame(check(credentials(nonceOf(first))), { user: 'alice', scheme: 'Digest SHA-256' });
  const second = check();
  t.match(check(credentials(nonceOf(second), { algorithm: 'MD5' })), { user: 'alice', scheme: 'Digest MD5' });
  const third = check();
  const unnamed = credentials(nonceOf(third), { algorithm: 'MD5' }, { algorithm: undefined });
  t.match(check(unnamed), { user: 'alice', scheme: 'Digest MD5' }, 'without a name it is MD5');
});

t.test('a quoted name of a user may have quotes in it', async (t) => {
  const digest = new Digest(seededRandom(1), {
    ...REALM,
    passwordOf: (user) => (user === 'a"b' ? 'secret' : undefined),
  });
  const header = credentials(nonceOf(digest.check(undefined, 'GET', '/')), { user: 'a"b', uri: '/' });
  t.match(digest.check(header.replace('"a"b"', '"a\\"b"'), 'GET', '/'), { user: 'a"b' });
});

t.test('Digest refuses what is replayed, of another request, or wrong, and says which', async (t) => {
  const digest = new Digest(seededRandom(1), REALM);
  const fresh = (): string => nonceOf(digest.check(undefined, 'GET', '/dir?a=1'));
  const refused = (header: string, why: RegExp, stale = false): void => {
    const verdict = digest.check(header, 'GET', '/dir?a=1');
    t.match(verdict, { explanation: why });
    const challenges = 'challenges' in verdict ? verdict.challenges : [];
    t.equal(challenges.length > 0 && challenges.every((one) => /stale=true/.test(one)), stale, String(why));
  };
  refused(credentials('made-up'), /nonce is not valid/, true);
  refused(credentials(fresh(), {}, { nonce: undefined }), /nonce is not valid/, true);
  const nonce = fresh();
  t.match(digest.check(credentials(nonce, { nc: '00000002' }), 'GET', '/dir?a=1'), { user: 'alice' });
  for (const nc of ['00000002', '00000001']) refused(credentials(nonce, { nc }), /already used with this count/, true);
  t.match(digest.check(credentials(nonce, { nc: '00000003' }), 'GET', '/dir?a=1'), { user: 'alice' }, 'the next one');
  refused(credentials(fresh(), {}, { nc: undefined }), /already used with this count/, true);
  refused(credentials(fresh(), {}, { algorithm: 'SHA-1' }), /algorithm must be SHA-256 or MD5/);
  refused(credentials(fresh(), { uri: '/other' }), /uri of the credentials does not match the request/);
  refused(credentials(fresh(), {}, { uri: undefined }), /uri of the credentials/);
  refused(credentials(fresh(), {}, { qop: undefined }), /quality of protection must be “auth”/);
  refused(credentials(fresh(), { password: 'wrong' }), /credentials are wrong\. Ask/);
  refused(credentials(fresh(), { user: 'mallory', password: '' }), /credentials are wrong/);
  refused(credentials(fresh(), {}, { username: undefined }), /credentials are wrong/);
  refused(credentials(fresh(), {}, { response: undefined }), /credentials are wrong/);
  const header = credentials(fresh());
  t.match(digest.check(header, 'POST', '/dir?a=1'), { explanation: /credentials are wrong/ }, 'another method');
  t.match(
    digest.check(header, 'GET', 'http://x/dir', '/dir?a=1'),
    { user: 'alice' },
    'a failure does not use up its count',
  );
});

t.test('a nonce is good until a thousand newer ones were given out', async (t) => {
  const digest = new Digest(seededRandom(1), REALM);
  const nonces = Array.from({ length: 1001 }, () => nonceOf(digest.check(undefined, 'GET', '/')));
  t.match(digest.check(credentials(nonces[1]!, { uri: '/' }), 'GET', '/'), { user: 'alice' });
  t.match(digest.check(credentials(nonces[0]!, { uri: '/' }), 'GET', '/'), { explanation: /nonce is not valid/ });
});
