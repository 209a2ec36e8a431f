import t from 'tap';
import { defaultDirectory } from '../../../src/entra/directory/default-directory.ts';
import { GRAPH_RESOURCE_ID } from '../../../src/entra/directory/index.ts';
import { ADMIN_SCOPES, graphClient } from '../../support/graph.ts';
import { start } from '../../support/running-simulator.ts';

/* Groups whose members go, groups of other tenants, and conditions that no group fulfills. */

const FABRIKAM = '22222222-3333-4444-8555-666666666666';
const FABRIKAM_GROUP = '0f3f2a86-5a5c-4b5e-9d5f-00000000f001';
const {
  tenants: [contoso],
} = defaultDirectory();
const sim = await start(t, {
  identity: {
    directory: {
      tenants: [
        contoso!,
        {
          ...contoso!,
          id: FABRIKAM,
          domains: ['fabrikam.com'],
          users: [{ userPrincipalName: 'frank@fabrikam.com', groups: [FABRIKAM_GROUP] }],
        },
      ],
    },
  },
});
const graph = await graphClient(t, sim);
const reference = (id: string) => ({ '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${id}` });

async function group(displayName: string): Promise<string> {
  const { status, body } = await graph('POST', '/v1.0/groups', {
    displayName,
    mailEnabled: false,
    mailNickname: displayName,
    securityEnabled: true,
  });
  t.equal(status, 201);
  return String(body.id);
}
async function idOf(user: string): Promise<string> {
  return String((await graph('GET', `/v1.0/users/${user}`)).body.id);
}

t.test('members can join a group out of which another one went', async (t) => {
  const [outer, inner] = [await group('outer'), await group('inner')];
  const [alice, bob] = [await idOf('alice@contoso.com'), await idOf('bob@contoso.com')];
  const members = `/v1.0/groups/${outer}/members`;
  t.equal((await graph('POST', `${members}/$ref`, reference(inner))).status, 204);
  t.equal((await graph('POST', `${members}/$ref`, reference(bob))).status, 204);
  t.equal((await graph('DELETE', `/v1.0/groups/${inner}`)).status, 204);
  const intune = await sim.intune();
  t.strictSame(intune.objects.get('groups', outer).links.members, [bob], 'a group that is gone is no member');

  sim.identity.directory.defaultTenant.users.remove('bob@contoso.com');
  t.equal((await graph('POST', `${members}/$ref`, reference(alice))).status, 204, 'beside a user who is gone');
  t.match((await graph('GET', members)).body, { value: [{ userPrincipalName: 'alice@contoso.com' }] });
  t.doesNotThrow(() => intune.import(intune.export()), 'what is exported can be imported');
  t.equal((await graph('DELETE', `/v1.0/groups/${outer}`)).status, 204);
});

t.test('a tenant sees none of another one’s groups, and changes none', async (t) => {
  const id = await group('secret');
  const token = await sim.token({
    user: 'frank@fabrikam.com',
    tenant: FABRIKAM,
    audience: GRAPH_RESOURCE_ID,
    scopes: ADMIN_SCOPES,
  });
  const other = await graphClient(t, sim, token);
  const list = await other('GET', '/v1.0/groups');
  t.equal(list.status, 200);
  t.strictSame(
    (list.body.value as { id: string }[]).map((each) => each.id),
    [FABRIKAM_GROUP],
    'its own, which its users have',
  );
  t.equal((await other('GET', `/v1.0/groups/${id}`)).status, 404);
  for (const [method, path, body] of [
    ['GET', `/${id}/members`],
    ['POST', '', { displayName: 'x', mailEnabled: false, mailNickname: 'x', securityEnabled: true }],
    ['PATCH', `/${id}`, { displayName: 'x' }],
    ['DELETE', `/${id}`],
    ['POST', `/${id}/members/$ref`, reference(await idOf('alice@contoso.com'))],
  ] as const) {
    const answer = await other(method, `/v1.0/groups${path}`, body);
    t.equal(answer.status, 403, `${method} ${path}`);
    t.match(answer.body, { error: { code: 'Authorization_RequestDenied', message: /only the first tenant/ } });
  }
  t.match((await graph('GET', `/v1.0/groups/${id}`)).body, { displayName: 'secret' });
});

t.test('a change that depends on an ETag is refused, also in the directory', async (t) => {
  const id = await group('kept');
  for (const path of [`/v1.0/groups/${id}`, `/v1.0/applications(appId='1f6a7e3c-0000-4000-8000-0000000010b0')`]) {
    const answer = await graph('PATCH', path, { displayName: 'other' }, { 'if-match': 'W/"1"' });
    t.equal(answer.status, 412, path);
    t.match(answer.body, { error: { code: 'PreconditionFailed' } });
  }
  t.match((await graph('GET', `/v1.0/groups/${id}`)).body, { displayName: 'kept' });
  t.equal((await graph('PATCH', `/v1.0/groups/${id}`, { displayName: 'new' }, { 'if-match': '*' })).status, 204);
});

t.test('a group whose id was imported in capitals is found', async (t) => {
  const id = '0F3F2A86-5A5C-4B5E-9D5F-00000000ABCD';
  (await sim.intune()).import({ groups: [{ id, displayName: 'capitals' }] });
  t.match(await graph('GET', `/v1.0/groups/${id}`), { status: 200, body: { displayName: 'capitals' } });
});
