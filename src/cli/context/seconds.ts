import { TunneliteError } from '../../lib/errors.ts';

/**
 * Parses an option in seconds.
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function secondsOf(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,6}(\.\d+)?$/.test(text)) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--${option} ${text}" is not a number of seconds.`);
}
