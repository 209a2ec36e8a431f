import fastify from 'fastify';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD } from '../../../src/entra/directory/index.ts';
import { directoryAdmin } from '../../../src/entra/rest/directory-admin.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../../src/entra/tokens/constants.ts';
import { startProvider, type TestProvider } from '../../support/identity-provider.ts';

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
  const users = '/tenants/contoso.com/users';
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
  const users = '/tenants/contoso.com/users';
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
  t.match(await admin.call('GET', '/tenants/fabrikam.com/users'), { status: 404 });
  t.match(await admin.call('DELETE', '/tenants/contoso.com'), { status: 400 }, 'one tenant has to stay');
  t.match(await admin.call('PATCH', '/tenants/contoso.com', { users: [] }), { status: 400 });
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
    const list = `/tenants/contoso.com/${path}`;
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
  t.match(await admin.call('POST', '/tenants', tenant), { status: 201, body: { displayName: 'fabrikam.com' } });
  t.match((await admin.call('PATCH', '/tenants/fabrikam.com', { displayName: 'Fabrikam' })).body, {
    displayName: 'Fabrikam',
  });
  t.equal((await admin.call('GET', '/tenants')).body.length, 2);
  t.equal((await admin.call('PUT', '/directory', before)).status, 204);
  t.equal((await admin.call('GET', '/tenants')).body.length, 1);
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
  t.equal((await admin.call('POST', '/tenants/contoso.com/users/alice@contoso.com/revoke-sessions')).status, 204);
  const { body } = await admin.call('POST', '/tokens', { user: 'bob@contoso.com' });
  t.match(body.access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
});
