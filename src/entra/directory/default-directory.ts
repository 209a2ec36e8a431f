import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../lib/tunnel-api.ts';
import type { ApplicationInput, DirectoryInput, UserInput } from './input-types.ts';
import { GRAPH_RESOURCE_ID, MAM_RESOURCE_ID } from './well-known.ts';

/** Tenant of the default directory. */
export const DEFAULT_TENANT_ID = '11111111-2222-4333-8444-555555555555';
const DEFAULT_DOMAIN = 'contoso.com';
/** Client ID of the LOB app of the default directory. */
export const DEFAULT_CLIENT_ID = '1f6a7e3c-0000-4000-8000-0000000010b0';
/** Its bundle ID, from which its redirect URI derives. */
export const DEFAULT_BUNDLE_ID = 'com.contoso.lob';
/** Password of both default users. It protects nothing: the directory is a test fixture. */
export const DEFAULT_PASSWORD = 'Passw0rd!';

/** The two default users. */
export const DEFAULT_USERS: readonly UserInput[] = [
  {
    userPrincipalName: `alice@${DEFAULT_DOMAIN}`,
    displayName: 'Alice Ahrens',
    givenName: 'Alice',
    surname: 'Ahrens',
    mail: `alice@${DEFAULT_DOMAIN}`,
    password: DEFAULT_PASSWORD,
  },
  {
    userPrincipalName: `bob@${DEFAULT_DOMAIN}`,
    displayName: 'Bob Becker',
    givenName: 'Bob',
    surname: 'Becker',
    mail: `bob@${DEFAULT_DOMAIN}`,
    password: DEFAULT_PASSWORD,
  },
];

/** Redirect URIs of the iOS/macOS platform of an app registration (memdocs, `microsoft-tunnel/mam-ios.md`). */
function bundleRedirectUris(bundleId: string): string[] {
  return [`msauth.${bundleId}://auth`, `msauth://code/msauth.${bundleId}%3A%2F%2Fauth`];
}

/** An app registration as the script `TunnelProfiles.ps1` of mikeliddle/TunnelTestEnv creates it. */
function lobApplication(appId: string, bundleId: string, displayName: string): ApplicationInput {
  return {
    appId,
    displayName,
    redirectUris: [...bundleRedirectUris(bundleId), 'http://localhost'],
    optionalClaims: ['acct'],
    permissions: [
      { resource: TUNNEL_RESOURCE_ID, scopes: [TUNNEL_SCOPE] },
      { resource: MAM_RESOURCE_ID, scopes: ['DeviceManagementManagedApps.ReadWrite'] },
      { resource: GRAPH_RESOURCE_ID, scopes: ['User.Read'] },
    ],
  };
}

/**
 * The directory of a simulator without identity configuration: one tenant, two users, one LOB app with admin consent,
 * and the service principals that a tunnel needs. Each call returns a new copy.
 */
export function defaultDirectory(): DirectoryInput {
  const app = lobApplication(DEFAULT_CLIENT_ID, DEFAULT_BUNDLE_ID, 'Contoso LOB');
  return {
    tenants: [
      {
        id: DEFAULT_TENANT_ID,
        displayName: 'Contoso',
        domains: [DEFAULT_DOMAIN, 'contoso.onmicrosoft.com'],
        users: DEFAULT_USERS.map((user) => ({ ...user })),
        applications: [app],
        servicePrincipals: [TUNNEL_RESOURCE_ID, MAM_RESOURCE_ID, GRAPH_RESOURCE_ID].map((appId) => ({ appId })),
        consents: app.permissions!.map(({ resource, scopes }) => ({
          client: DEFAULT_CLIENT_ID,
          resource,
          scopes: [...scopes!],
        })),
      },
    ],
  };
}
