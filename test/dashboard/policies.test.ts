import t from 'tap';
import {
  bodyOf,
  certificateBase64,
  draftOf,
  emptyDraft,
  findingsOf,
  kindNames,
  kindOfSet,
  rowsOf,
  sectionsOf,
  siteAddress,
  subjectOf,
} from '../../src/dashboard/page/core/policies.js';

const TUNNEL = 'com.microsoft.tunnel.';
const PROFILE = {
  '@odata.type': '#microsoft.graph.androidWorkProfileTrustedRootCertificate',
  id: 'r1',
  displayName: 'Root',
  certFileName: 'root.cer',
  lastModifiedDateTime: '2026-01-01T00:00:00Z',
  trustedRootCertificate: 'MIIA',
};
const GROUP = { id: 'g1', displayName: 'Users', 'members@odata.bind': ['directoryObjects/u1'] };
const document = {
  deviceConfigurations: [PROFILE],
  groups: [GROUP],
  microsoftTunnelConfigurations: [{ id: 'c1', displayName: 'C', listenPort: 8443 }],
  microsoftTunnelSites: [
    { id: 's1', displayName: 'S', publicAddress: 'vpn.contoso.com', microsoftTunnelConfiguration: { id: 'c1' } },
    { id: 's2', displayName: 'T', publicAddress: 'other.contoso.com' },
  ],
};
const TARGET = {
  '@odata.type': '#microsoft.graph.groupAssignmentTarget',
  groupId: 'g1',
  deviceAndAppManagementAssignmentFilterId: 'f1',
  deviceAndAppManagementAssignmentFilterType: 'include',
};
const POLICY = {
  id: 'A_1',
  displayName: 'P',
  description: null,
  appGroupType: 'allApps',
  targetedAppManagementLevels: 'unmanaged,mdm',
  apps: [
    {
      id: 'x',
      mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: 'com.contoso.lob' },
    },
    { mobileAppIdentifier: { '@odata.type': '#microsoft.graph.androidMobileAppIdentifier', packageId: 'com.contoso' } },
  ],
  assignments: [{ id: 'a', target: TARGET }],
  customSettings: [
    { name: `${TUNNEL}connection_type`, value: 'AnyConnect' },
    { name: `${TUNNEL}server_address`, value: 'vpn.contoso.com:443' },
    { name: `${TUNNEL}server_address`, value: 'second' },
    { name: `${TUNNEL}server_address `, value: 'with a space' },
    { name: `${TUNNEL}trusted_root_certificates`, value: '[{"trustedRootCertificate":"MIIB"}]' },
    { name: 'com.contoso.colour', value: 'red' },
    { name: '__proto__', value: 'x' },
  ],
};

t.test('what the wizard does not change of a policy stays as it was written', async (t) => {
  const draft = draftOf('appConfiguration', POLICY, document);
  const body = bodyOf(draft, document);
  const sorted = (list: readonly { name: string; value: string }[]) =>
    list.map(({ name, value }) => `${name}=${value}`).toSorted();
  t.strictSame(sorted(body.customSettings), sorted(POLICY.customSettings));
  t.strictSame(body.assignments, [{ target: TARGET }], 'filters among it');
  t.strictSame(
    body.apps.map((each: { mobileAppIdentifier: object }) => each.mobileAppIdentifier),
    POLICY.apps.map((each) => each.mobileAppIdentifier),
  );
  t.match(body, { appGroupType: 'allApps', targetedAppManagementLevels: 'unmanaged,mdm', description: '' });
  t.match(draft.general, [{ value: 'second' }, { value: 'with a space' }, { value: 'red' }, { name: '__proto__' }]);
  const words = JSON.stringify(sectionsOf(draft, document));
  for (const one of ['AnyConnect', 'vpn.contoso.com:443', 'As written', 'All apps', 'Users']) t.match(words, one);
});

