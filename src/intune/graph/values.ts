/** `microsoft.graph.keyValuePair`. */
export interface NameValue {
  readonly name: string;
  readonly value: string | null;
}

/** `microsoft.graph.managedMobileApp`: an app that a policy targets. */
export interface AppEntry {
  readonly id: string;
  readonly version?: string | null;
  readonly mobileAppIdentifier: AppIdentifier;
}

/** `microsoft.graph.mobileAppIdentifier`, for the platform of its type. */
export type AppIdentifier =
  | { readonly '@odata.type': '#microsoft.graph.iosMobileAppIdentifier'; readonly bundleId: string }
  | { readonly '@odata.type': '#microsoft.graph.androidMobileAppIdentifier'; readonly packageId: string };

/** The target of an assignment. */
export const TARGETS = {
  '#microsoft.graph.groupAssignmentTarget': { group: true },
  '#microsoft.graph.exclusionGroupAssignmentTarget': { group: true },
  '#microsoft.graph.allLicensedUsersAssignmentTarget': { group: false },
  '#microsoft.graph.allDevicesAssignmentTarget': { group: false },
} as const;

export type TargetType = keyof typeof TARGETS;

/** `microsoft.graph.targetedManagedAppPolicyAssignment` and similar types. */
export interface Assignment {
  readonly id: string;
  readonly target: {
    readonly '@odata.type': TargetType;
    readonly groupId?: string;
    readonly deviceAndAppManagementAssignmentFilterId: string | null;
    readonly deviceAndAppManagementAssignmentFilterType: 'none' | 'include' | 'exclude';
  };
}
