import t from 'tap';
import {
  DEFAULT_BUNDLE_ID,
  DEFAULT_CLIENT_ID,
  DEFAULT_TENANT_ID,
  defaultDirectory,
} from '../../../src/entra/directory/default-directory.ts';
import { Directory } from '../../../src/entra/directory/directory.ts';
import type { DirectoryInput } from '../../../src/entra/directory/index.ts';
import { registrationFromDirectory, registrationFromGraph } from '../../../src/intune/app-check/app-registration.ts';
import {
  type AppCheckOptions,
  type AppFinding,
  checkAppRegistration,
  formatAppFindings,
} from '../../../src/intune/app-check/index.ts';
import { TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';

interface Plist {
  readonly bundleId?: string;
  readonly clientId?: string | undefined;
  readonly authority?: string | undefined;
  readonly redirectUri?: string | undefined;
  readonly schemes?: readonly string[];
  readonly queried?: readonly string[];
}

const QUERIED = [
  'msauthv2',
  'msauthv3',
  'http-intunemam',
  'https-intunemam',
  'microsoft-edge-http-intunemam',
  'microsoft-edge-https-intunemam',
  'ms-outlook-intunemam',
];

const GOOD: Plist = {
  bundleId: DEFAULT_BUNDLE_ID,
  clientId: DEFAULT_CLIENT_ID,
  authority: `https://login.microsoftonline.com/${DEFAULT_TENANT_ID}`,
  redirectUri: `msauth.${DEFAULT_BUNDLE_ID}://auth`,
  schemes: [`msauth.${DEFAULT_BUNDLE_ID}`, `msauth.${DEFAULT_BUNDLE_ID}-intunemam`],
  queried: QUERIED,
};

function plist(changes: Plist = {}): string {
  const app = { ...GOOD, ...changes };
  const entry = (key: string, value: string | undefined) =>
    value === undefined ? '' : `<key>${key}</key><string>${value}</string>`;
  const list = (values: readonly string[] = []) =>
    `<array>${values.map((value) => `<string>${value}</string>`).join('')}</array>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
  ${entry('CFBundleIdentifier', app.bundleId)}
  <key>CFBundleURLTypes</key><array><dict><key>CFBundleURLSchemes</key>${list(app.schemes)}</dict></array>
  <key>LSApplicationQueriesSchemes</key>${list(app.queried)}
  <key>IntuneMAMSettings</key><dict>
    ${entry('ADALClientId', app.clientId)}${entry('ADALAuthority', app.authority)}${entry('ADALRedirectUri', app.redirectUri)}
  </dict>
</dict></plist>`;
}

function findings(infoPlist: string, directory = defaultDirectory(), options?: AppCheckOptions): readonly AppFinding[] {
  const tenant = new Directory(directory).defaultTenant;
  const registration = registrationFromDirectory(tenant, DEFAULT_CLIENT_ID);
  if (!registration) throw new Error('no such app');
  return checkAppRegistration(registration, infoPlist, options);
}

const wrong = (all: readonly AppFinding[]): string[] =>
  all.filter((one) => one.level !== 'ok').map((one) => `${one.level} ${one.subject}: ${one.message} → ${one.fix}`);

t.test('the app of the default directory fits the plist that belongs to it', (t) => {
  const all = findings(plist());
  t.same(wrong(all), []);
  t.equal(all.length, 13);
  t.match(formatAppFindings(all), /No problems found\.\n$/);
  t.end();
});

t.test('each mismatch of the plist is told with what came, what is right, and what to change', (t) => {
  const cases: readonly (readonly [Plist, RegExp])[] = [
    [{ clientId: undefined }, /ADALClientId: It is missing\. → Set it to 1f6a7e3c-/],
    [
      { clientId: 'aaaaaaaa-0000-4000-8000-000000000001' },
      /It is aaaaaaaa-0000-4000-8000-000000000001, but the app registration has 1f6a7e3c-/,
    ],
    [{ authority: undefined }, /ADALAuthority: It is missing/],
    [{ authority: 'contoso.com' }, /It is "contoso\.com", which is not an authority/],
    [{ authority: 'https://login.microsoftonline.com/common' }, /names "common", but .* a single tenant/],
    [
      { authority: 'https://login.microsoftonline.com/99999999-2222-4333-8444-555555555555' },
      /names the tenant 99999999-.*, but the app registration is in 11111111-/,
    ],
    [
      { authority: `https://login.example.com/${DEFAULT_TENANT_ID}` },
      /warning .*login\.example\.com is not a login host of Microsoft's clouds/,
    ],
    [{ redirectUri: undefined }, /ADALRedirectUri: It is missing\. → Set it to msauth\.com\.contoso\.lob:\/\/auth/],
    [
      { redirectUri: 'msauth.com.contoso.other://auth' },
      /but with the bundle id com\.contoso\.lob it must be msauth\.com\.contoso\.lob:\/\/auth/,
    ],
    [{ schemes: [] }, /URL scheme msauth\.com\.contoso\.lob is not declared/],
    [{ schemes: ['msauth.com.contoso.lob'] }, /URL scheme msauth\.com\.contoso\.lob-intunemam is not declared/],
    [{ queried: QUERIED.slice(1) }, /LSApplicationQueriesSchemes: msauthv2 is missing/],
    [{ bundleId: '$(PRODUCT_BUNDLE_IDENTIFIER)' }, /build setting \$\(PRODUCT_BUNDLE_IDENTIFIER\), whose value/],
  ];
  for (const [changes, words] of cases) {
    const told = wrong(findings(plist(changes)));
    t.ok(
      told.some((text) => words.test(text)),
      `${words} in ${told.join(' | ')}`,
    );
  }
  t.end();
});

t.test('another bundle id is not registered: the one AADSTS50011 that everyone meets', (t) => {
  const bundleId = 'com.contoso.LOB';
  const told = wrong(
    findings(
      plist({
        bundleId,
        redirectUri: `msauth.${bundleId}://auth`,
        schemes: [`msauth.${bundleId}`, `msauth.${bundleId}-intunemam`],
      }),
    ),
  );
  t.match(told[0], /AADSTS50011/);
  t.match(told[0], /msauth\.com\.contoso\.lob:\/\/auth is, but the comparison is exact/);
  t.match(told[1], /warning .*%3A%2F%2Fauth is not registered/);
  t.end();
});

t.test('build settings are filled in', (t) => {
  const text = plist({
    bundleId: '$(PRODUCT_BUNDLE_IDENTIFIER)',
    redirectUri: 'msauth.$(PRODUCT_BUNDLE_IDENTIFIER)://auth',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Xcode's other spelling of a build setting
    schemes: ['msauth.${PRODUCT_BUNDLE_IDENTIFIER}', 'msauth.$(PRODUCT_BUNDLE_IDENTIFIER:rfc1034identifier)-intunemam'],
    clientId: '$(CLIENT_ID)',
  });
  const options = { bundleId: DEFAULT_BUNDLE_ID, buildSettings: { CLIENT_ID: DEFAULT_CLIENT_ID } };
  t.same(wrong(findings(text, defaultDirectory(), options)), []);
  t.end();
});

t.test('build settings may name each other', async (t) => {
  const text = plist({ bundleId: '$(PRODUCT_BUNDLE_IDENTIFIER)', authority: '$(AUTHORITY)' });
  const buildSettings = {
    PRODUCT_BUNDLE_IDENTIFIER: '$(ORGANIZATION).lob',
    ORGANIZATION: 'com.contoso',
    AUTHORITY: 'https:/$()/$(LOGIN)/$(TENANT)',
    LOGIN: 'login.microsoftonline.com',
    TENANT: DEFAULT_TENANT_ID,
  };
  t.same(wrong(findings(text, defaultDirectory(), { buildSettings })), []);
});

t.test('a build setting without a value is a warning wherever it stands, and no error', async (t) => {
  const cases: readonly (readonly [Plist, RegExp])[] = [
    [{ clientId: '$(CLIENT)' }, /^warning .*ADALClientId: It is \$\(CLIENT\), with a build setting whose value/],
    [{ authority: 'https://$(LOGIN)/common' }, /^warning .*ADALAuthority: It is https:\/\/\$\(LOGIN\)\/common, with/],
    [{ redirectUri: 'msauth.$(ID)://auth' }, /^warning .*ADALRedirectUri: It is msauth\.\$\(ID\):\/\/auth, with/],
    [
      { schemes: ['msauth.com.contoso.lob', '$(S)'] },
      /^warning CFBundleURLTypes: .*lob-intunemam is not declared, unless/,
    ],
    [
      { queried: [...QUERIED.slice(1), '$(Q)'] },
      /^warning LSApplicationQueriesSchemes: msauthv2 may be missing: \$\(Q\)/,
    ],
  ];
  for (const [changes, words] of cases) {
    const told = wrong(findings(plist(changes)));
    t.equal(told.length, 1, told.join(' | '));
    t.match(told[0], words);
  }
});

t.test('a redirect URI with one slash is named as the mistake that it is', async (t) => {
  const told = wrong(findings(plist({ redirectUri: 'msauth.com.contoso.lob:/auth' })));
  t.strictSame(told, [
    'error IntuneMAMSettings > ADALRedirectUri: It is msauth.com.contoso.lob:/auth, with one slash after the colon, as on a page of ' +
      'the documentation; MSAL needs two. → Set it to msauth.com.contoso.lob://auth.',
  ]);
  const open = wrong(findings(plist({ bundleId: '$(ID)', redirectUri: 'msauth.$(ID):/auth', schemes: [] })));
  t.match(open[1], /^error .*with one slash after the colon.* → Set it to msauth\.<bundle id>:\/\/auth/);
});

t.test('a registered redirect URI with one slash is named too', async (t) => {
  const directory = defaultDirectory();
  directory.tenants[0]!.applications![0]!.redirectUris = [
    'msauth.com.contoso.lob:/auth',
    'msauth://code/msauth.com.contoso.lob%3A%2F%2Fauth',
  ];
  t.match(wrong(findings(plist(), directory)), [
    /not among the redirect URIs of the app registration; msauth\.com\.contoso\.lob:\/auth is, with one slash after the colon/,
  ]);
});

t.test('each shortcoming of the registration is told with its AADSTS code where there is one', (t) => {
  const change = (edit: (tenant: DirectoryInput['tenants'][number]) => void): string[] => {
    const directory = defaultDirectory();
    edit(directory.tenants[0]!);
    return wrong(findings(plist(), directory));
  };
  const noPrincipal = change((tenant) => {
    tenant.servicePrincipals = tenant.servicePrincipals!.filter((one) => one.appId !== TUNNEL_RESOURCE_ID);
  });
  t.equal(noPrincipal.length, 1);
  t.match(
    noPrincipal[0],
    /no service principal of Microsoft Tunnel Gateway .*AADSTS500011.*az ad sp create --id 3678c9e9/,
  );
  const noConsent = change((tenant) => {
    tenant.consents = [];
  });
  t.equal(noConsent.length, 3);
  t.match(noConsent[0], /AADSTS65001.*Grant admin consent/);
  const noPermission = change((tenant) => {
    tenant.applications![0]!.permissions = [];
  });
  t.match(noPermission[0], /^error API permissions: The permission Microsoft Tunnel Gateway > Tunnel_Allow is missing/);
  t.match(noPermission[2], /^warning API permissions: The permission Microsoft Graph > User\.Read is missing/);
  const noClaim = change((tenant) => {
    tenant.applications![0]!.optionalClaims = [];
  });
  t.match(noClaim[0], /optional claim acct is not on access tokens/);
  const multi = change((tenant) => {
    tenant.applications![0]!.signInAudience = 'AzureADMultipleOrgs';
  });
  t.match(multi[0], /multi-tenant/);
  t.end();
});

t.test('a plist without IntuneMAMSettings is told as such, once', (t) => {
  const text = plist().replace('IntuneMAMSettings', 'OtherSettings');
  t.match(wrong(findings(text)), [
    'error IntuneMAMSettings: Info.plist has no IntuneMAMSettings. → Add that dictionary, with ADALClientId, ADALAuthority and ADALRedirectUri.',
  ]);
  t.end();
});

t.test('an application object of Microsoft Graph serves as the registration of a real tenant', (t) => {
  const app = {
    appId: DEFAULT_CLIENT_ID,
    displayName: 'Contoso LOB',
    signInAudience: 'AzureADMyOrg',
    publicClient: {
      redirectUris: [`msauth.${DEFAULT_BUNDLE_ID}://auth`, `msauth://code/msauth.${DEFAULT_BUNDLE_ID}%3A%2F%2Fauth`],
    },
    requiredResourceAccess: [
      {
        resourceAppId: TUNNEL_RESOURCE_ID,
        resourceAccess: [{ id: 'eb539595-3fe1-474e-9c1d-feb3625d1be5', type: 'Scope' }],
      },
      {
        resourceAppId: '0a5f63c0-b750-4f38-a71c-4fc0d58b89e2',
        resourceAccess: [{ id: '3c7192af-9629-4473-9276-d35e4e4b36c5', type: 'Scope' }],
      },
      {
        resourceAppId: '00000003-0000-0000-c000-000000000000',
        resourceAccess: [{ id: 'e1fe6dd8-ba31-4d61-89e7-88639da4683d', type: 'Scope' }],
      },
    ],
    optionalClaims: { accessToken: [{ name: 'acct', essential: false }] },
  };
  const registration = registrationFromGraph(JSON.stringify(app), DEFAULT_TENANT_ID);
  t.same(wrong(checkAppRegistration(registration, plist())), []);
  t.match(formatAppFindings(checkAppRegistration(registration, plist())), /the consent is unknown here/);
  const role = structuredClone(app);
  role.requiredResourceAccess[0]!.resourceAccess[0]!.type = 'Role';
  t.match(wrong(checkAppRegistration(registrationFromGraph(JSON.stringify(role)), plist())), [
    /Tunnel_Allow is missing/,
  ]);
  for (const text of ['', '[]', 'null', '{"id":"x"}']) {
    t.throws(() => registrationFromGraph(text), { code: 'ERR_IDENTITY_APP_CHECK' });
  }
  t.end();
});

t.test('the text for the terminal sums up', (t) => {
  const text = formatAppFindings(findings(plist({ clientId: undefined, queried: [] })));
  t.match(text, /^ERROR {3}IntuneMAMSettings > ADALClientId: It is missing\.\n {8}→ Set it to /m);
  t.match(text, /\n2 errors, 0 warnings\.\n$/);
  t.end();
});
