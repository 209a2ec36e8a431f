import {
  any,
  apps,
  assignments,
  binary,
  choice,
  date,
  flag,
  int,
  type Members,
  type ObjectOf,
  pairs,
  text,
  texts,
  time,
  word,
} from './members.ts';
import { ANDROID_PROTECTION, IOS_PROTECTION, PROTECTION } from './protection-members.ts';

/** A Graph type, with the service's rules for its objects. */
export interface EntityType<T extends Members = Members> {
  /** `#microsoft.graph.microsoftTunnelSite`. */
  readonly name: string;
  readonly members: T;
  /** Prefix of the GUID of an id, as in public exports of tenants. */
  readonly prefix?: string;
}

const scopes = () => texts(['0']);

/** Microsoft Graph beta: `microsoftTunnelConfiguration`. */
const CONFIGURATION = {
  displayName: text({ required: true }),
  description: text(),
  network: text(),
  ipv6Network: text(),
  dnsServers: texts(),
  defaultDomainSuffix: text(),
  routesInclude: texts(),
  routesExclude: texts(),
  routeIncludes: texts(),
  routeExcludes: texts(),
  splitDNS: texts(),
  listenPort: int(443),
  advancedSettings: pairs(),
  lastUpdateDateTime: date({ readOnly: true }),
  roleScopeTagIds: scopes(),
  disableUdpConnections: flag(),
};

/** Microsoft Graph beta: `microsoftTunnelSite`. Its configuration and servers are relationships. */
const SITE = {
  displayName: text({ required: true }),
  description: text(),
  publicAddress: text(),
  upgradeWindowUtcOffsetInMinutes: int(0),
  upgradeWindowStartTime: time(),
  upgradeWindowEndTime: time(),
  upgradeAutomatically: flag(true),
  upgradeAvailable: flag(false, { readOnly: true }),
  internalNetworkProbeUrl: text(),
  roleScopeTagIds: scopes(),
};

export const HEALTH = [
  'unknown',
  'healthy',
  'unhealthy',
  'warning',
  'offline',
  'upgradeInProgress',
  'upgradeFailed',
  'unknownFutureValue',
] as const;

/** Microsoft Graph beta: `microsoftTunnelServer`. */
const SERVER = {
  displayName: text(),
  tunnelServerHealthStatus: choice(HEALTH, { readOnly: true }),
  lastCheckinDateTime: date({ readOnly: true }),
  agentImageDigest: text({ readOnly: true }),
  serverImageDigest: text({ readOnly: true }),
  deploymentMode: choice(
    ['standaloneRootful', 'standaloneRootless', 'podRootful', 'podRootless', 'unknownFutureValue'],
    { readOnly: true },
  ),
};

/** Microsoft Graph beta: `microsoftTunnelHealthThreshold`. */
const THRESHOLD = {
  healthyThreshold: int(),
  unhealthyThreshold: int(),
  defaultHealthyThreshold: int(0, { readOnly: true }),
  defaultUnhealthyThreshold: int(0, { readOnly: true }),
};

/** Microsoft Graph: `managedAppPolicy`, and the members that all policies targeted at apps share. */
const POLICY = {
  displayName: word({ required: true }),
  description: text(),
  createdDateTime: date({ readOnly: true }),
  lastModifiedDateTime: date({ readOnly: true }),
  roleScopeTagIds: scopes(),
  version: text({ readOnly: true }),
  appGroupType: choice(['selectedPublicApps', 'allCoreMicrosoftApps', 'allMicrosoftApps', 'allApps']),
  deployedAppCount: int(0, { readOnly: true }),
  isAssigned: flag(false, { readOnly: true }),
  targetedAppManagementLevels: {
    ...choice([
      'unspecified',
      'unmanaged',
      'mdm',
      'androidEnterprise',
      'androidEnterpriseDedicatedDevicesWithAzureAdSharedMode',
      'androidOpenSourceProjectUserAssociated',
      'androidOpenSourceProjectUserless',
      'unknownFutureValue',
    ]),
    several: true,
  },
  apps: apps(),
  assignments: assignments(),
};

