import { ENTRA_CLOUDS, parseAuthority } from '../../bearer/authority.ts';
import type { AppRegistration } from './app-registration.ts';
import { unresolved } from './build-settings.ts';
import { type AppFinding, error, ok, warning } from './findings.ts';
import type { AppCheckOptions, AppSettings } from './settings.ts';

/** URL schemes that the app must be allowed to query (memdocs, `app-sdk/tunnel-mam-ios.md`). */
const QUERIED_SCHEMES = [
  'msauthv2',
  'msauthv3',
  'http-intunemam',
  'https-intunemam',
  'microsoft-edge-http-intunemam',
  'microsoft-edge-https-intunemam',
  'ms-outlook-intunemam',
] as const;

/** A value that cannot be compared, because it contains an unknown build setting: not an error of the project. */
const unknown = (subject: string, value: string): AppFinding =>
  warning(
    subject,
    `It is ${value}, with a build setting whose value is unknown here.`,
    'Provide the bundle id, the build setting, or the .xcconfig file with it.',
  );

/** Compares ignoring case. Checks the length first: one string is compared with many. */
const same = (a: string, b: string): boolean => a.length === b.length && a.toLowerCase() === b.toLowerCase();

/** The bundle ID is present, or an unknown build setting. */
export function checkBundleId({ bundleId }: AppSettings): AppFinding {
  const subject = 'CFBundleIdentifier';
  if (bundleId === undefined)
    return error(subject, 'Info.plist has no bundle id.', 'Add CFBundleIdentifier, or provide the bundle id.');
  if (unresolved(bundleId)) {
    return warning(
      subject,
      `The bundle id is the build setting ${bundleId}, whose value is unknown here.`,
      'Provide the bundle id to check redirect URI and URL schemes.',
    );
  }
  return ok(subject, `The bundle id is ${bundleId}.`);
}

/** `ADALClientId` is the client ID of the registration. */
export function checkClientId({ clientId }: AppSettings, registration: AppRegistration): AppFinding {
  const subject = 'IntuneMAMSettings > ADALClientId';
  const fix = `Set it to ${registration.clientId}, the application (client) id of "${registration.displayName}".`;
  if (clientId === undefined) return error(subject, 'It is missing.', fix);
  if (unresolved(clientId)) return unknown(subject, clientId);
  if (!same(clientId, registration.clientId))
    return error(subject, `It is ${clientId}, but the app registration has ${registration.clientId}.`, fix);
  return ok(subject, `It is the client id of "${registration.displayName}".`);
}

/** `ADALAuthority` names the tenant of the registration, at a valid login host. */
export function checkAuthority(
  { authority }: AppSettings,
  registration: AppRegistration,
  options: AppCheckOptions,
): AppFinding {
  const subject = 'IntuneMAMSettings > ADALAuthority';
  const { tenantId } = registration;
  const good = `https://login.microsoftonline.com/${tenantId ?? '<tenant id>'}`;
  if (authority === undefined) return error(subject, 'It is missing.', `Set it to ${good}.`);
  if (unresolved(authority)) return unknown(subject, authority);
  let parsed: ReturnType<typeof parseAuthority>;
  try {
    parsed = parseAuthority(authority);
  } catch {
    return error(subject, `It is "${authority}", which is not an authority.`, `Set it to ${good}.`);
  }
  const { cloud, tenant } = parsed;
  const fix = `Set it to ${cloud.origin}/${tenantId ?? '<tenant id>'}.`;
  if (/^(common|organizations|consumers)$/i.test(tenant) && registration.signInAudience === 'AzureADMyOrg') {
    return error(subject, `It names "${tenant}", but the app registration is for a single tenant.`, fix);
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
      `Its host ${new URL(authority).host} is not a login host of Microsoft's clouds.`,
      `For production set it to ${good}.`,
    );
  }
  return ok(subject, `It names the tenant of the app registration.`);
}

/** `msauth.<bundle id>:/auth`, a widely copied misprint in Microsoft's SDK guide (memdocs, `app-sdk/tunnel-mam-ios.md`). */
const ONE_SLASH = /^(msauth\..+):\/auth\/?$/i;
const hasOneSlash = (uri: string): boolean => ONE_SLASH.test(uri);

