import { ERROR_CODES } from '../../src/lib/error-codes.ts';
import { cell, linked } from './cell.ts';

/** docs/reference/errors.md: every error code. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { summary, hint }]) => `| \`${code}\` | ${cell(summary)} | ${linked(cell(hint))} |`,
  );
  return `# Errors

Every error that Tunnelite raises is a \`TunneliteError\` with one of these codes. Codes are stable: branch on \`error.code\`, and
show \`error.message\` and \`error.hint\` to people. This page is generated from \`src/lib/error-codes.ts\`.

| Code | What happened | What to do |
|---|---|---|
${rows.join('\n')}
`;
}
