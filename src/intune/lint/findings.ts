/** A problem that would fail, or surprise, in production. */
export interface LintFinding {
  /** `error`: the tunnel or the sign-in will fail; `warning`: it may fail, or something is misleading. */
  readonly level: 'error' | 'warning';
  /** Stable name of the check. */
  readonly rule: LintRule;
  /** The object concerned. */
  readonly subject: string;
  /** The problem, and why it matters. */
  readonly message: string;
  /** What to do. */
  readonly fix: string;
}

/** All checks. */
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

/** Formats findings for a terminal, with a summary line. */
export function formatLint(findings: readonly LintFinding[]): string {
  const lines = findings.flatMap(({ level, rule, subject, message, fix }) => [
    `${MARK[level]} ${subject}: ${message} (${rule})`,
    `        → ${fix}`,
  ]);
  const count = (level: LintFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
  const sum =
    findings.length === 0
      ? 'No problems found.'
      : `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}.`;
  return `${[...lines, sum].join('\n')}\n`;
}
