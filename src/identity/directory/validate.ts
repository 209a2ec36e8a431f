import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { TunneliteError } from '../../lib/errors.ts';

const MAX_COMPLAINTS = 10;

/**
 * A copy of `input` with defaults filled in, as the schema describes it.
 *
 * @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID`, with each complaint and where it is
 */
export function check<T>(schema: TSchema, input: unknown, what: string): T {
  const value = Value.Default(schema, structuredClone(input));
  if (Value.Check(schema, value)) return value as T;
  const complaints = [...Value.Errors(schema, value)]
    // `schema is false` repeats what `additionalProperties` says.
    .filter((error) => error.keyword !== 'boolean')
    .slice(0, MAX_COMPLAINTS)
    .map((error) => ({ where: `${what}${error.instancePath}`, problem: describe(error) }));
  throw new TunneliteError(
    'ERR_IDENTITY_DIRECTORY_INVALID',
    complaints
      .map(({ where, problem }) => `${where} ${problem}`)
      .join('; ')
      .concat('.'),
    { details: { complaints } },
  );
}

type Complaint = ReturnType<typeof Value.Errors>[number];

function describe(error: Complaint): string {
  if (error.keyword === 'additionalProperties') {
    return `has members that are not known: ${error.params.additionalProperties.join(', ')}`;
  }
  if (error.keyword === 'required') return `lacks ${error.params.requiredProperties.join(', ')}`;
  return error.message;
}
