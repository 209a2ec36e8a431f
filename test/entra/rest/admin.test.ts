import fastify from 'fastify';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../../src/entra/directory/index.ts';
import { directoryAdmin } from '../../../src/entra/rest/directory-admin.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/lib/tunnel-api.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

const INVALID = 'ERR_IDENTITY_DIRECTORY_INVALID';

async function adminOf(provider: TestProvider) {
  const app = fastify();
  await app.register(directoryAdmin(provider.idp), { prefix: '/identity' });
  const call = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, payload?: object) => {
    const response = await app.inject({ method, url: `/identity${path}`, ...(payload && { payload }) });
    return { status: response.statusCode, body: response.body === '' ? undefined : response.json() };
  };
  return { call, [Symbol.asyncDispose]: () => app.close() };
}

const signIn = (provider: TestProvider, username: string) =>
  provider.post('/contoso.com/oauth2/v2.0/token', {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username,
    password: DEFAULT_PASSWORD,
    scope: TUNNEL_DEFAULT_SCOPE,
  });

t.test('a user made by REST signs in, is locked by REST, and is gone after removal', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const users = '/directory/tenants/contoso.com/users';
  const made = await admin.call('POST', users, { userPrincipalName: 'carol@contoso.com', password: DEFAULT_PASSWORD });
  t.equal(made.status, 201);
  t.match(made.body, { userPrincipalName: 'carol@contoso.com', displayName: 'carol', enabled: true });
  t.notOk('password' in made.body, 'passwords are not shown');
  t.equal((await signIn(provider, 'carol@contoso.com')).status, 200);
  t.equal((await admin.call('PATCH', `${users}/carol@contoso.com`, { locked: true })).status, 200);
  t.match((await signIn(provider, 'carol@contoso.com')).body, { error_codes: [50053] });
  t.equal((await admin.call('DELETE', `${users}/carol@contoso.com`)).status, 204);
  t.match((await signIn(provider, 'carol@contoso.com')).body, { error_codes: [50034] });
});

t.test('mistakes are told with the place where they are', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const users = '/directory/tenants/contoso.com/users';
  const wrong = await admin.call('POST', users, { userPrincipalName: 'no at sign', enable: false });
  t.equal(wrong.status, 400);
  t.match(wrong.body.error, {
    code: 'ERR_IDENTITY_DIRECTORY_INVALID',
    message: /userPrincipalName: .*"enable" is not a key here/,
    hint: String,
  });
  t.match(await admin.call('POST', users, { userPrincipalName: 'ALICE@contoso.com' }), {
    status: 409,
    body: { error: { code: 'ERR_IDENTITY_EXISTS' } },
  });
  t.match(await admin.call('GET', `${users}/nobody`), {
    status: 404,
    body: { error: { code: 'ERR_IDENTITY_NOT_FOUND' } },
  });
  t.match(await admin.call('GET', '/directory/tenants/fabrikam.com/users'), { status: 404 });
  t.match(await admin.call('DELETE', '/directory/tenants/contoso.com'), { status: 400 }, 'one tenant has to stay');
  t.match(await admin.call('PATCH', '/directory/tenants/contoso.com', { users: [] }), { status: 400 });
});

t.test('every kind of object can be added, listed, shown, changed, replaced and removed', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const id = 'eeeeeeee-0000-4000-8000-000000000001';
  const kinds: [path: string, item: Record<string, unknown>, key: string, change: Record<string, unknown>][] = [
    ['devices', { id }, id, { compliant: false }],
    ['applications', { appId: id, secrets: [{ value: 's' }] }, id, { displayName: 'Renamed' }],
    ['service-principals', { appId: id }, id, { enabled: false }],
    ['consents', { client: id, resource: id, scopes: ['a'] }, `${id}:${id}:tenant`, { scopes: ['b'] }],
    ['policies', { id, displayName: 'P', controls: ['mfa'] }, id, { enabled: false }],
  ];
  for (const [path, item, key, change] of kinds) {
    const list = `/directory/tenants/contoso.com/${path}`;
    t.equal((await admin.call('POST', list, item)).status, 201, path);
    t.ok((await admin.call('GET', list)).body.length > 0);
    t.match((await admin.call('PATCH', `${list}/${key}`, change)).body, change);
    t.match((await admin.call('GET', `${list}/${key}`)).body, change);
    t.equal((await admin.call('PUT', `${list}/${key}`, item)).status, 200);
    t.equal((await admin.call('DELETE', `${list}/${key}`)).status, 204);
    t.equal((await admin.call('GET', `${list}/${key}`)).status, 404);
  }
});

