import type { AppRegistration } from './app-registration.ts';
import { ENTRA_CLOUDS, parseAuthority } from './authority.ts';
import { GRAPH_RESOURCE_ID, MAM_RESOURCE_ID, WELL_KNOWN_RESOURCES } from './directory/well-known.ts';
import { type PlistDictionary, type PlistValue, parseInfoPlist } from './info-plist.ts';
import { TUNNEL_RESOURCE_ID } from './tokens/constants.ts';

/** One thing that was compared. */
export interface AppFinding {
  /** `error`: sign-in or the tunnel will fail; `warning`: it may; `ok`: it fits. */
  readonly level: 'error' | 'warning' | 'ok';
  /** Where to look: a key of Info.plist, or a part of the app registration. */
  readonly subject: string;
  /** What was found, in words. */
  readonly message: string;
  /** What to change; empty when it is ok. */
  readonly fix: string;
}

/** What surrounds an Info.plist. */
export interface AppCheckOptions {
  /** Bundle id, when the Info.plist has a build setting instead, such as `$(PRODUCT_BUNDLE_IDENTIFIER)`. */
  readonly bundleId?: string;
  /** Values of other build settings that the Info.plist names as `$(NAME)` or `${NAME}`. */
  readonly buildSettings?: Readonly<Record<string, string>>;
  /** Further login hosts that are right, such as that of the built-in Entra ID. */
  readonly authorityHosts?: readonly string[];
}

/** Schemes that the app has to be allowed to ask for (tunnel-for-mam.md §5.1). */
const QUERIED_SCHEMES = [
  'msauthv2',
  'msauthv3',
  'http-intunemam',
  'https-intunemam',
  'microsoft-edge-http-intunemam',
  'microsoft-edge-https-intunemam',
  'ms-outlook-intunemam',
] as const;

/** APIs and permissions of a LOB app (tunnel-for-mam.md §4). */
const NEEDED = [
  { api: TUNNEL_RESOURCE_ID, scope: 'Tunnel_Allow', level: 'error' },
  { api: MAM_RESOURCE_ID, scope: 'DeviceManagementManagedApps.ReadWrite', level: 'error' },
  { api: GRAPH_RESOURCE_ID, scope: 'User.Read', level: 'warning' },
] as const;

/** The part of an Info.plist that counts, with build settings filled in. */
interface AppSettings {
  readonly bundleId: string | undefined;
  readonly clientId: string | undefined;
  readonly authority: string | undefined;
  readonly redirectUri: string | undefined;
  readonly urlSchemes: readonly string[];
  readonly queriedSchemes: readonly string[];
  readonly hasIntuneSettings: boolean;
}

/** The settings of an Info.plist that name an app registration: its client id helps to find the right one. */
export function readAppSettings(infoPlist: string, options: AppCheckOptions = {}): AppSettings {
  const plist = parseInfoPlist(infoPlist);
  const settings: Record<string, string> = { ...options.buildSettings };
  if (options.bundleId !== undefined) settings.PRODUCT_BUNDLE_IDENTIFIER = options.bundleId;
  const fill = (value: PlistValue | undefined): string | undefined => {
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    const filled = value.replaceAll(/\$[({]([A-Za-z0-9_]+)(?::[^)}]*)?[)}]/g, (all, name) => settings[name] ?? all);
    return filled.trim();
  };
  const texts = (value: PlistValue | undefined): string[] =>
    Array.isArray(value) ? value.flatMap((item: PlistValue) => fill(item) ?? []) : [];
  const intune = dictionary(plist.IntuneMAMSettings);
  const types = Array.isArray(plist.CFBundleURLTypes) ? plist.CFBundleURLTypes : [];
  return {
    bundleId: options.bundleId ?? fill(plist.CFBundleIdentifier),
    clientId: fill(intune?.ADALClientId),
    authority: fill(intune?.ADALAuthority),
    redirectUri: fill(intune?.ADALRedirectUri),
    urlSchemes: types.flatMap((type: PlistValue) => texts(dictionary(type)?.CFBundleURLSchemes)),
    queriedSchemes: texts(plist.LSApplicationQueriesSchemes),
    hasIntuneSettings: intune !== undefined,
  };
}

function dictionary(value: PlistValue | undefined): PlistDictionary | undefined {
  return typeof value === 'object' && !Array.isArray(value) ? (value as PlistDictionary) : undefined;
}

