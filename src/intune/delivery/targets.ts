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

/** The ID of an app, and its platform. */
export function appOf(identifier: AppIdentifier): { readonly app: string; readonly platform: Platform } {
  return 'bundleId' in identifier
    ? { app: identifier.bundleId, platform: 'ios' }
    : { app: identifier.packageId, platform: 'android' };
}

/** Whether a policy lists an app. */
function lists(policy: AppPolicyObject, app: string, platform: Platform): boolean {
  const lower = app.toLowerCase();
  return (policy.apps ?? []).some(({ mobileAppIdentifier: one }) =>
    platform === 'ios'
      ? 'bundleId' in one && one.bundleId.toLowerCase() === lower
      : 'packageId' in one && one.packageId.toLowerCase() === lower,
  );
}

/** Why a policy does not apply to an app; undefined if it does. */
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
      return /^com\.microsoft\./i.test(app) ? undefined : `it is for Microsoft’s own apps, and ${app} is not one`;
    default: {
      if (lists(policy, app, platform)) return undefined;
      const others: string[] = [];
      for (const { mobileAppIdentifier } of policy.apps ?? []) {
        const other = appOf(mobileAppIdentifier);
        if (other.platform === platform && others.push(other.app) === 5) break;
      }
      return `${app} is not among its apps${others.length === 0 ? '' : ` (${others.join(', ')})`}`;
    }
  }
}

/** Why a policy does not apply to a member of these groups; undefined if it does. An exclusion overrides all inclusions. */
export function appliesToUser(policy: AppPolicyObject, groups: ReadonlySet<string>): string | undefined {
  const assigned = policy.assignments ?? [];
  if (assigned.length === 0) return 'it is assigned to no one';
  let included = false;
  for (const { target } of assigned) {
    const type = target['@odata.type'];
    if (type === '#microsoft.graph.exclusionGroupAssignmentTarget' && groups.has(target.groupId!)) {
      return `its assignment excludes the group ${target.groupId}`;
    }
    included ||= type === '#microsoft.graph.allLicensedUsersAssignmentTarget';
    included ||= type === '#microsoft.graph.groupAssignmentTarget' && groups.has(target.groupId!);
  }
  if (included) return undefined;
  return 'the user is in none of the groups that it is assigned to';
}
