import { appConfigurationPolicy } from '../../pairing/app-settings.ts';
import { derOf } from '../../pairing/der.ts';
import type { PairingFacts } from '../../pairing/types.ts';
import type { Platform } from '../delivery/targets.ts';

/** For which app and whom. */
export interface SeedOptions {
  /** Bundle id, or package id. */
  readonly app: string;
  readonly platform: Platform;
  /** Id of the group of the users; `all`: whoever is in the tenant. */
  readonly group: string;
  /** Id of the site; left out: the policy does not name it. */
  readonly site?: string;
}

/** Bodies for Graph of the three policies that bring the tunnel to an app, with the addresses that take them. */
export interface SeedPolicies {
  readonly trustedRoot: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
  readonly appConfiguration: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
  readonly appProtection: { readonly path: string; readonly body: Readonly<Record<string, unknown>> };
}

/**
 * The three policies of Tunnel for MAM, for a simulator (memdocs, `microsoft-tunnel/mam-ios.md`): a trusted certificate profile, an
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
