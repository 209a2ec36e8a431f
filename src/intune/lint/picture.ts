import { appOf, type Platform } from '../delivery/targets.ts';
import { isObject, memberOf } from '../graph/read-value.ts';
import type { AppIdentifier } from '../graph/values.ts';

type Json = Readonly<Record<string, unknown>>;

/** A leniently parsed app configuration policy: an export can contain anything. */
export interface PolicyPicture {
  readonly name: string;
  readonly subject: string;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
  readonly apps: readonly { readonly app: string; readonly platform: Platform }[];
  /** The same for lookups: platform and ID, in lower case. */
  readonly appKeys: ReadonlySet<string>;
  /** The app group type, if apps are not listed: `allApps` and others. */
  readonly appGroup: string;
  /** Assignments: IDs of groups, or the types of targets without a group. */
  readonly groups: ReadonlySet<string>;
  /** Excluded groups; exclusion overrides inclusion. */
  readonly excluded: ReadonlySet<string>;
  /** True if assigned to anyone: exclusions alone do not count. */
  readonly assigned: boolean;
  readonly levels: readonly string[];
  /** Of an app protection policy for Android. */
  readonly connectToVpnOnLaunch: boolean;
}

/** Input of the checks. Lists that the export lacks are undefined: the checks then skip what depends on them. */
export interface Picture {
  readonly configurations: readonly PolicyPicture[];
  readonly iosProtections: readonly PolicyPicture[] | undefined;
  readonly androidProtections: readonly PolicyPicture[] | undefined;
  readonly sites: readonly Json[] | undefined;
  readonly serverConfigurations: readonly Json[] | undefined;
  readonly roots: readonly Json[];
  readonly applications: readonly Json[] | undefined;
  /** App IDs, in lower case. */
  readonly servicePrincipals: readonly string[] | undefined;
}

/** Parses a document leniently: skips everything unreadable. */
export function pictureOf(document: Readonly<Record<string, readonly unknown[] | undefined>>): Picture {
  const list = (name: string): readonly Json[] | undefined => document[name]?.filter(isObject);
  const policies = (name: string, kind: string): readonly PolicyPicture[] | undefined =>
    list(name)?.map((each) => policyOf(each, kind));
  return {
    configurations: policies('targetedManagedAppConfigurations', 'App configuration policy') ?? [],
    iosProtections: policies('iosManagedAppProtections', 'App protection policy (iOS)'),
    androidProtections: policies('androidManagedAppProtections', 'App protection policy (Android)'),
    sites: list('microsoftTunnelSites'),
    serverConfigurations: list('microsoftTunnelConfigurations'),
    roots: list('deviceConfigurations') ?? [],
    applications: list('applications'),
    servicePrincipals: list('servicePrincipals')?.map((each) => String(memberOf(each, 'appId')).toLowerCase()),
  };
}

const EXCLUSION = '#microsoft.graph.exclusiongroupassignmenttarget';

/** Name of an object in findings, shortened if necessary. */
export const nameOf = (displayName: unknown): string => String(displayName ?? '?').slice(0, 256);

const listIn = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

function policyOf(policy: Json, kind: string): PolicyPicture {
  const name = nameOf(memberOf(policy, 'displayName') ?? memberOf(policy, 'id'));
  const targets = listIn(memberOf(policy, 'assignments'))
    .map((each) => memberOf(each, 'target'))
    .filter(isObject)
    .map((target) => {
      const type = String(target['@odata.type'] ?? '?').toLowerCase();
      return { group: String(memberOf(target, 'groupId') ?? type).toLowerCase(), excludes: type === EXCLUSION };
    });
  const groups = new Set(targets.filter(({ excludes }) => !excludes).map(({ group }) => group));
  const apps = listIn(memberOf(policy, 'apps')).flatMap((each) => {
    const identifier = memberOf(each, 'mobileAppIdentifier');
    if (!isObject(identifier) || !(typeof identifier.bundleId === 'string' || typeof identifier.packageId === 'string'))
      return [];
    return [appOf(identifier as unknown as AppIdentifier)];
  });
  return {
    name,
    subject: `${kind} “${name}”`,
    settings: listIn(memberOf(policy, 'customSettings')).flatMap((pair) => {
      const [key, value] = [memberOf(pair, 'name'), memberOf(pair, 'value')];
      return typeof key === 'string' ? [{ name: key, value: typeof value === 'string' ? value : '' }] : [];
    }),
    apps,
    appKeys: new Set(apps.map(keyOf)),
    appGroup: String(memberOf(policy, 'appGroupType') ?? 'selectedPublicApps'),
    groups,
    excluded: new Set(targets.filter(({ excludes }) => excludes).map(({ group }) => group)),
    assigned: groups.size > 0,
    levels: String(memberOf(policy, 'targetedAppManagementLevels') ?? 'unspecified')
      .split(',')
      .map((each) => each.trim()),
    connectToVpnOnLaunch: memberOf(policy, 'connectToVpnOnLaunch') === true,
  };
}

const keyOf = ({ app, platform }: { readonly app: string; readonly platform: Platform }): string =>
  `${platform} ${app.toLowerCase()}`;

/** Whether a policy targets an app. */
export function isFor(
  policy: PolicyPicture,
  { app, platform }: { readonly app: string; readonly platform: Platform },
): boolean {
  if (policy.appGroup === 'allApps') return true;
  if (/^all(Core)?MicrosoftApps$/.test(policy.appGroup)) return /^com\.microsoft\./i.test(app);
  return policy.appKeys.has(keyOf({ app, platform }));
}
