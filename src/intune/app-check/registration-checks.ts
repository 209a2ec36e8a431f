import { GRAPH_RESOURCE_ID, MAM_RESOURCE_ID, WELL_KNOWN_RESOURCES } from '../../entra/directory/well-known.ts';
import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../lib/tunnel-api.ts';
import type { AppRegistration } from './app-registration.ts';
import { unresolved } from './build-settings.ts';
import { type AppFinding, ok, warning } from './findings.ts';
import type { AppSettings } from './settings.ts';

/** APIs and permissions that a line-of-business app needs (memdocs, `microsoft-tunnel/mam-ios.md`). */
export const NEEDED_PERMISSIONS = [
  { api: TUNNEL_RESOURCE_ID, scope: TUNNEL_SCOPE, level: 'error' },
  { api: MAM_RESOURCE_ID, scope: 'DeviceManagementManagedApps.ReadWrite', level: 'error' },
  { api: GRAPH_RESOURCE_ID, scope: 'User.Read', level: 'warning' },
] as const;

/** Tunnel for MAM is documented for single-tenant apps. */
export function checkAudience({ signInAudience }: AppRegistration): AppFinding {
  const subject = 'Supported account types';
  if (signInAudience === 'AzureADMyOrg') return ok(subject, 'The app is for its own tenant only.');
  return warning(
    subject,
    `The app is multi-tenant (${signInAudience}); Tunnel for MAM is documented for single-tenant apps.`,
    'Set signInAudience to AzureADMyOrg, unless users of other tenants sign in.',
  );
}

/** The registration contains the broker's redirect URI. */
export function checkRegisteredRedirects(
  { bundleId }: AppSettings,
  { redirectUris }: AppRegistration,
): readonly AppFinding[] {
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

/** The registration lists a permission, the tenant has its API, and there is consent. */
export function checkPermission(
  registration: AppRegistration,
  needed: (typeof NEEDED_PERMISSIONS)[number],
): AppFinding {
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
      message: `${name} is listed, but there is no consent for the tenant (users get AADSTS65001).`,
      fix: 'Under API permissions choose "Grant admin consent".',
    };
  }
  return ok(
    subject,
    `${name} is listed${registration.consents ? ' and consented to' : '; the consent is unknown here'}.`,
  );
}

/** Access tokens contain `acct`. */
export function checkOptionalClaim({ optionalClaims }: AppRegistration): AppFinding {
  const subject = 'Token configuration';
  if (optionalClaims.includes('acct')) return ok(subject, 'The optional claim acct is on access tokens.');
  return warning(
    subject,
    'The optional claim acct is not on access tokens; the documentation of Tunnel for MAM requires it.',
    'Under Token configuration add the optional claim acct for access tokens.',
  );
}

/** All checks that need no Xcode project. */
export function checkRegistration(registration: AppRegistration): readonly AppFinding[] {
  return [
    checkAudience(registration),
    ...NEEDED_PERMISSIONS.map((needed) => checkPermission(registration, needed)),
    checkOptionalClaim(registration),
  ];
}
