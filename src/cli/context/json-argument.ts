import { readFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';

/**
 * What an argument says that is JSON, or `@` and a file with it.
 * @param what as it is called in what is said: `stub`
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function jsonArgument<T>(text: string, what: string): T {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text) as T;
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `The ${what} cannot be read: ${errorText(cause)}.`, {
      cause,
      hint: 'Give it as JSON, or @ and a file with it.',
    });
  }
}
