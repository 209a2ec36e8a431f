import type { LintFinding } from './findings.ts';
import { pictureOf } from './picture.ts';
import { lintPolicies } from './policy-rules.ts';
import { lintApplications, lintServicePrincipals } from './registration-rules.ts';
import { lintSettings } from './settings-rules.ts';
import { lintRoots, lintSites } from './site-rules.ts';

export { formatLint, LINT_RULES, type LintFinding, type LintRule } from './findings.ts';
export { KNOWN_KEYS } from './settings-rules.ts';

/**
 * What of a tenant's sites, policies, profiles and registrations would fail in the field, each with why and what to do.
 * @param document lists of objects as Graph has them; nothing is said of lists that are not there
 * @param now milliseconds since the Unix epoch, for certificates
 */
export function lintDocument(
  document: Readonly<Record<string, readonly unknown[] | undefined>>,
  now: number,
): readonly LintFinding[] {
  const picture = pictureOf(document);
  return [
    ...lintSites(picture),
    ...picture.configurations.flatMap((policy) => lintSettings(policy, picture)),
    ...lintPolicies(picture),
    ...lintRoots(picture, now),
    ...lintServicePrincipals(picture),
    ...lintApplications(picture),
  ];
}
