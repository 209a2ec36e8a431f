import { TunneliteError } from '../../lib/errors.ts';
import type { JournalQuery } from '../../telemetry/index.ts';
import { repeated } from './command.ts';

/** Options that select events. */
export const eventOptions = {
  where: {
    type: 'string',
    valueHint: 'field=value',
    description: 'A condition on a field, also with != > >= < <= ~ (contains); repeatable',
  },
  since: { type: 'string', valueHint: 'mark', description: 'Only events after this number' },
  level: { type: 'string', valueHint: 'level', description: 'Only events of this level or a more severe one' },
  text: { type: 'string', valueHint: 'words', description: 'Only events whose text contains this' },
} as const;

/**
 * Builds the query from the command line.
 * @throws TunneliteError `ERR_CLI_USAGE`, `ERR_JOURNAL_QUERY`
 */
export async function eventQuery(
  names: readonly string[],
  args: Readonly<Record<string, unknown>>,
  rawArgs: readonly string[],
): Promise<JournalQuery> {
  const { journalQuery } = await import('../../admin/routes/journal-query.ts');
  const { since, level, text } = args;
  if (typeof since === 'string' && !/^\d{1,15}$/.test(since)) {
    throw new TunneliteError('ERR_CLI_USAGE', `"--since ${since}" is not the number of an event.`);
  }
  const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
  const known = levels.find((one) => one === level);
  if (level !== undefined && known === undefined) {
    throw new TunneliteError('ERR_CLI_USAGE', `There is no level "${String(level)}".`, {
      hint: `Use one of ${levels.join(', ')}.`,
    });
  }
  const where = repeated(rawArgs, 'where');
  return journalQuery({
    ...(names.length > 0 && { name: [...names] }),
    ...(where.length > 0 && { where }),
    ...(typeof since === 'string' && { since }),
    ...(known && { level: known }),
    ...(typeof text === 'string' && { text }),
  });
}
