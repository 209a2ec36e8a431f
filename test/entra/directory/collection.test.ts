import t from 'tap';
import { Directory, defaultDirectory } from '../../../src/entra/directory/index.ts';

const users = () => new Directory(defaultDirectory()).defaultTenant.users;

t.test('a loop over a collection may change each of its items', async (t) => {
  const all = users();
  for (const user of all) all.update(user.id, { locked: true });
  t.strictSame(
    [...all].map((user) => [user.userPrincipalName, user.locked]),
    [
      ['alice@contoso.com', true],
      ['bob@contoso.com', true],
    ],
  );
});

t.test('an item is found by key and by name in any case, and a renamed one no longer by its old name', async (t) => {
  const all = users();
  const alice = all.get('ALICE@contoso.com');
  t.equal(all.get(alice.id.toUpperCase()), alice);
  all.update(alice.id, { userPrincipalName: 'alicia@contoso.com' });
  t.equal(all.find('alice@contoso.com'), undefined);
  t.equal(all.get('alicia@contoso.com').id, alice.id);
  t.throws(() => all.update(alice.id, { userPrincipalName: 'bob@contoso.com' }), { code: 'ERR_IDENTITY_EXISTS' });
});

t.test('null removes a member, and what is not valid changes nothing', async (t) => {
  const all = users();
  t.notOk('surname' in all.update('alice@contoso.com', { surname: null }));
  t.throws(() => all.update('alice@contoso.com', { enabled: 'yes' }), { code: 'ERR_IDENTITY_DIRECTORY_INVALID' });
  t.equal(all.get('alice@contoso.com').enabled, true);
});

t.test('the directory that everyone gets is one that would be accepted, default for default', async (t) => {
  t.strictSame(new Directory().export(), new Directory(defaultDirectory()).export());
});

t.test('what was kept of a directory comes back, names and order included, as often as one likes', async (t) => {
  const directory = new Directory();
  const before = directory.export();
  const restore = directory.snapshot();
  for (let i = 0; i < 2; i++) {
    const { users } = directory.defaultTenant;
    users.update('alice@contoso.com', { userPrincipalName: 'alicia@contoso.com' });
    users.remove('bob@contoso.com');
    directory.updateTenant('contoso.com', { domains: ['fabrikam.com'] });
    directory.load({ tenants: [{ id: '99999999-0000-4000-8000-000000000001', domains: ['evil.test'] }] });
    restore();
    t.strictSame(directory.export(), before);
    t.equal(directory.findTenant('fabrikam.com'), undefined);
    t.equal(directory.defaultTenant.users.find('alicia@contoso.com'), undefined);
    t.ok(directory.findMember('alice@contoso.com'));
  }
});