/** `ADALRedirectUri` matches the bundle ID and is registered. */
export function checkRedirectUri({ redirectUri, bundleId }: AppSettings, registration: AppRegistration): AppFinding {
  const subject = 'IntuneMAMSettings > ADALRedirectUri';
  const wanted = bundleId === undefined || unresolved(bundleId) ? undefined : `msauth.${bundleId}://auth`;
  const fix = `Set it to ${wanted ?? 'msauth.<bundle id>://auth'}.`;
  if (redirectUri === undefined) return error(subject, 'It is missing.', fix);
  if (unresolved(redirectUri) && !hasOneSlash(redirectUri)) return unknown(subject, redirectUri);
  if (hasOneSlash(redirectUri)) {
    return error(
      subject,
      `It is ${redirectUri}, with one slash after the colon, as on a page of the documentation; MSAL needs two.`,
      fix,
    );
  }
  if (wanted !== undefined && redirectUri !== wanted) {
    return error(subject, `It is ${redirectUri}, but with the bundle id ${bundleId} it must be ${wanted}.`, fix);
  }
  if (registration.redirectUris.includes(redirectUri)) return ok(subject, `${redirectUri} is registered.`);
  const plain = (uri: string): string => uri.replace(/\/$/, '').replace(ONE_SLASH, '$1://auth');
  const bare = plain(redirectUri);
  const near = registration.redirectUris.find((uri) => same(plain(uri), bare));
  const but = near && hasOneSlash(near) ? 'with one slash after the colon' : 'but the comparison is exact';
  const why = near ? `; ${near} is, ${but}` : '';
  return error(
    subject,
    `${redirectUri} is not among the redirect URIs of the app registration${why} (sign-in fails with AADSTS50011).`,
    `Under Authentication add the platform iOS/macOS with the bundle id, or the redirect URI ${redirectUri}.`,
  );
}

/** `CFBundleURLTypes` returns the sign-in response to the app. */
export function checkUrlSchemes({ bundleId, urlSchemes }: AppSettings): readonly AppFinding[] {
  if (bundleId === undefined || unresolved(bundleId)) return [];
  return [`msauth.${bundleId}`, `msauth.${bundleId}-intunemam`].map((scheme) => {
    const subject = 'CFBundleURLTypes';
    if (urlSchemes.some((declared) => same(declared, scheme)))
      return ok(subject, `The URL scheme ${scheme} is declared.`);
    const open = urlSchemes.filter(unresolved);
    if (open.length > 0) {
      return warning(
        subject,
        `The URL scheme ${scheme} is not declared, unless ${open.join(' or ')} is: its build setting is unknown here.`,
        `Add ${scheme} to CFBundleURLSchemes in CFBundleURLTypes, or provide the build setting.`,
      );
    }
    return error(
      subject,
      `The URL scheme ${scheme} is not declared, so iOS cannot return the response of a sign-in to the app.`,
      `Add ${scheme} to CFBundleURLSchemes in CFBundleURLTypes.`,
    );
  });
}

/** `LSApplicationQueriesSchemes` lets the app find the broker and managed apps. */
export function checkQueriedSchemes({ queriedSchemes }: AppSettings): AppFinding {
  const subject = 'LSApplicationQueriesSchemes';
  const missing = QUERIED_SCHEMES.filter((scheme) => !queriedSchemes.some((declared) => same(declared, scheme)));
  if (missing.length === 0) return ok(subject, 'All schemes that Intune and MSAL require are listed.');
  const open = queriedSchemes.filter(unresolved);
  if (open.length > 0) {
    return warning(
      subject,
      `${missing.join(', ')} may be missing: ${open.join(', ')} has a build setting whose value is unknown here.`,
      `Add ${missing.join(', ')}, or provide the build setting.`,
    );
  }
  return error(
    subject,
    `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing, so Authenticator, Edge or Outlook cannot be found.`,
    `Add ${missing.join(', ')}.`,
  );
}
