import { stripVTControlCharacters } from 'node:util';
import { errorText, isTunneliteError } from '../../lib/errors.ts';
import { EXIT } from './io.ts';

/** A problem, for people and for programs. */
export interface CliProblem {
  readonly code: string;
  readonly message: string;
  /** What to do next. */
  readonly hint: string | undefined;
  /** Details for programs, such as the `problems` of a configuration, each with its location. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Codes that mean that the user's input is wrong, rather than that an operation failed. */
const USAGE_CODES = new Set([
  'ERR_CLI_USAGE',
  'ERR_CONFIG_FILE',
  'ERR_CONFIG_SYNTAX',
  'ERR_CONFIG_INVALID',
  'ERR_SCENARIO_INVALID',
  'ERR_LOAD_PLAN',
  'ERR_LOAD_RESULT',
  'ERR_FAULT_RULE',
  'ERR_JOURNAL_QUERY',
  'ERR_COUNT_INVALID',
  'ERR_DURATION_INVALID',
]);

/** Converts anything thrown to a problem of the command line. */
export function problemOf(error: unknown): CliProblem {
  const message = stripVTControlCharacters(error instanceof Error ? error.message : errorText(error));
  if (isTunneliteError(error)) {
    const { code, hint, details } = error;
    return { code, message, hint, ...(Object.keys(details).length > 0 ? { details } : {}) };
  }
  // citty's own errors, such as a value outside an enumeration, are also caused by the user's input.
  const isUsage = (error as Error | undefined)?.name === 'CLIError';
  return isUsage
    ? { code: 'ERR_CLI_USAGE', message, hint: 'Add --help for a list of options.' }
    : { code: 'ERR_INTERNAL', message, hint: undefined };
}

/** The exit code for it. */
export function exitCodeOf({ code }: Pick<CliProblem, 'code'>): number {
  return USAGE_CODES.has(code) ? EXIT.usage : EXIT.failed;
}
