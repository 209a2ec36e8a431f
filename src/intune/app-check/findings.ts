/** One thing that was compared. */
export interface AppFinding {
  /** `error`: sign-in or the tunnel will fail; `warning`: it may; `ok`: it fits. */
  readonly level: 'error' | 'warning' | 'ok';
  /** Where to look: a key of Info.plist, or a part of the app registration. */
  readonly subject: string;
  /** What was found, in words. */
  readonly message: string;
  /** What to change; empty when it is ok. */
  readonly fix: string;
}

export const ok = (subject: string, message: string): AppFinding => ({ level: 'ok', subject, message, fix: '' });
export const error = (subject: string, message: string, fix: string): AppFinding => ({
  level: 'error',
  subject,
  message,
  fix,
});
export const warning = (subject: string, message: string, fix: string): AppFinding => ({
  ...error(subject, message, fix),
  level: 'warning',
});

const MARK = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ' } as const;

/** Findings as text for a terminal, and a last line that sums up. */
export function formatAppFindings(findings: readonly AppFinding[]): string {
  const lines = findings.flatMap(({ level, subject, message, fix }) => [
    `${MARK[level]} ${subject}: ${message}`,
    ...(fix === '' ? [] : [`        → ${fix}`]),
  ]);
  const count = (level: AppFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const sum =
    errors + warnings === 0
      ? 'Everything fits.'
      : `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`;
  return `${[...lines, sum].join('\n')}\n`;
}
