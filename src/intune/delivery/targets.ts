import type { AppPolicyObject } from '../graph/types.ts';
import type { AppIdentifier } from '../graph/values.ts';

export const PLATFORMS = ['ios', 'android'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** An app on a device. */
export interface AppOnDevice {
  readonly app: string;
  readonly platform: Platform;
  readonly enrolled: boolean;
}

/** The id of an app, and its platform. */
export function appOf(identifier: AppIdentifier): { readonly app: string; readonly platform: Platform } {
  return 'bundleId' in identifier
    ? { app: identifier.bundleId, platform: 'ios' }
    : { app: identifier.packageId, platform: 'android' };
}

/** Why a policy does not concern an app, in words; undefined where it does. */
export function appliesToApp(policy: AppPolicyObject, { app, platform, enrolled }: AppOnDevice): string | undefined {
  const levels = String(policy.targetedAppManagementLevels ?? 'unspecified').split(',');
  const device = enrolled ? (platform === 'ios' ? ['mdm'] : ['mdm', 'androidEnterprise']) : ['unmanaged'];
  if (!levels.includes('unspecified') && !levels.some((level) => device.includes(level))) {
    return `it is for devices of the type ${levels.join(', ')}, and this one is ${enrolled ? 'enrolled' : 'unmanaged'}`;
  }
  switch (policy.appGroupType) {
    case 'allApps':
      return undefined;
    case 'allMicrosoftApps':
    case 'allCoreMicrosoftApps':
      return /^com\.microsoft\./i.test(app) ? undefined : `it is for Microsoft’s own apps, and ${app} is none`;
    default: {
      const listed = (policy.apps ?? []).map(({ mobileAppIdentifier }) => appOf(mobileAppIdentifier));
      if (listed.some((each) => each.platform === platform && each.app.toLowerCase() === app.toLowerCase()))
        return undefined;
      const others = listed.filter((each) => each.platform === platform).map((each) => each.app);
      return `${app} is not among its apps${others.length === 0 ? '' : ` (${others.slice(0, 5).join(', ')})`}`;
    }
  }
}

/** Why a policy does not concern somebody in these groups, in words; undefined where it does. Who is excluded is, whatever includes them. */
export function appliesToUser(policy: AppPolicyObject, groups: ReadonlySet<string>): string | undefined {
  const assigned = policy.assignments ?? [];
  if (assigned.length === 0) return 'it is assigned to nobody';
  const of = (type: string) => assigned.filter(({ target }) => target['@odata.type'] === `#microsoft.graph.${type}`);
  const excluded = of('exclusionGroupAssignmentTarget').find(({ target }) => groups.has(target.groupId!));
  if (excluded) return `its assignment excludes the group ${excluded.target.groupId}`;
  if (of('allLicensedUsersAssignmentTarget').length > 0) return undefined;
  if (of('groupAssignmentTarget').some(({ target }) => groups.has(target.groupId!))) return undefined;
  return 'the user is in none of the groups that it is assigned to';
}
