import type { LintFinding } from './findings.ts';
import { isFor, type Picture, type PolicyPicture } from './picture.ts';

/* How policies relate to each other, and to their apps and users (memdocs, `microsoft-tunnel/mam-ios.md` and `mam-android.md`). */

const TUNNEL = 'com.microsoft.tunnel.';
const ENROLLED = new Set(['mdm', 'androidEnterprise', 'androidEnterpriseDedicatedDevicesWithAzureAdSharedMode']);
const ALL_USERS = '#microsoft.graph.alllicensedusersassignmenttarget';

/** Checks all policies. */
export function lintPolicies(picture: Picture): readonly LintFinding[] {
  const tunnels = picture.configurations.filter(speaksOfTunnel);
  const protections = [...(picture.iosProtections ?? []), ...(picture.androidProtections ?? [])];
  return [
    ...[...tunnels, ...protections].flatMap(lintTarget),
    ...tunnels.flatMap((policy) => lintProtection(policy, picture)),
    ...tunnels.flatMap((policy) => lintBundle(policy, picture)),
    ...lintRaces(tunnels),
  ];
}

const speaksOfTunnel = ({ settings }: PolicyPicture): boolean =>
  settings.some(({ name }) => name.trim().toLowerCase().startsWith(TUNNEL));

function lintTarget(policy: PolicyPicture): readonly LintFinding[] {
  const { subject, levels } = policy;
  const findings: LintFinding[] = [];
  if (!policy.assigned) {
    findings.push({
      level: 'error',
      rule: 'unassigned',
      subject,
      message: 'It is assigned to no one.',
      fix: 'Assign it to a group of users.',
    });
  }
  if (policy.apps.length === 0 && policy.appGroup === 'selectedPublicApps') {
    findings.push({
      level: 'error',
      rule: 'no-apps',
      subject,
      message: 'It has no app.',
      fix: 'Add the app, by its bundle id or package id.',
    });
  }
  if (levels.every((level) => ENROLLED.has(level))) {
    findings.push({
      level: 'error',
      rule: 'enrolled-only',
      subject,
      message: `It is only for enrolled devices (${levels.join(', ')}); Tunnel for MAM is for devices that are not enrolled.`,
      fix: 'Target apps on all device types, or on unmanaged devices.',
    });
  }
  return findings;
}

function lintProtection(policy: PolicyPicture, picture: Picture): readonly LintFinding[] {
  return policy.apps.flatMap((app): readonly LintFinding[] => {
    const { iosProtections, androidProtections } = picture;
    const list = app.platform === 'ios' ? iosProtections : androidProtections;
    if (list === undefined) return [];
    const found = list.filter((each) => isFor(each, app));
    if (app.platform === 'ios' && !found.some((each) => each.assigned)) {
      return [
        {
          level: 'error',
          rule: 'protection-missing',
          subject: policy.subject,
          message: `No app protection policy for iOS includes ${app.app}, so this policy does not reach it.`,
          fix: `Create an app protection policy for ${app.app}, and assign it to the same groups.`,
        },
      ];
    }
    if (app.platform === 'ios' && policy.assigned && !found.some((each) => meet(policy, each))) {
      return [
        {
          level: 'warning',
          rule: 'protection-missing',
          subject: policy.subject,
          message: `The app protection policies for ${app.app} are assigned to groups other than those of this policy, which reaches only users who are in a group of each.`,
          fix: 'Assign an app protection policy to the groups of this policy.',
        },
      ];
    }
    if (app.platform === 'android' && found.length > 0 && !found.some((each) => each.connectToVpnOnLaunch)) {
      return [
        {
          level: 'warning',
          rule: 'launch-off',
          subject: found[0]!.subject,
          message: `It does not start the tunnel with ${app.app} (connectToVpnOnLaunch): the user must start it.`,
          fix: 'Set “Start Microsoft Tunnel connection on app-launch” to Yes.',
        },
      ];
    }
    return [];
  });
}

/** The bundle ID of a policy must belong to an app registration: the redirect URI contains it. */
function lintBundle({ subject, apps }: PolicyPicture, { applications }: Picture): readonly LintFinding[] {
  if (applications === undefined) return [];
  const redirects = applications.flatMap((app) => {
    const client = app.publicClient as { redirectUris?: unknown } | undefined;
    return Array.isArray(client?.redirectUris) ? client.redirectUris.map(String) : [];
  });
  const bundles = new Set(
    redirects.flatMap((uri) => /^msauth\.([^:]+):\/{1,2}auth$/i.exec(uri)?.[1]?.toLowerCase() ?? []),
  );
  return apps
    .filter(
      ({ app, platform }) => platform === 'ios' && !/^com\.microsoft\./i.test(app) && !bundles.has(app.toLowerCase()),
    )
    .map(({ app }) => ({
      level: 'error',
      rule: 'bundle-id',
      subject,
      message: `No app registration has the bundle id ${app} in a redirect URI${bundles.size === 0 ? '' : `; there are ${[...bundles].slice(0, 5).join(', ')}`}.`,
      fix: `Use the bundle id of the Xcode project in all three places; the redirect URI is msauth.${app}://auth.`,
    }));
}

/** Most conflicting policies to report per policy, and most pairs of policies to compare. */
const MAX_RIVALS = 5;
const MAX_PAIRS = 20_000;

/** Two policies that reach the same app and user, and conflict. Compares each policy with the previous ones. */
function lintRaces(policies: readonly PolicyPicture[]): readonly LintFinding[] {
  // The first value of a key counts, as in a delivery.
  const values = policies.map(
    ({ settings }) => new Map(settings.map(({ name, value }) => [name, value] as const).reverse()),
  );
  const findings: LintFinding[] = [];
  let pairs = 0;
  for (const [i, policy] of policies.entries()) {
    let rivals = 0;
    for (let j = 0; j < i && rivals < MAX_RIVALS; j++) {
      if (++pairs > MAX_PAIRS) {
        findings.push({
          level: 'warning',
          rule: 'policies-race',
          subject: policy.subject,
          message: `There are too many policies to compare this one and the ${policies.length - i - 1} after it with all others.`,
          fix: 'Keep one policy with tunnel settings for an app and its users.',
        });
        return findings;
      }
      const race = raceOf(policy, policies[j]!, values[j]!);
      if (!race) continue;
      findings.push(race);
      rivals++;
    }
  }
  return findings;
}

function raceOf(
  policy: PolicyPicture,
  other: PolicyPicture,
  values: ReadonlyMap<string, string>,
): LintFinding | undefined {
  if (!meet(policy, other)) return undefined;
  const app = policy.apps.find((each) => isFor(other, each));
  if (!app) return undefined;
  const differing = policy.settings.filter(({ name, value }) => (values.get(name) ?? value) !== value);
  if (differing.length === 0) return undefined;
  const names = differing.slice(0, 10).map(({ name }) => name);
  return {
    level: 'error',
    rule: 'policies-race',
    subject: policy.subject,
    message: `${other.subject} also applies to ${app.app} and the same users, with other values of ${names.join(', ')}: it is undefined which one wins.`,
    fix: 'Keep one policy with tunnel settings for an app and its users.',
  };
}

/** Whether two policies have common users, as far as their assignments show. Groups that one policy excludes do not count. */
function meet(one: PolicyPicture, other: PolicyPicture): boolean {
  const [a, b] = [one.groups.difference(other.excluded), other.groups.difference(one.excluded)];
  if (a.size === 0 || b.size === 0) return false;
  return a.has(ALL_USERS) || b.has(ALL_USERS) || !a.isDisjointFrom(b);
}
