import { type ConfigInput, type ConfigProblem, loadConfig, resolveConfig } from '../../src/config/index.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';

/** What is wrong with a configuration, with the place of each; none when it is taken. */
export function problems(input: ConfigInput): ConfigProblem[] {
  try {
    resolveConfig(input);
  } catch (error) {
    if (isTunneliteError(error, 'ERR_CONFIG_INVALID')) return error.details.problems as ConfigProblem[];
    throw error;
  }
  return [];
}

/** What is warned of for settings as the command line has them. */
export const warned = (settings: Record<string, unknown>): readonly string[] =>
  loadConfig({
    flags: Object.entries(settings).map(([key, value]) => ({
      key,
      text: typeof value === 'string' ? value : JSON.stringify(value),
      flag: `--set ${key}`,
    })),
  }).warnings;
