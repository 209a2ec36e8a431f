import { TunneliteError } from '../../lib/errors.ts';
import { pathText, type TSchema, validate } from '../../lib/schema/index.ts';

const MAX_COMPLAINTS = 10;

/**
 * A copy of `input` with defaults filled in, as the schema describes it.
 *
 * @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID`, with each complaint and where it is
 */
export function check<T>(schema: TSchema, input: unknown, what: string): T {
  const { value, problems } = validate(schema, structuredClone(input), { complete: true });
  if (problems.length === 0) return value as T;
  const complaints = problems.slice(0, MAX_COMPLAINTS).map(({ path, message, expected, hint }) => ({
    where: path.length === 0 ? what : `${what} ${pathText(path)}`,
    problem: `${message}${hint ? `. ${hint}` : expected ? `, expected: ${expected}` : ''}`,
  }));
  throw new TunneliteError(
    'ERR_IDENTITY_DIRECTORY_INVALID',
    complaints
      .map(({ where, problem }) => `${where}: ${problem}`)
      .join('; ')
      .concat('.'),
    { details: { complaints } },
  );
}
