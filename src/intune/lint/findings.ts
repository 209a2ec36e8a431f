/** Something that would fail, or surprise, in the field. */
export interface LintFinding {
  /** `error`: the tunnel or the sign-in will fail; `warning`: it may, or something is not what it seems. */
  readonly level: 'error' | 'warning';
  /** Stable name of what was looked at. */
  readonly rule: LintRule;
  /** Which object. */
  readonly subject: string;
  /** What was found, and why that matters. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
}

/** Everything that is looked at. */
export const LINT_RULES = [
  'key-unknown',
  'key-spaces',
  'key-twice',
  'value-spaces',
  'server-address-missing',
  'server-address-port',
  'server-address-form',
  'server-address-ip',
  'server-address-site',
  'connection-type',
  'json-value',
  'proxy-both',
  'proxy-half',
  'pac-android',
  'policies-race',
  'per-app-vpn-ios',
  'general-settings',
  'enrolled-only',
  'protection-missing',
  'launch-off',
  'unassigned',
  'no-apps',
  'bundle-id',
  'site-address-ip',
  'site-address-form',
  'site-configuration',
  'root-not-ca',
  'root-expired',
  'root-unreadable',
  'service-principal',
  'app-registration',
] as const;

export type LintRule = (typeof LINT_RULES)[number];

const MARK = { warning: 'WARNING', error: 'ERROR  ' } as const;

/** Findings as text for a terminal, and a last line that sums up. */
export function formatLint(findings: readonly LintFinding[]): string {
  const lines = findings.flatMap(({ level, rule, subject, message, fix }) => [
    `${MARK[level]} ${subject}: ${message} (${rule})`,
    `        → ${fix}`,
  ]);
  const count = (level: LintFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  const sum =
    findings.length === 0
      ? 'Nothing to complain of.'
      : `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}.`;
  return `${[...lines, sum].join('\n')}\n`;
}