t.test('a tenant is added, renamed and removed, and the directory is exported and loaded again', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const before = (await admin.call('GET', '/directory')).body;
  const tenant = { id: 'ffffffff-0000-4000-8000-000000000001', domains: ['fabrikam.com'] };
  t.match(await admin.call('POST', '/directory/tenants', tenant), {
    status: 201,
    body: { displayName: 'fabrikam.com' },
  });
  t.match((await admin.call('PATCH', '/directory/tenants/fabrikam.com', { displayName: 'Fabrikam' })).body, {
    displayName: 'Fabrikam',
  });
  t.equal((await admin.call('GET', '/directory/tenants')).body.length, 2);
  t.equal((await admin.call('PUT', '/directory', before)).status, 204);
  t.equal((await admin.call('GET', '/directory/tenants')).body.length, 1);
  t.strictSame((await admin.call('GET', '/directory')).body, before);
});

t.test('a directory with thousands of users is loaded in one request', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const { body } = await admin.call('GET', '/directory');
  for (let index = 0; index < 5000; index++) {
    body.tenants[0].users.push({ userPrincipalName: `user${index}@contoso.com`, password: DEFAULT_PASSWORD });
  }
  t.equal((await admin.call('PUT', '/directory', body)).status, 204);
  t.equal((await signIn(provider, 'user4999@contoso.com')).status, 200);
});

t.test('failures, outages, sessions and keys are steered by REST', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const ordered = await admin.call('POST', '/failures', { user: 'alice@contoso.com', code: 50076 });
  t.equal(ordered.status, 201);
  t.match((await admin.call('GET', '/failures')).body, [{ id: ordered.body.id, code: 50076, left: 1 }]);
  t.match((await signIn(provider, 'alice@contoso.com')).body, { error_codes: [50076], suberror: 'basic_action' });
  t.match(await admin.call('POST', '/failures', { code: 99 }), {
    status: 400,
    body: { error: { code: 'ERR_IDENTITY_OVERRIDE' } },
  });
  t.equal((await admin.call('PUT', '/outages/token', { status: 503 })).status, 204);
  t.equal((await signIn(provider, 'alice@contoso.com')).status, 503);
  t.equal((await admin.call('DELETE', '/outages/token')).status, 204);
  t.equal((await signIn(provider, 'alice@contoso.com')).status, 200);
  t.equal(
    (await admin.call('POST', '/directory/tenants/contoso.com/users/alice@contoso.com/revoke-sessions')).status,
    204,
  );
  const { body } = await admin.call('POST', '/directory/tokens', { user: 'bob@contoso.com' });
  t.match(body.access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
});

