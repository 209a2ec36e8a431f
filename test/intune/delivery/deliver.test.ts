import t from 'tap';
import { deliver } from '../../../src/intune/delivery/deliver.ts';
import { GraphObjects } from '../../../src/intune/graph/objects.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { systemRandom } from '../../../src/lib/random.ts';

const GROUP = '0f3f2a86-5a5c-4b5e-9d5f-000000000001';
const OTHER = '0f3f2a86-5a5c-4b5e-9d5f-000000000002';
const USER = { id: '0f3f2a86-5a5c-4b5e-9d5f-0000000000aa', userPrincipalName: 'alice@contoso.com', groups: [GROUP] };
const APP = 'com.contoso.lob';

const target = (groupId: string, type = 'groupAssignmentTarget') => ({
  target: { '@odata.type': `#microsoft.graph.${type}`, groupId },
});
const apps = [{ mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: APP } }];

/** Objects with an app protection policy for the app, and app configuration policies with these members. */
function lab(...policies: Record<string, unknown>[]) {
  const objects = new GraphObjects({ clock: systemClock, random: systemRandom, isUser: (id) => id === USER.id });
  objects.create('iosManagedAppProtections', { displayName: 'protection', apps, assignments: [target(GROUP)] });
  for (const [i, policy] of policies.entries()) {
    objects.create('targetedManagedAppConfigurations', {
      displayName: `policy ${i}`,
      apps,
      assignments: [target(GROUP)],
      customSettings: [{ name: 'key', value: `value ${i}` }],
      ...policy,
    });
  }
  return objects;
}

const get = (objects: GraphObjects, more = {}) => deliver(objects, { user: USER, app: APP, platform: 'ios', ...more });

t.test('a policy for the app and a group of the user reaches it', async (t) => {
  const delivery = get(lab({}));
  t.strictSame(delivery.settings, { key: 'value 0' });
  t.strictSame(delivery.protection, { connectToVpnOnLaunch: false });
  t.strictSame(
    delivery.policies.map(({ displayName }) => displayName),
    ['policy 0', 'protection'],
  );
  t.strictSame(delivery.notes, []);
  t.strictSame(get(lab({}), { app: APP.toUpperCase() }).settings, { key: 'value 0' }, 'whatever the case of the id');
});

t.test('whom and what a policy is not for', async (t) => {
  const cases: [Record<string, unknown>, RegExp, object?][] = [
    [{ assignments: [] }, /assigned to no one/],
    [{ assignments: [target(OTHER)] }, /in none of the groups/],
    [{ assignments: [target(GROUP), target(GROUP, 'exclusionGroupAssignmentTarget')] }, /excludes the group/],
    [{ apps: [] }, /not among its apps/],
    [{ appGroupType: 'allMicrosoftApps' }, /Microsoft’s own apps/],
    [{ targetedAppManagementLevels: 'mdm,androidEnterprise' }, /this one is unmanaged/],
    [{ targetedAppManagementLevels: 'unmanaged' }, /this one is enrolled/, { enrolled: true }],
  ];
  for (const [policy, why, more] of cases) {
    const { settings, notes } = get(lab(policy), more);
    t.strictSame(settings, {}, String(why));
    t.match(notes.join(' '), why);
  }
  t.strictSame(get(lab({}), { platform: 'android' }).settings, {}, 'the other platform');
});

t.test('everybody, all apps, and groups within groups', async (t) => {
  const everyone = { target: { '@odata.type': '#microsoft.graph.allLicensedUsersAssignmentTarget' } };
  t.strictSame(get(lab({ assignments: [everyone], apps: [], appGroupType: 'allApps' })).settings, { key: 'value 0' });
  const objects = lab({ assignments: [] });
  const [outer, inner] = ['outer', 'inner'].map((displayName) => objects.create('groups', { displayName }).id) as [
    string,
    string,
  ];
  objects.addMember(outer, inner);
  const [policy] = objects.store.objects<{ id: string }>('targetedManagedAppConfigurations');
  objects.assign('targetedManagedAppConfigurations', policy!.id, { assignments: [target(outer)] });
  t.strictSame(get(objects).settings, {});
  objects.addMember(inner, USER.id);
  t.strictSame(get(objects).settings, { key: 'value 0' }, 'by way of the inner group');
  objects.removeMember(inner, USER.id);
  t.strictSame(get(objects).settings, {});
});

t.test('two policies that disagree are told, and the older one counts', async (t) => {
  const more = {
    customSettings: [
      { name: 'key', value: 'value 1' },
      { name: 'other', value: 'x' },
      { name: 'none', value: null },
    ],
  };
  const { settings, conflicts, notes } = get(lab({}, more));
  t.strictSame(settings, { key: 'value 0', other: 'x' });
  t.strictSame(conflicts, [
    {
      name: 'key',
      used: 'value 0',
      values: [
        { policy: 'policy 0', value: 'value 0' },
        { policy: 'policy 1', value: 'value 1' },
      ],
    },
  ]);
  t.match(notes.join(' '), /Several policies have key/);
  t.strictSame(get(lab({}, {})).conflicts.length, 1);
  t.strictSame(
    get(lab({}, { customSettings: [{ name: 'key', value: 'value 0' }] })).conflicts,
    [],
    'the same value is no conflict',
  );
});

t.test('a policy that has a key twice is told as one policy', async (t) => {
  const pairs = ['a', 'b'].map((value) => ({ name: 'key', value }));
  const { settings, conflicts, notes } = get(lab({ customSettings: pairs }));
  t.strictSame(settings, { key: 'a' });
  t.equal(conflicts.length, 1);
  t.match(notes, [/The policy “policy 0” has key more than once, with different values; “a” is used/]);
  t.match(get(lab({ customSettings: pairs }, {})).notes, [/Several policies have key/]);
});

t.test('a spoofed key is a key like any other', async (t) => {
  const { settings } = get(lab({ customSettings: [{ name: '__proto__', value: 'x' }] }));
  t.ok(Object.hasOwn(settings, '__proto__'));
  t.equal(Object.getPrototypeOf(settings), Object.prototype);
});