t.test('root certificates are those of the profiles that are chosen', async (t) => {
  const draft = { ...emptyDraft('appConfiguration'), displayName: 'P', roots: ['r1'] };
  const value = (one: typeof draft) =>
    bodyOf(one, document).customSettings.find(({ name }: { name: string }) => name.endsWith('root_certificates'))
      ?.value;
  const written = value(draft);
  t.match(JSON.parse(written), [{ id: 'r1', displayName: 'Root', trustedRootCertificate: 'MIIA' }]);
  const object = { displayName: 'P', customSettings: [{ name: `${TUNNEL}trusted_root_certificates`, value: written }] };
  const again = draftOf('appConfiguration', object, document);
  t.strictSame(again.roots, ['r1']);
  t.equal(value(again), written, 'nothing was changed');
  t.equal(value({ ...again, roots: [] }), undefined, 'and can be taken away');
  for (const strange of ['', '{}', 'null', '[null]', '[[]]', '{']) {
    const settings = [{ name: `${TUNNEL}trusted_root_certificates`, value: strange }];
    const draft = draftOf('appConfiguration', { customSettings: settings }, document);
    t.strictSame(draft.roots, []);
    t.equal(value(draft) ?? '', strange);
  }
});

t.test('the other policies, and what each is called', async (t) => {
  const android = { displayName: 'A', connectToVpnOnLaunch: true };
  t.match(bodyOf(draftOf('androidProtection', android, document), document), { connectToVpnOnLaunch: true });
  t.notOk('connectToVpnOnLaunch' in bodyOf(emptyDraft('iosProtection'), document));
  const profile = draftOf('trustedRoot', PROFILE, document);
  t.match(bodyOf(profile, document), {
    '@odata.type': PROFILE['@odata.type'],
    certFileName: 'root.cer',
    trustedRootCertificate: 'MIIA',
    assignments: [],
  });
  t.match(JSON.stringify(sectionsOf(profile, document)), /Android Enterprise \(work profile\).*3 bytes/);
  t.equal(siteAddress('s1', document), 'vpn.contoso.com:8443');
  t.equal(siteAddress('s2', document), 'other.contoso.com:443', 'the default of Graph');
  t.equal(siteAddress('none', document), '');
  const rows = rowsOf({ ...document, targetedManagedAppConfigurations: [POLICY] });
  t.strictSame(
    rows.map(({ key, type }: { key: string; type: string }) => [key, type]),
    [
      ['targetedManagedAppConfigurations/A_1', 'App configuration policy'],
      ['deviceConfigurations/r1', 'Trusted certificate profile, Android Enterprise (work profile)'],
      ['microsoftTunnelSites/s1', 'Tunnel site'],
      ['microsoftTunnelSites/s2', 'Tunnel site'],
      ['microsoftTunnelConfigurations/c1', 'Server configuration'],
      ['groups/g1', 'Group'],
    ],
  );
  t.match(rows[0], { apps: 'com.contoso.lob, com.contoso', whom: 'Users', subject: 'App configuration policy “P”' });
  const found = [{ subject: subjectOf('targetedManagedAppConfigurations', POLICY) }, { subject: 'Site “S”' }];
  t.strictSame(findingsOf(found, 'App configuration policy “P”'), [found[0]]);
  for (const name of ['__proto__', 'constructor', 'users', '']) {
    t.equal(kindNames(name), undefined, name);
    t.equal(kindOfSet(name), undefined, name);
  }
});

t.test('a certificate goes as base64 of DER, whatever file it comes in', async (t) => {
  const der = Buffer.from(Array.from({ length: 200 }, (_, i) => i)).toString('base64');
  const lines = der.replace(/.{64}/g, '$&\r\n');
  const certPem = `Bag Attributes\n-----BEGIN CERTIFICATE-----\r\n${lines}\r\n-----END CERTIFICATE-----\r\n`;
  t.equal(certificateBase64(Buffer.from(certPem)), der);
  t.equal(certificateBase64(Buffer.from(der, 'base64')), der);
  const two = Buffer.from(`${certPem}\n${certPem}`);
  t.equal(certificateBase64(two), two.toString('base64'), 'the instance tells what it is');
});
