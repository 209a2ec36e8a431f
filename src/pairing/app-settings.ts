import { build } from 'plist';
import { TUNNEL_DEFAULT_SCOPE } from '../lib/tunnel-api.ts';
import { derOf } from './der.ts';
import type { PairingFacts, PairingIdentity } from './types.ts';

const PREFIX = 'com.microsoft.tunnel.';
/** Display name of the connection. */
const CONNECTION_NAME = 'Tunnelite';

/** The dictionary for the SDK's `setConfig` (keys from the public headers of microsoftconnect/ms-intune-tunnel-sdk-ios). */
export function sdkConfig({ serverAddress }: PairingFacts): Readonly<Record<string, string>> {
  return {
    [`${PREFIX}connection_type`]: 'MicrosoftProtect',
    [`${PREFIX}connection_name`]: CONNECTION_NAME,
    [`${PREFIX}server_address`]: serverAddress,
  };
}

/**
 * The key-value pairs of an app configuration policy. They include the CA for sites inside the tunnel; the device's
 * own trust store validates the gateway's certificate.
 */
export function appConfigurationPolicy(
  facts: PairingFacts,
): readonly { readonly name: string; readonly value: string }[] {
  const root = {
    '@odata.type': '#microsoft.graph.iosTrustedRootCertificate',
    id: '00000000-0000-0000-0000-000000000000',
    displayName: 'Tunnelite development CA',
    lastModifiedDateTime: '2025-01-01T00:00:00Z',
    trustedRootCertificate: derOf(facts.ca.pem).toString('base64'),
  };
  return Object.entries({
    ...sdkConfig(facts),
    [`${PREFIX}trusted_root_certificates`]: JSON.stringify([root]),
  }).map(([name, value]) => ({ name, value }));
}

/** The configuration file of MSAL for Android; MSAL for iOS takes the same values in code. */
export function msalConfiguration({ clientId, authority, bundleId }: PairingIdentity): string {
  return `${JSON.stringify(
    {
      client_id: clientId,
      authorization_user_agent: 'DEFAULT',
      redirect_uri: `msauth://${bundleId}/auth`,
      account_mode: 'SINGLE',
      broker_redirect_uri_registered: false,
      authorities: [{ type: 'AAD', default: true, authority_url: authority }],
    },
    null,
    2,
  )}\n`;
}

/** Entries for the app's Info.plist (memdocs, `app-sdk/tunnel-mam-ios.md`). */
export function infoPlist({ authority, clientId, redirectUri, bundleId }: PairingIdentity): string {
  const text = build({
    IntuneMAMSettings: { ADALAuthority: authority, ADALClientId: clientId, ADALRedirectUri: redirectUri },
    CFBundleURLTypes: [
      { CFBundleURLSchemes: [`msauth.${bundleId}`, `msauth.${bundleId}-intunemam`, deepLinkScheme(bundleId)] },
    ],
  });
  // Two keys to add to a dictionary that may already exist.
  return `${/<dict>\n([\s\S]*)\n {2}<\/dict>/.exec(text)![1]!.replaceAll(/^ {4}/gm, '')}\n`;
}

export const deepLinkScheme = (bundleId: string): string => `${bundleId}.tunnelite`;

/** A link that opens the app with all settings for a tunnel. The fragment stays out of the logs of intermediaries. */
export function deepLink({ serverAddress, identity }: PairingFacts, token: string): string {
  const values = new URLSearchParams({ server_address: serverAddress, token });
  return `${deepLinkScheme(identity!.bundleId)}://connect#${values}`;
}

/** Where to request tokens. */
export const tokenUrl = ({ authority }: PairingIdentity): string => `${authority}/oauth2/v2.0/token`;
export const SCOPE = TUNNEL_DEFAULT_SCOPE;
