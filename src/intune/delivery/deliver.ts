import type { User } from '../../entra/directory/schema.ts';
import { groupsOf } from '../graph/group-members.ts';
import type { GraphObjects } from '../graph/objects.ts';
import type { AndroidProtectionObject, AppConfigurationObject, AppPolicyObject } from '../graph/types.ts';
import { appliesToApp, appliesToUser, type Platform } from './targets.ts';

/** The requesting app and device. */
export interface DeliveryRequest {
  readonly user: Pick<User, 'id' | 'userPrincipalName' | 'groups'>;
  /** Bundle ID, or package ID. */
  readonly app: string;
  readonly platform: Platform;
  /** True for a device that Intune manages as a whole (MDM). Default: unmanaged. */
  readonly enrolled?: boolean;
}

/** A policy that contributed to a delivery. */
export interface DeliveredPolicy {
  readonly id: string;
  readonly displayName: string;
  readonly kind: 'app configuration' | 'app protection';
}

/** A key with values in several policies. */
export interface SettingConflict {
  readonly name: string;
  /** The effective one: from the oldest policy. */
  readonly used: string;
  readonly values: readonly { readonly policy: string; readonly value: string }[];
}

/** The policies that an enrolled app gets. */
export interface Delivery {
  readonly user: string;
  readonly app: string;
  readonly platform: Platform;
  /** Merged keys and values of all app configuration policies that apply. Empty if none reaches the app. */
  readonly settings: Readonly<Record<string, string>>;
  /** Tunnel settings of the app protection policies; null if none applies to this app and user. */
  readonly protection: { readonly connectToVpnOnLaunch: boolean } | null;
  readonly policies: readonly DeliveredPolicy[];
  readonly conflicts: readonly SettingConflict[];
  /** Why a policy did not reach the app, or why there is none: sentences. */
  readonly notes: readonly string[];
}

/**
 * Collects an app's policies for its user: app configuration and app protection policies that are assigned to a group of the user and target
 * the app. On iOS, app configuration reaches only apps that have an app protection policy (memdocs, `microsoft-tunnel/mam-ios.md`).
 */
export function deliver({ store }: GraphObjects, request: DeliveryRequest): Delivery {
  const { user, app, platform, enrolled = false } = request;
  const groups = groupsOf(store, user.id, user.groups);
  const notes: string[] = [];
  const reaching = <T extends AppPolicyObject>(policies: readonly T[], kind: DeliveredPolicy['kind']): readonly T[] => {
    const judged = policies.map((policy) => ({
      policy,
      why: appliesToApp(policy, { app, platform, enrolled }) ?? appliesToUser(policy, groups),
    }));
    for (const { policy, why } of judged) {
      if (why !== undefined) notes.push(`The ${kind} policy “${nameOf(policy)}” does not apply: ${why}.`);
    }
    return judged.filter(({ why }) => why === undefined).map(({ policy }) => policy);
  };
  const protectionSet = platform === 'ios' ? 'iosManagedAppProtections' : 'androidManagedAppProtections';
  const protections = reaching(store.objects<AppPolicyObject>(protectionSet), 'app protection');
  const targeted = reaching(
    store.objects<AppConfigurationObject>('targetedManagedAppConfigurations'),
    'app configuration',
  );
  const withheld = platform === 'ios' && protections.length === 0;
  if (withheld && targeted.length > 0) {
    notes.push(
      `No app protection policy applies to ${app} on iOS for this user, so no app configuration policy reaches the app: assign one to a group of the user.`,
    );
  }
  if (targeted.length === 0) notes.push(`No app configuration policy applies to ${app} for this user.`);
  const configurations = withheld ? [] : targeted;
  const { settings, conflicts, within } = merge(configurations);
  for (const { name, used, values } of conflicts) {
    const who = within.has(name)
      ? `The policy “${values[0]!.policy}” has ${name} more than once`
      : `Several policies have ${name}`;
    notes.push(`${who}, with different values; “${used.slice(0, 100)}” is used.`);
  }
  const delivered = (policy: AppPolicyObject, kind: DeliveredPolicy['kind']): DeliveredPolicy => ({
    id: policy.id,
    displayName: nameOf(policy),
    kind,
  });
  return {
    user: user.userPrincipalName,
    app,
    platform,
    settings,
    protection:
      protections.length === 0
        ? null
        : {
            connectToVpnOnLaunch: protections.some(
              (policy) => (policy as AndroidProtectionObject).connectToVpnOnLaunch === true,
            ),
          },
    policies: [
      ...configurations.map((policy) => delivered(policy, 'app configuration')),
      ...protections.map((policy) => delivered(policy, 'app protection')),
    ],
    conflicts,
    notes,
  };
}

/** Shortens long names for messages. */
const nameOf = ({ displayName }: AppPolicyObject): string => String(displayName).slice(0, 256);

/** The first value of each key counts, as in Microsoft's sample app (microsoftconnect/ms-intune-tunnel-iOS-sampleapps). */
function merge(policies: readonly AppConfigurationObject[]): Pick<Delivery, 'settings' | 'conflicts'> & {
  /** Keys of one policy. */
  readonly within: ReadonlySet<string>;
} {
  const values = new Map<string, { policy: string; value: string }[]>();
  const firsts = new Map<string, AppConfigurationObject>();
  const within = new Set<string>();
  for (const policy of policies) {
    for (const { name, value } of policy.customSettings ?? []) {
      if (value === null) continue;
      const given = values.get(name);
      const one = { policy: nameOf(policy), value };
      if (given === undefined) {
        firsts.set(name, policy);
        within.add(name);
      } else if (firsts.get(name) !== policy) {
        within.delete(name);
      }
      if (given) given.push(one);
      else values.set(name, [one]);
    }
  }
  const all = [...values];
  return {
    settings: Object.fromEntries(all.map(([name, given]) => [name, given[0]!.value])),
    conflicts: all
      .filter(([, given]) => given.some(({ value }) => value !== given[0]!.value))
      .map(([name, given]) => ({ name, used: given[0]!.value, values: given })),
    within,
  };
}
