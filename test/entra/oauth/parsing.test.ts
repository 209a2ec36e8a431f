import { createHash } from 'node:crypto';
import t from 'tap';
import { GRAPH_RESOURCE_ID } from '../../../src/entra/directory/index.ts';
import { AadstsError } from '../../../src/entra/errors/aadsts-error.ts';
import { checkVerifier, readChallenge } from '../../../src/entra/oauth/pkce.ts';
import { parseRequestClaims } from '../../../src/entra/oauth/request-claims.ts';
import { fullScopeNames, type Resource } from '../../../src/entra/oauth/resources.ts';
import { parseScopes } from '../../../src/entra/oauth/scopes.ts';

/** The number of the error that comes of it; undefined when none does. */
function number(work: () => unknown): number | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof AadstsError ? error.aadsts : Number.NaN;
  }
}

t.test('a scope is split into what is of OpenID Connect and what is of each API', async (t) => {
  t.match(parseScopes('openid User.Read api://a/one  api://a/two api://b//.default'), {
    oidc: ['openid'],
    apis: [
      { identifier: GRAPH_RESOURCE_ID, names: ['User.Read'] },
      { identifier: 'api://a', names: ['one', 'two'] },
      { identifier: 'api://b/', names: ['.default'] },
    ],
  });
  t.match(parseScopes(undefined), { oidc: [], apis: [] });
  t.match(parseScopes('https://graph.microsoft.com/openid api://a/openid'), {
    oidc: ['openid'],
    apis: [{ identifier: 'api://a', names: ['openid'] }],
  });
});

t.test('a scope without a name, of other characters, or of more than 512 is none (RFC 6749 §3.3)', async (t) => {
  for (const scope of ['api://a/', '/', 'a"b', 'a\\b', 'ä', 'a\tb', 'x'.repeat(513)])
    t.equal(
      number(() => parseScopes(scope)),
      70011,
      JSON.stringify(scope.slice(0, 20)),
    );
  for (const scope of ['!', '~', 'x'.repeat(512)])
    t.equal(
      number(() => parseScopes(scope)),
      undefined,
      scope.slice(0, 9),
    );
});

t.test('names of Graph stand alone, and those of others behind their API', async (t) => {
  const graph = { appId: GRAPH_RESOURCE_ID, identifier: 'https://graph.microsoft.com' } as Resource;
  t.strictSame(fullScopeNames(graph, ['User.Read', '.default']), ['User.Read', 'https://graph.microsoft.com/.default']);
  const own = { appId: 'x', identifier: 'api://x' } as Resource;
  t.strictSame(fullScopeNames(own, ['a', '.default']), ['api://x/a', 'api://x/.default']);
});

t.test('claims are asked for by a JSON object', async (t) => {
  for (const text of ['', 'x', '[]', 'null', '1', '"x"', 'true', '{'])
    t.equal(
      number(() => parseRequestClaims(text)),
      9002313,
      text,
    );
  const nothing = { contexts: [], capabilities: [], stepUp: false, notBefore: undefined, authTime: false };
  t.strictSame(parseRequestClaims(undefined), nothing);
  for (const text of [
    '{}',
    '{"access_token":null}',
    '{"access_token":[1]}',
    '{"id_token":{}}',
    '{"access_token":{"nbf":7}}',
  ])
    t.strictSame(parseRequestClaims(text), nothing, text);
});

t.test('each claim that counts is read in either of its forms, and only as far as it makes sense', async (t) => {
  const of = (access: object) => parseRequestClaims(JSON.stringify({ access_token: access }));
  t.strictSame(of({ acrs: { value: 'c1' } }).contexts, ['c1']);
  t.strictSame(of({ acrs: { values: ['c1', 'c25', 'c0', 'c100', 'x', 1, null], value: 'c9' } }).contexts, [
    'c1',
    'c25',
  ]);
  t.strictSame(of({ acrs: { values: Array(60).fill('c1') } }).contexts.length, 50);
  t.strictSame(of({ xms_cc: { values: ['cp1', 7] } }).capabilities, ['cp1', '7']);
  t.equal(of({ capolids: null }).stepUp, true);
  t.equal(of({ polids: {} }).stepUp, true);
  t.strictSame(
    ['1', 1, '0', '-1', '1.5', 'x', '9007199254740992'].map((value) => of({ nbf: { value } }).notBefore),
    [1, 1, undefined, undefined, undefined, undefined, undefined],
  );
  t.equal(parseRequestClaims('{"id_token":{"auth_time":null}}').authTime, true);
  t.equal(parseRequestClaims('{"id_token":{"__proto__":{"auth_time":1}}}').authTime, false);
});

t.test(
  'a challenge has 43 to 128 characters that need no quotes, and a method that is known (RFC 7636 §4)',
  async (t) => {
    const value = 'a'.repeat(43);
    t.strictSame(readChallenge(value, 'S256'), { value, method: 'S256' });
    t.strictSame(readChallenge(value, 'plain'), { value, method: 'plain' });
    t.strictSame(readChallenge(value, undefined), { value, method: 'plain' });
    t.equal(readChallenge(undefined, undefined), undefined);
    t.equal(
      number(() => readChallenge(undefined, 'S256')),
      900144,
    );
    for (const wrong of ['a'.repeat(42), 'a'.repeat(129), `${'a'.repeat(43)}+`, ''])
      t.equal(
        number(() => readChallenge(wrong, 'S256')),
        50147,
        `${wrong.length}`,
      );
    for (const right of ['a'.repeat(128), `${'a'.repeat(40)}-._~`]) t.ok(readChallenge(right, 'S256'));
    for (const method of ['s256', 'S512', ''])
      t.equal(
        number(() => readChallenge(value, method)),
        90100,
        method,
      );
  },
);

t.test('a verifier is the one that was announced, and nothing where none was', async (t) => {
  const verifier = 'v'.repeat(43);
  const hashed = { value: createHash('sha256').update(verifier).digest('base64url'), method: 'S256' } as const;
  const plain = { value: verifier, method: 'plain' } as const;
  for (const challenge of [hashed, plain]) {
    t.equal(
      number(() => checkVerifier(challenge, verifier)),
      undefined,
      challenge.method,
    );
    t.equal(
      number(() => checkVerifier(challenge, 'w'.repeat(43))),
      501481,
    );
    for (const wrong of [undefined, '', 'v'.repeat(42), 'v'.repeat(129)])
      t.equal(
        number(() => checkVerifier(challenge, wrong)),
        501491,
      );
  }
  t.equal(
    number(() => checkVerifier(hashed, hashed.value)),
    501481,
    'the challenge is no verifier',
  );
  t.equal(
    number(() => checkVerifier(undefined, verifier)),
    501481,
  );
  t.equal(
    number(() => checkVerifier(undefined, undefined)),
    undefined,
  );
});