t.test('a mistyped request is refused with what was probably meant, and changes nothing', async (t) => {
  await using provider = await startProvider();
  await using admin = await adminOf(provider);
  const users = '/directory/tenants/contoso.com/users';
  const refused: [...Parameters<typeof admin.call>, code: string, words: RegExp][] = [
    [
      'POST',
      '/directory/tokens',
      { wrong: 'expired' },
      'ERR_REQUEST_INVALID',
      /^body wrong: "wrong" is not a key here/,
    ],
    [
      'POST',
      '/directory/tokens',
      { overrides: { version: '3.0' } },
      'ERR_REQUEST_INVALID',
      /^body overrides\.version: /,
    ],
    ['POST', '/failures', { code: 5076 }, 'ERR_IDENTITY_OVERRIDE', /no AADSTS code 5076\. Did you mean 50076\?$/],
    ['POST', '/failures', { code: 50076, suberror: 7 }, 'ERR_IDENTITY_OVERRIDE', /^body suberror: 7 is not valid/],
    ['POST', '/failures', { code: 50076, user: { name: 'alice' } }, 'ERR_IDENTITY_OVERRIDE', /^body user: /],
    ['POST', '/failures', { code: 50076, endpoint: 'tokn' }, 'ERR_IDENTITY_OVERRIDE', /Did you mean "token"\?$/],
    ['PUT', '/outages/token', { satus: 503 }, 'ERR_IDENTITY_OVERRIDE', /Did you mean "status"\?$/],
    ['PUT', '/outages/tokn', { status: 503 }, 'ERR_IDENTITY_OVERRIDE', /no endpoint "tokn"\. Did you mean "token"\?$/],
    ['DELETE', '/outages/tokn', undefined, 'ERR_IDENTITY_OVERRIDE', /^path endpoint: /],
    ['DELETE', '/failures/first', undefined, 'ERR_REQUEST_INVALID', /^path id: /],
    [
      'GET',
      '/directory/tenants?tenant=contoso.com',
      undefined,
      'ERR_REQUEST_INVALID',
      /^query tenant: "tenant" is not a key/,
    ],
    ['POST', '/directory/keys/rotate', { emergency: true }, 'ERR_REQUEST_INVALID', /^body emergency: /],
    ['POST', users, { userPrincipalName: 'c@contoso.com', mfa: 'requird' }, INVALID, /Did you mean "required"\?$/],
    ['PATCH', `${users}/alice@contoso.com`, { mfa: 'requird' }, INVALID, /Did you mean "required"\?$/],
    ['PATCH', `${users}/alice@contoso.com`, { lockd: null }, INVALID, /Did you mean "locked"\?$/],
    ['PATCH', `${users}/alice@contoso.com`, [], INVALID, /^body: \[\] is not valid here, expected: an object\.$/],
    ['PUT', `${users}/alice@contoso.com`, [], INVALID, /^body: \[\] is not valid here/],
    ['POST', '/directory/tenants/contoso.com/policies', { displayName: 'P', controls: ['blok'] }, INVALID, /"block"/],
  ];
  const before = (await admin.call('GET', '/directory')).body;
  for (const [method, path, body, code, words] of refused) {
    const answer = await admin.call(method, path, body);
    t.match(answer, { status: 400, body: { error: { code, message: words, hint: String } } }, `${method} ${path}`);
  }
  t.strictSame((await admin.call('GET', '/directory')).body, before);
  t.strictSame((await admin.call('GET', '/failures')).body, []);
  t.equal((await signIn(provider, 'alice@contoso.com')).status, 200);
  t.match(await admin.call('POST', '/directory/tokens', { user: 'nobody@contoso.com' }), {
    status: 400,
    body: { error: { message: /^AADSTS50034: / } },
  });
});

t.test('every request that carries a body has a schema for it, and every request one for its query', async (t) => {
  await using provider = await startProvider();
  const app = fastify();
  t.teardown(() => app.close());
  app.addHook('onRoute', ({ method, url, schema }) => {
    t.ok(schema?.querystring, `${method} ${url}: query`);
    if (['POST', 'PUT', 'PATCH'].includes(String(method))) t.ok(schema?.body, `${method} ${url}: body`);
  });
  await app.register(directoryAdmin(provider.idp));
});

t.test('what is no JSON, or of another kind, is refused in the same shape', async (t) => {
  await using provider = await startProvider();
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(directoryAdmin(provider.idp));
  const refused: [status: number, type: string | undefined, payload: string, message: RegExp, hint: RegExp][] = [
    [400, 'application/json', '{"code":', /^The body is not JSON: .*end of JSON/, /openapi\.json/],
    [400, 'application/json', '{"code":1,"code":50076}', /^The body has a repeated member\.$/, /openapi/],
    [400, 'application/json', `${'['.repeat(40)}${']'.repeat(40)}`, /^The body is nested too deeply\.$/, /openapi/],
    [400, 'application/json', '{"__proto__":{"code":50076}}', /^body __proto__: "__proto__" is not a key here/, /./],
    [415, 'application/xml', '<code/>', /^The body is application\/xml, but only JSON is accepted\.$/, /Content-Type/],
    [415, undefined, 'code', /^The body has no content type, but only JSON is accepted\.$/, /Content-Type/],
    [413, 'application/json', '1'.repeat(2 ** 20 + 1), /^The body is longer than 1048576 bytes\.$/, /less/],
  ];
  for (const [status, type, payload, message, hint] of refused) {
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: '/failures', headers, payload });
    t.equal(answer.statusCode, status, answer.body);
    t.match(answer.json().error.message, message);
    t.match(answer.json().error.hint, hint);
  }
  const empty = {
    method: 'POST',
    url: '/directory/reset',
    headers: { 'content-type': 'application/json' },
    payload: '',
  } as const;
  t.equal((await app.inject(empty)).statusCode, 204, 'a body of no bytes is none');
  const marked = { ...empty, url: '/failures', payload: '\ufeff{"code":50076}' } as const;
  t.equal((await app.inject(marked)).statusCode, 201, 'a byte order mark is no mistake');
  t.match((await app.inject({ method: 'DELETE', url: '/failures/99' })).json(), {
    error: { code: 'ERR_IDENTITY_NOT_FOUND', message: 'There is no ordered failure 99.' },
  });
});