const ok = (subject: string, message: string): AppFinding => ({ level: 'ok', subject, message, fix: '' });
const error = (subject: string, message: string, fix: string): AppFinding => ({
  level: 'error',
  subject,
  message,
  fix,
});
const warning = (subject: string, message: string, fix: string): AppFinding => ({
  ...error(subject, message, fix),
  level: 'warning',
});

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const unresolved = (text: string): boolean => /\$[({]/.test(text);

/**
 * Compares an app registration with the Info.plist of an Xcode project, as Tunnel for MAM needs them to agree
 * (tunnel-for-mam.md §4, §5.1). Every point that was looked at is in the result, those that fit too.
 *
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` when the Info.plist cannot be read
 * @example
 * ```ts
 * const findings = checkAppRegistration(registrationFromGraph(json, tenantId), readFileSync('Info.plist', 'utf8'));
 * console.log(formatAppFindings(findings));
 * ```
 */
export function checkAppRegistration(
  registration: AppRegistration,
  infoPlist: string,
  options: AppCheckOptions = {},
): readonly AppFinding[] {
  const app = readAppSettings(infoPlist, options);
  const intune = app.hasIntuneSettings
    ? [
        checkClientId(app, registration),
        checkAuthority(app, registration, options),
        checkRedirectUri(app, registration),
      ]
    : [
        error(
          'IntuneMAMSettings',
          'Info.plist has no IntuneMAMSettings.',
          'Add that dictionary, with ADALClientId, ADALAuthority and ADALRedirectUri.',
        ),
      ];
  return [
    checkBundleId(app),
    ...intune,
    ...checkUrlSchemes(app),
    checkQueriedSchemes(app),
    checkAudience(registration),
    ...checkRegisteredRedirects(app, registration),
    ...NEEDED.map((needed) => checkPermission(registration, needed)),
    checkOptionalClaim(registration),
  ];
}

function checkBundleId({ bundleId }: AppSettings): AppFinding {
  const subject = 'CFBundleIdentifier';
  if (bundleId === undefined)
    return error(subject, 'Info.plist has no bundle id.', 'Add CFBundleIdentifier, or give the bundle id.');
  if (unresolved(bundleId)) {
    return warning(
      subject,
      `The bundle id is the build setting ${bundleId}, whose value is not known here.`,
      'Give the bundle id, so that redirect URI and URL schemes can be checked.',
    );
  }
  return ok(subject, `The bundle id is ${bundleId}.`);
}

function checkClientId({ clientId }: AppSettings, registration: AppRegistration): AppFinding {
  const subject = 'IntuneMAMSettings > ADALClientId';
  const fix = `Set it to ${registration.clientId}, the application (client) id of "${registration.displayName}".`;
  if (clientId === undefined) return error(subject, 'It is missing.', fix);
  if (!same(clientId, registration.clientId))
    return error(subject, `It is ${clientId}, but the app registration has ${registration.clientId}.`, fix);
  return ok(subject, `It is the client id of "${registration.displayName}".`);
}

function checkAuthority(
  { authority }: AppSettings,
  registration: AppRegistration,
  options: AppCheckOptions,
): AppFinding {
  const subject = 'IntuneMAMSettings > ADALAuthority';
  const { tenantId } = registration;
  const good = `https://login.microsoftonline.com/${tenantId ?? '<tenant id>'}`;
  if (authority === undefined) return error(subject, 'It is missing.', `Set it to ${good}.`);
  let parsed: ReturnType<typeof parseAuthority>;
  try {
    parsed = parseAuthority(authority);
  } catch {
    return error(subject, `It is "${authority}", which is no authority.`, `Set it to ${good}.`);
  }
  const { cloud, tenant } = parsed;
  const fix = `Set it to ${cloud.origin}/${tenantId ?? '<tenant id>'}.`;
  if (/^(common|organizations|consumers)$/i.test(tenant) && registration.signInAudience === 'AzureADMyOrg') {
    return error(subject, `It names "${tenant}", but the app registration is for one tenant only.`, fix);
  }
  const names = [tenantId, ...registration.tenantDomains].filter((name) => name !== undefined);
  if (tenantId !== undefined && !names.some((name) => same(name, tenant))) {
    return error(subject, `It names the tenant ${tenant}, but the app registration is in ${names.join(' / ')}.`, fix);
  }
  const hosts = [
    ...Object.values(ENTRA_CLOUDS).flatMap((known): readonly string[] => known.aliases),
    ...(options.authorityHosts ?? []),
  ];
  if (!hosts.some((host) => same(host, new URL(authority).host))) {
    return warning(
      subject,
      `Its host ${new URL(authority).host} is no login host of Microsoft's clouds.`,
      `For production set it to ${good}.`,
    );
  }
  return ok(subject, `It names the tenant of the app registration.`);
}

function checkRedirectUri({ redirectUri, bundleId }: AppSettings, registration: AppRegistration): AppFinding {
  const subject = 'IntuneMAMSettings > ADALRedirectUri';
  const wanted = bundleId === undefined || unresolved(bundleId) ? undefined : `msauth.${bundleId}://auth`;
  const fix = `Set it to ${wanted ?? 'msauth.<bundle id>://auth'}.`;
  if (redirectUri === undefined) return error(subject, 'It is missing.', fix);
  if (unresolved(redirectUri))
    return warning(
      subject,
      `It is ${redirectUri}, with a build setting whose value is not known here.`,
      'Give the bundle id or the build setting.',
    );
  if (wanted !== undefined && redirectUri !== wanted) {
    return error(subject, `It is ${redirectUri}, but with the bundle id ${bundleId} it has to be ${wanted}.`, fix);
  }
  if (registration.redirectUris.includes(redirectUri)) return ok(subject, `${redirectUri} is registered.`);
  const near = registration.redirectUris.find(
    (uri) => same(uri, redirectUri) || same(uri.replace(/\/$/, ''), redirectUri.replace(/\/$/, '')),
  );
  const why = near ? `; ${near} is, but they are compared letter by letter` : '';
  return error(
    subject,
    `${redirectUri} is not among the redirect URIs of the app registration${why} (sign-in fails with AADSTS50011).`,
    `Under Authentication add the platform iOS/macOS with the bundle id, or the redirect URI ${redirectUri}.`,
  );
}

function checkUrlSchemes({ bundleId, urlSchemes }: AppSettings): readonly AppFinding[] {
  if (bundleId === undefined || unresolved(bundleId)) return [];
  return [`msauth.${bundleId}`, `msauth.${bundleId}-intunemam`].map((scheme) => {
    const subject = 'CFBundleURLTypes';
    if (urlSchemes.some((declared) => same(declared, scheme)))
      return ok(subject, `The URL scheme ${scheme} is declared.`);
    return error(
      subject,
      `The URL scheme ${scheme} is not declared, so iOS cannot bring the answer of a sign-in back to the app.`,
      `Add ${scheme} to CFBundleURLSchemes in CFBundleURLTypes.`,
    );
  });
}

function checkQueriedSchemes({ queriedSchemes }: AppSettings): AppFinding {
  const subject = 'LSApplicationQueriesSchemes';
  const missing = QUERIED_SCHEMES.filter((scheme) => !queriedSchemes.some((declared) => same(declared, scheme)));
  if (missing.length === 0) return ok(subject, 'All schemes that Intune and MSAL ask for are listed.');
  return error(
    subject,
    `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing, so Authenticator, Edge or Outlook cannot be found.`,
    `Add ${missing.join(', ')}.`,
  );
}

function checkAudience({ signInAudience }: AppRegistration): AppFinding {
  const subject = 'Supported account types';
  if (signInAudience === 'AzureADMyOrg') return ok(subject, 'The app is for its own tenant only.');
  return warning(
    subject,
    `The app is multi-tenant (${signInAudience}); Tunnel for MAM is documented for single-tenant apps.`,
    'Set signInAudience to AzureADMyOrg, unless users of other tenants sign in.',
  );
}

function checkRegisteredRedirects({ bundleId }: AppSettings, { redirectUris }: AppRegistration): readonly AppFinding[] {
  if (bundleId === undefined || unresolved(bundleId)) return [];
  const broker = `msauth://code/msauth.${bundleId}%3A%2F%2Fauth`;
  const subject = 'Redirect URIs of the app registration';
  if (redirectUris.includes(broker))
    return [ok(subject, `${broker} is registered, for sign-in through Authenticator.`)];
  return [
    warning(
      subject,
      `${broker} is not registered; sign-in through Authenticator needs it.`,
      `Add the redirect URI ${broker}.`,
    ),
  ];
}

function checkPermission(registration: AppRegistration, needed: (typeof NEEDED)[number]): AppFinding {
  const api = WELL_KNOWN_RESOURCES.find((resource) => resource.appId === needed.api)!.name;
  const subject = 'API permissions';
  const name = `${api} > ${needed.scope}`;
  if (!registration.permissions.get(needed.api)?.includes(needed.scope)) {
    return {
      level: needed.level,
      subject,
      message: `The permission ${name} is missing.`,
      fix: `Under API permissions add the delegated permission ${needed.scope} of ${api} (${needed.api}), and grant admin consent.`,
    };
  }
  if (registration.servicePrincipals && !registration.servicePrincipals.includes(needed.api)) {
    return {
      level: needed.level,
      subject,
      message: `The tenant has no service principal of ${api} (sign-in fails with AADSTS500011 or AADSTS650052).`,
      fix: `Create it: az ad sp create --id ${needed.api}`,
    };
  }
  if (registration.consents && !registration.consents.get(needed.api)?.includes(needed.scope)) {
    return {
      level: needed.level,
      subject,
      message: `${name} is listed, but nobody consented to it for the tenant (users meet AADSTS65001).`,
      fix: 'Under API permissions choose "Grant admin consent".',
    };
  }
  return ok(
    subject,
    `${name} is listed${registration.consents ? ' and consented to' : '; whether it was consented to is not known here'}.`,
  );
}

function checkOptionalClaim({ optionalClaims }: AppRegistration): AppFinding {
  const subject = 'Token configuration';
  if (optionalClaims.includes('acct')) return ok(subject, 'The optional claim acct is on access tokens.');
  return warning(
    subject,
    'The optional claim acct is not on access tokens; the documentation of Tunnel for MAM asks for it.',
    'Under Token configuration add the optional claim acct for access tokens.',
  );
}

const MARK = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ' } as const;

/** Findings as text for a terminal, and a last line that sums up. */
export function formatAppFindings(findings: readonly AppFinding[]): string {
  const lines = findings.flatMap(({ level, subject, message, fix }) => [
    `${MARK[level]} ${subject}: ${message}`,
    ...(fix === '' ? [] : [`        → ${fix}`]),
  ]);
  const count = (level: AppFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const sum =
    errors + warnings === 0
      ? 'Everything fits.'
      : `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`;
  return `${[...lines, sum].join('\n')}\n`;
}
