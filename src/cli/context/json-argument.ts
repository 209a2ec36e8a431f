import { readFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';

/**
 * Parses an argument that is JSON, or `@` and the path of a file with JSON.
 * @param what its name in messages: `stub`
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function jsonArgument<T>(text: string, what: string): T {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text) as T;
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `The ${what} cannot be read: ${errorText(cause)}.`, {
      cause,
      hint: 'Use JSON, or @ and the name of a file.',
    });
  }
}
