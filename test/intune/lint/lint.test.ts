import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { formatLint, LINT_RULES, lintDocument } from '../../../src/intune/lint/index.ts';
import { testCertificates, testLeaf } from '../../support/certificates.ts';

/* Each rule, with a document that is right but for one thing. */

const NOW = Date.now();
const SITE = 'c2f5a3c0-0000-4000-8000-000000000001';
const CONFIGURATION = 'c2f5a3c0-0000-4000-8000-000000000002';
const GROUP = 'c2f5a3c0-0000-4000-8000-000000000003';
const TUNNEL = 'com.microsoft.tunnel.';
const { ca } = await testCertificates();
const leaf = await testLeaf('vpn.localhost');
const der = (pem: string) => new X509Certificate(pem).raw.toString('base64');

const app = (bundleId: string) => ({
  mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId },
});
const androidApp = (packageId: string) => ({
  mobileAppIdentifier: { '@odata.type': '#microsoft.graph.androidMobileAppIdentifier', packageId },
});
const to = (type: string, groupId?: string) => ({ target: { '@odata.type': `#microsoft.graph.${type}`, groupId } });
const assignments = [to('groupAssignmentTarget', GROUP)];

/** All of a tenant, without a mistake. */
function tenant() {
  return {
    microsoftTunnelConfigurations: [{ id: CONFIGURATION, displayName: 'configuration', listenPort: 443 }],
    microsoftTunnelSites: [
      {
        id: SITE,
        displayName: 'site',
        publicAddress: 'vpn.contoso.com',
        microsoftTunnelConfiguration: { id: CONFIGURATION },
      },
    ] as Record<string, unknown>[],
    targetedManagedAppConfigurations: [
      {
        displayName: 'configuration',
        apps: [app('com.contoso.lob')],
        assignments,
        targetedAppManagementLevels: 'unspecified',
        customSettings: [
          { name: `${TUNNEL}connection_type`, value: 'MicrosoftProtect' },
          { name: `${TUNNEL}server_address`, value: 'vpn.contoso.com:443' },
          { name: `${TUNNEL}site_id`, value: SITE },
        ],
      } as Record<string, unknown>,
    ],
    iosManagedAppProtections: [{ displayName: 'protection', apps: [app('com.contoso.lob')], assignments }] as Record<
      string,
      unknown
    >[],
    androidManagedAppProtections: [] as Record<string, unknown>[],
    deviceConfigurations: [
      {
        '@odata.type': '#microsoft.graph.iosTrustedRootCertificate',
        displayName: 'root',
        trustedRootCertificate: der(ca.certPem),
      },
    ],
    servicePrincipals: [
      { appId: '3678c9e9-9681-447a-974d-d19f668fcd88' },
      { appId: '0a5f63c0-b750-4f38-a71c-4fc0d58b89e2' },
      { appId: '00000003-0000-0000-c000-000000000000' },
    ],
    applications: [
      {
        appId: 'c2f5a3c0-0000-4000-8000-000000000004',
        displayName: 'LOB',
        signInAudience: 'AzureADMyOrg',
        publicClient: { redirectUris: ['msauth.com.contoso.lob://auth'] },
        optionalClaims: { accessToken: [{ name: 'acct' }] },
        requiredResourceAccess: [
          ['3678c9e9-9681-447a-974d-d19f668fcd88', 'eb539595-3fe1-474e-9c1d-feb3625d1be5'],
          ['0a5f63c0-b750-4f38-a71c-4fc0d58b89e2', '3c7192af-9629-4473-9276-d35e4e4b36c5'],
          ['00000003-0000-0000-c000-000000000000', 'e1fe6dd8-ba31-4d61-89e7-88639da4683d'],
        ].map(([resourceAppId, id]) => ({ resourceAppId, resourceAccess: [{ id, type: 'Scope' }] })),
      } as Record<string, unknown>,
    ],
  };
}

type Tenant = ReturnType<typeof tenant>;

const set = (key: string, value: string | undefined) => (all: Tenant) => {
  const settings = all.targetedManagedAppConfigurations[0]!.customSettings as { name: string; value: string }[];
  const i = settings.findIndex(({ name }) => name === TUNNEL + key);
  if (i >= 0) settings.splice(i, 1);
  if (value !== undefined) settings.push({ name: TUNNEL + key, value });
};
const policy = (members: object) => (all: Tenant) => Object.assign(all.targetedManagedAppConfigurations[0]!, members);
const registered = (members: object) => (all: Tenant) => Object.assign(all.applications[0]!, members);

