import { appConfigurationPolicy } from '../../pairing/app-settings.ts';
import { derOf } from '../../pairing/der.ts';
import type { PairingFacts } from '../../pairing/types.ts';
import type { Platform } from '../delivery/targets.ts';

/** Target app and users. */
export interface SeedOptions {
  /** Bundle ID, or package ID. */
  readonly app: string;
  readonly platform: Platform;
  /** ID of the users' group; `all`: every user of the tenant. */
  readonly group: string;
  /** ID of the site. Default: the policy names no site. */
  readonly site?: string;
}

/** Graph request bodies of the three policies that bring the tunnel to an app, with their URLs. */
export interface SeedPolicies {
  readonly trustedRoot: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
  readonly appConfiguration: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
  readonly appProtection: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
}

/**
 * The three policies of Tunnel for MAM for a simulator (memdocs, `microsoft-tunnel/mam-ios.md`): a trusted certificate profile, an
 * app configuration policy and an app protection policy.
 */
export function seedPolicies(facts: PairingFacts, { app, platform, group, site }: SeedOptions): SeedPolicies {
  const ios = platform === 'ios';
  const apps = [
    {
      mobileAppIdentifier: ios
        ? { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: app }
        : { '@odata.type': '#microsoft.graph.androidMobileAppIdentifier', packageId: app },
    },
  ];
  const whom =
    group === 'all'
      ? { '@odata.type': '#microsoft.graph.allLicensedUsersAssignmentTarget' }
      : { '@odata.type': '#microsoft.graph.groupAssignmentTarget', groupId: group };
  const assignments = [
    {
      target: {
        ...whom,
        deviceAndAppManagementAssignmentFilterId: null,
        deviceAndAppManagementAssignmentFilterType: 'none',
      },
    },
  ];
  const target = { apps, appGroupType: 'selectedPublicApps', targetedAppManagementLevels: 'unspecified', assignments };
  const siteKey = site === undefined ? [] : [{ name: 'com.microsoft.tunnel.site_id', value: site }];
  return {
    trustedRoot: {
      path: '/deviceManagement/deviceConfigurations',
      body: {
        '@odata.type': `#microsoft.graph.${ios ? 'ios' : 'androidWorkProfile'}TrustedRootCertificate`,
        displayName: 'Tunnelite development CA',
        certFileName: 'tunnelite-ca.cer',
        trustedRootCertificate: derOf(facts.ca.pem).toString('base64'),
      },
    },
    appConfiguration: {
      path: '/deviceAppManagement/targetedManagedAppConfigurations',
      body: {
        displayName: `Tunnel for ${app}`,
        description: '',
        ...target,
        customSettings: [...appConfigurationPolicy(facts), ...siteKey],
        roleScopeTagIds: ['0'],
      },
    },
    appProtection: {
      path: `/deviceAppManagement/${ios ? 'ios' : 'android'}ManagedAppProtections`,
      body: { displayName: `Protection of ${app}`, ...target, ...(ios ? {} : { connectToVpnOnLaunch: true }) },
    },
  };
}
