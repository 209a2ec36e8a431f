/** The result of one check. */
export interface AppFinding {
  /** `error`: sign-in or the tunnel will fail; `warning`: it may fail; `ok`: it matches. */
  readonly level: 'error' | 'warning' | 'ok';
  /** Location: a key of Info.plist, or a part of the app registration. */
  readonly subject: string;
  /** The finding, in words. */
  readonly message: string;
  /** The fix; empty when it is ok. */
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

/** Formats findings for a terminal, with a summary line. */
export function formatAppFindings(findings: readonly AppFinding[]): string {
  const lines = findings.flatMap(({ level, subject, message, fix }) => [
    `${MARK[level]} ${subject}: ${message}`,
    ...(fix === '' ? [] : [`        → ${fix}`]),
  ]);
  const count = (level: AppFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const sum =
    errors + warnings === 0
      ? 'No problems found.'
      : `${errors} error${errors === 1 ? '' : 's'}, ${warnings} warning${warnings === 1 ? '' : 's'}.`;
  return `${[...lines, sum].join('\n')}\n`;
}