/** What is changed, which rule it breaks, and what is said. */
const CASES: readonly (readonly [string, (all: Tenant) => unknown, string, RegExp])[] = [
  ['a misspelled key', set('servr_address', 'x'), 'key-unknown', /Write com\.microsoft\.tunnel\.server_address/],
  ['a key in another case', set('Server_Address', 'x'), 'key-unknown', /tunnel\.server_address/],
  [
    'a key twice',
    (all) =>
      (all.targetedManagedAppConfigurations[0]!.customSettings as object[]).push({
        name: `${TUNNEL}server_address`,
        value: 'vpn.contoso.com:8443',
      }),
    'key-twice',
    /server_address occurs 2 times, with different values.*Keep one/s,
  ],
  ['a key with a space', set('proxy_port ', '-1'), 'key-spaces', /leading or trailing space/],
  ['a value with a space', set('connection_name', 'name '), 'value-spaces', /space/],
  ['no address', set('server_address', undefined), 'server-address-missing', /missing/],
  ['no port', set('server_address', 'vpn.contoso.com'), 'server-address-port', /vpn\.contoso\.com:443/],
  ['a scheme', set('server_address', 'https://vpn.contoso.com:443'), 'server-address-form', /without https/],
  ['an IP address', set('server_address', '192.0.2.1:443'), 'server-address-ip', /TLS fails/],
  [
    'another port than the site has',
    set('server_address', 'vpn.contoso.com:444'),
    'server-address-site',
    /vpn\.contoso\.com:443/,
  ],
  ['a site that is not there', set('site_id', CONFIGURATION), 'server-address-site', /no such site/],
  ['another type', set('connection_type', 'AnyConnect'), 'connection-type', /MicrosoftProtect/],
  ['no JSON', set('custom_configuration', '{bypassedUrls:[]}'), 'json-value', /not JSON/],
  ['names that are no list', set('custom_configuration', '{"bypassedUrls":"sts"}'), 'json-value', /bypassedUrls/],
  ['roots that are no list', set('trusted_root_certificates', '{}'), 'json-value', /not a list/],
  [
    'PAC and a fixed proxy',
    (all) => {
      set('proxy_pacurl', 'http://pac/')(all);
      set('proxy_address', 'proxy')(all);
      set('proxy_port', '3128')(all);
    },
    'proxy-both',
    /Keep one of them/,
  ],
  ['half a proxy', set('proxy_address', 'proxy'), 'proxy-half', /only the host/],
  [
    'PAC on Android',
    (all) => {
      policy({ apps: [androidApp('com.contoso.lob')] })(all);
      set('proxy_pacurl', 'http://pac/')(all);
    },
    'pac-android',
    /only Edge/,
  ],
  [
    'two policies',
    (all) => {
      const [first] = all.targetedManagedAppConfigurations;
      const other = structuredClone(first!);
      all.targetedManagedAppConfigurations.push(Object.assign(other, { displayName: 'second' }));
      (other.customSettings as { value: string }[])[2]!.value = SITE.toUpperCase();
    },
    'policies-race',
    /undefined which one wins/,
  ],
  ['per-app VPN', set('targeted_apps', 'a|b'), 'per-app-vpn-ios', /only for Android/],
  [
    'general settings',
    (all) => (all.targetedManagedAppConfigurations[0]!.customSettings as object[]).push({ name: 'vpn', value: '1' }),
    'general-settings',
    /ignores them/,
  ],
  ['enrolled devices', policy({ targetedAppManagementLevels: 'mdm' }), 'enrolled-only', /not enrolled/],
  ['no protection', (all) => all.iosManagedAppProtections.pop(), 'protection-missing', /does not reach it/],
  [
    'protection for other groups',
    (all) => {
      all.iosManagedAppProtections[0]!.assignments = [to('groupAssignmentTarget', SITE)];
    },
    'protection-missing',
    /^WARNING.*assigned to groups other/s,
  ],
  [
    'protection that excludes the group of the policy',
    (all) => {
      all.iosManagedAppProtections[0]!.assignments = [
        to('allLicensedUsersAssignmentTarget'),
        to('exclusionGroupAssignmentTarget', GROUP),
      ];
    },
    'protection-missing',
    /^WARNING.*assigned to groups other/s,
  ],
  [
    'exclusions alone',
    policy({ assignments: [to('exclusionGroupAssignmentTarget', SITE)] }),
    'unassigned',
    /assigned to no one/,
  ],
  [
    'no start on launch',
    (all) => {
      policy({ apps: [androidApp('com.contoso.lob')] })(all);
      all.androidManagedAppProtections.push({ displayName: 'a', apps: [androidApp('com.contoso.lob')], assignments });
    },
    'launch-off',
    /connectToVpnOnLaunch/,
  ],
  ['nobody', policy({ assignments: [] }), 'unassigned', /assigned to no one/],
  ['no app', policy({ apps: [] }), 'no-apps', /It has no app/],
  [
    'another bundle id',
    (all) => {
      policy({ apps: [app('com.contoso.lab')] })(all);
      all.iosManagedAppProtections[0]!.apps = [app('com.contoso.lab')];
    },
    'bundle-id',
    /there are com\.contoso\.lob/,
  ],
  [
    'a site at an IP address',
    (all) => Object.assign(all.microsoftTunnelSites[0]!, { publicAddress: '192.0.2.1' }),
    'site-address-ip',
    /host name/,
  ],
  [
    'a site at a URL',
    (all) => Object.assign(all.microsoftTunnelSites[0]!, { publicAddress: 'https://vpn.contoso.com' }),
    'site-address-form',
    /not a host name/,
  ],
  [
    'a site without configuration',
    (all) => all.microsoftTunnelConfigurations.pop(),
    'site-configuration',
    /does not exist/,
  ],
  [
    'a leaf as root',
    (all) => Object.assign(all.deviceConfigurations[0]!, { trustedRootCertificate: der(leaf.certPem) }),
    'root-not-ca',
    /not that of a certificate authority/,
  ],
  [
    'no certificate',
    (all) => Object.assign(all.deviceConfigurations[0]!, { trustedRootCertificate: 'AAAA' }),
    'root-unreadable',
    /not an X\.509/,
  ],
  [
    'a leaf in a policy',
    set('trusted_root_certificates', JSON.stringify([{ displayName: 'x', trustedRootCertificate: der(leaf.certPem) }])),
    'root-not-ca',
    /root certificate “x”/,
  ],
  [
    'no service principal',
    (all) => all.servicePrincipals.shift(),
    'service-principal',
    /az ad sp create --id 3678c9e9/,
  ],
  ['no Tunnel_Allow', registered({ requiredResourceAccess: [] }), 'app-registration', /Tunnel_Allow is missing/],
  ['no User.Read and no MAM', registered({ requiredResourceAccess: [] }), 'app-registration', /User\.Read is missing/],
  ['no acct', registered({ optionalClaims: { accessToken: [] } }), 'app-registration', /acct is not on access tokens/],
  [
    'one slash',
    registered({ publicClient: { redirectUris: ['msauth.com.contoso.lob:/auth'] } }),
    'app-registration',
    /Change it to msauth\.com\.contoso\.lob:\/\/auth/,
  ],
];

