import { type Path, type Problem, suggest } from '../../lib/schema/index.ts';
import { fieldNamesOf, namesOf } from '../../telemetry/index.ts';
import type { Expectation } from './types.ts';

/** Fields in an expectation that none of its events has: it could never be met, and `never` would always hold. */
export function fieldProblems({ event, never, where }: Expectation, path: Path): Problem[] {
  const name = event ?? never;
  if (name === undefined || namesOf({ name })!.length === 0) return [];
  const fields = [...fieldNamesOf({ name })].sort();
  return Object.keys(where ?? {})
    .filter((field) => !fields.includes(field))
    .map((field) => {
      const nearest = suggest(field, fields);
      return {
        path: [...path, 'where', field],
        atKey: true,
        message: `${name} has no field "${field.slice(0, 60)}"`,
        hint:
          nearest === undefined
            ? 'docs/reference/events.md lists the fields of each event.'
            : `Did you mean "${nearest}"?`,
        ...(fields.length === 0 ? {} : { expected: fields.join(', ') }),
      };
    });
}
