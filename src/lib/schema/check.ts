import { type ErrorCode, TunneliteError } from '../errors.ts';
import { pathText } from './path.ts';
import type { TSchema } from './type.ts';
import { validate } from './validate.ts';

const MAX_COMPLAINTS = 10;

interface CheckOptions {
  /** Name of the value in messages: `user`. */
  readonly what: string;
  readonly code: ErrorCode;
}

/**
 * A copy of `input` with defaults, according to the schema.
 *
 * @throws TunneliteError with the given code, listing each complaint and its location
 */
export function check<T>(schema: TSchema, input: unknown, { what, code }: CheckOptions): T {
  const { value, problems } = validate(schema, input, { complete: true });
  if (problems.length === 0) return value as T;
  const complaints = problems.slice(0, MAX_COMPLAINTS).map(({ path, message, expected, hint }) => ({
    where: path.length === 0 ? what : `${what} ${pathText(path)}`,
    path: pathText(path),
    problem: `${message}${hint ? `. ${hint}` : expected ? `, expected: ${expected}` : ''}`,
  }));
  const sentences = complaints.map(({ where, problem }) => `${where}: ${problem}`).join('; ');
  throw new TunneliteError(code, /[.?]$/.test(sentences) ? sentences : `${sentences}.`, { details: { complaints } });
}