t.test('a tenant without a mistake', async (t) => {
  t.strictSame(lintDocument(tenant(), NOW), []);
  t.equal(formatLint([]), 'No problems found.\n');
});

for (const [what, change, rule, text] of CASES) {
  t.test(`${what}: ${rule}`, async (t) => {
    const all = tenant();
    change(all);
    const findings = lintDocument(all, NOW);
    const found = findings.filter((each) => each.rule === rule);
    t.match(formatLint(found), text);
    for (const { message, fix, subject } of findings) t.ok(message && fix && subject, 'each says why, and what to do');
  });
}

t.test('a certificate that is over, or not yet good', async (t) => {
  for (const now of [NOW + 100 * 365 * 86_400_000, 0]) {
    t.strictSame(
      lintDocument(tenant(), now).map(({ rule }) => rule),
      ['root-expired'],
    );
  }
});

t.test('policies that exclude each other’s users do not race, and all users include those of a group', async (t) => {
  const rules = (...given: object[][]): string[] => {
    const all = tenant();
    const [first] = all.targetedManagedAppConfigurations;
    const other = [...(first!.customSettings as object[]), { name: `${TUNNEL}connection_name`, value: 'b' }];
    const named = [...(first!.customSettings as object[]), { name: `${TUNNEL}connection_name`, value: 'a' }];
    all.targetedManagedAppConfigurations = given.map((each, i) => ({
      ...first,
      displayName: `policy ${i}`,
      customSettings: i === 0 ? named : other,
      assignments: each,
    }));
    all.iosManagedAppProtections[0]!.assignments = [to('allLicensedUsersAssignmentTarget')];
    return lintDocument(all, NOW).map(({ rule }) => rule);
  };
  const everybody = to('allLicensedUsersAssignmentTarget');
  const others = [everybody, to('exclusionGroupAssignmentTarget', GROUP)];
  t.strictSame(rules(assignments, [everybody]), ['policies-race']);
  t.strictSame(rules(assignments, others), []);
  t.strictSame(rules(others, assignments), []);
});

t.test('each rule has a case', async (t) => {
  const tried = new Set([...CASES.map(([, , rule]) => rule), 'root-expired']);
  t.strictSame(
    LINT_RULES.filter((rule) => !tried.has(rule)),
    [],
  );
});

t.test('an export of something else is looked at without harm', async (t) => {
  t.strictSame(lintDocument({}, NOW), []);
  const odd = {
    targetedManagedAppConfigurations: [null, 7, {}, { customSettings: 'x', apps: [{}], assignments: [{}] }],
    applications: [{}],
  };
  t.ok(Array.isArray(lintDocument(odd, NOW)));
  t.strictSame(lintDocument({ microsoftTunnelSites: [] }, NOW), [], 'nothing is said of lists that are not there');
});