/** `scSettings` is newer than Microsoft's published types; scripts such as mikeliddle/TunnelTestEnv send it. */
const APP_CONFIGURATION = { ...POLICY, customSettings: pairs(), settings: any(), scSettings: any() };
const IOS_APP_PROTECTION = { ...POLICY, ...PROTECTION, ...IOS_PROTECTION };
const ANDROID_APP_PROTECTION = { ...POLICY, ...PROTECTION, ...ANDROID_PROTECTION };

/** Microsoft Graph: `deviceConfiguration`, limited to the kinds that hold a trusted root certificate. */
const TRUSTED_ROOT = {
  displayName: word({ required: true }),
  description: text(),
  createdDateTime: date({ readOnly: true }),
  lastModifiedDateTime: date({ readOnly: true }),
  roleScopeTagIds: scopes(),
  supportsScopeTags: flag(true, { readOnly: true }),
  version: int(1, { readOnly: true }),
  certFileName: text(),
  /** base64 of DER, without PEM armor. */
  trustedRootCertificate: binary({ required: true }),
  assignments: assignments(),
};

/** Profiles of these platforms hold a certificate that any app can use (memdocs, `microsoft-tunnel/mam-ios.md`). */
const ROOT_TYPES = [
  'ios',
  'androidWorkProfile',
  'androidDeviceOwner',
  'android',
  'aospDeviceOwner',
  'macOS',
  'windows81',
] as const;

/** Graph's `group`, with the members that assignments need. Group members are a relationship. */
const GROUP = {
  displayName: text({ required: true }),
  description: text(),
  mailEnabled: flag(),
  mailNickname: text(),
  securityEnabled: flag(true),
  groupTypes: texts(),
  createdDateTime: date({ readOnly: true }),
};

const typeOf = <T extends Members>(name: string, members: T, prefix?: string): EntityType<T> => ({
  name: `#microsoft.graph.${name}`,
  members,
  ...(prefix === undefined ? {} : { prefix }),
});

export const TYPES = {
  configuration: typeOf('microsoftTunnelConfiguration', CONFIGURATION),
  site: typeOf('microsoftTunnelSite', SITE),
  server: typeOf('microsoftTunnelServer', SERVER),
  threshold: typeOf('microsoftTunnelHealthThreshold', THRESHOLD),
  appConfiguration: typeOf('targetedManagedAppConfiguration', APP_CONFIGURATION, 'A_'),
  iosProtection: typeOf('iosManagedAppProtection', IOS_APP_PROTECTION, 'T_'),
  androidProtection: typeOf('androidManagedAppProtection', ANDROID_APP_PROTECTION, 'T_'),
  group: typeOf('group', GROUP),
} as const;

/** Types of trusted root profiles. */
export const TRUSTED_ROOTS = ROOT_TYPES.map((platform) => typeOf(`${platform}TrustedRootCertificate`, TRUSTED_ROOT));

export type TunnelConfigurationObject = ObjectOf<typeof CONFIGURATION>;
export type SiteObject = ObjectOf<typeof SITE>;
export type ServerObject = ObjectOf<typeof SERVER>;
export type ThresholdObject = ObjectOf<typeof THRESHOLD>;
export type AppConfigurationObject = ObjectOf<typeof APP_CONFIGURATION>;
export type IosProtectionObject = ObjectOf<typeof IOS_APP_PROTECTION>;
export type AndroidProtectionObject = ObjectOf<typeof ANDROID_APP_PROTECTION>;
export type TrustedRootObject = ObjectOf<typeof TRUSTED_ROOT>;
export type GroupObject = ObjectOf<typeof GROUP>;

/** A policy with target apps and groups. */
export type AppPolicyObject = AppConfigurationObject | IosProtectionObject | AndroidProtectionObject;

/** Kinds of policies in responses that mix several kinds, such as `managedAppPolicies`. */
export type GraphObject = { readonly '@odata.type': string; readonly id: string } & Readonly<Record<string, unknown>>;
