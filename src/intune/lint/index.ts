import type { LintFinding } from './findings.ts';
import { pictureOf } from './picture.ts';
import { lintPolicies } from './policy-rules.ts';
import { lintApplications, lintServicePrincipals } from './registration-rules.ts';
import { lintSettings } from './settings-rules.ts';
import { lintRoots, lintSites } from './site-rules.ts';

export { formatLint, LINT_RULES, type LintFinding, type LintRule } from './findings.ts';
export { KNOWN_KEYS } from './settings-rules.ts';

/**
 * Finds problems in a tenant's sites, policies, profiles and registrations that would fail in production, each with a reason and a fix.
 * @param document lists of objects in Graph's format; missing lists are not checked
 * @param now milliseconds since the Unix epoch, for certificates
 */
export function lintDocument(
  document: Readonly<Record<string, readonly unknown[] | undefined>>,
  now: number,
): readonly LintFinding[] {
  const picture = pictureOf(document);
  return bounded([
    ...lintSites(picture),
    ...picture.configurations.flatMap((policy) => lintSettings(policy, picture)),
    ...lintPolicies(picture),
    ...lintRoots(picture, now),
    ...lintServicePrincipals(picture),
    ...lintApplications(picture),
  ]);
}

/** Most findings to report, so that they stay readable. */
const MAX_FINDINGS = 1000;

function bounded(findings: readonly LintFinding[]): readonly LintFinding[] {
  if (findings.length <= MAX_FINDINGS) return findings;
  const left = findings.slice(MAX_FINDINGS);
  const worst = left.find(({ level }) => level === 'error') ?? left[0]!;
  return [
    ...findings.slice(0, MAX_FINDINGS),
    { ...worst, message: `${worst.message} And ${left.length - 1} more findings, which are not listed.` },
  ];
}
