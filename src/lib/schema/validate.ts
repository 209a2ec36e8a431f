import type { ErrorObject } from 'ajv';
import { branchFor } from './branches.ts';
import { errorsOf } from './compile.ts';
import { complaintOf, type Problem } from './complaints.ts';
import { inDocumentOrder } from './path.ts';
import { hasDefaults, prepare } from './prepare.ts';
import type { Node, TSchema } from './type.ts';

interface ValidateOptions {
  /** Apply defaults, and require members that have none. False for a layer that others complete. */
  readonly complete: boolean;
}

/**
 * Returns a copy of `value` according to the schema, and readable complaints: one for each location, in the order of the document. Ajv
 * validates; the wording, and the choice among its errors, are ours.
 */
export function validate(
  schema: TSchema,
  value: unknown,
  { complete }: ValidateOptions,
): { readonly value: unknown; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const given = prepare(schema as Node, value, [], { complete: false, problems });
  const errors = errorsOf(schema as Node, given);
  if (errors.length > 0) for (const error of withoutOtherBranches(errors)) problems.push(complaintOf(error, given));
  if (problems.length === 0) {
    return { value: complete && hasDefaults(schema as Node) ? withDefaults(schema, given) : given, problems };
  }
  const firsts = new Map<string, Problem>();
  for (const problem of problems) {
    // Entries of lists are complete in every layer; other members may come from another layer.
    if (!complete && problem.missing !== undefined && !problem.path.some((segment) => typeof segment === 'number')) {
      continue;
    }
    const place = JSON.stringify([problem.path, problem.missing]);
    if (!firsts.has(place)) firsts.set(place, problem);
  }
  return {
    value: complete ? withDefaults(schema, given) : given,
    problems: inDocumentOrder([...firsts.values()], value),
  };
}

/** A copy with defaults of a value that is known to be valid: compiles nothing. */
export function withDefaults<T>(schema: TSchema, fitting: unknown): T {
  return prepare(schema as Node, fitting, [], { complete: true, problems: [] }) as T;
}

/**
 * Ajv reports the errors of each branch of a union, and then that none matches. If the type of the value shows which branch was intended,
 * keep only its errors; otherwise only that none matches.
 */
function withoutOtherBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf') {
      kept.push(error);
      continue;
    }
    let start = kept.length;
    while (start > 0 && isInside(kept[start - 1]!, error)) start--;
    const inside = kept.splice(start);
    const branch = branchFor((error.parentSchema as Node).anyOf!, error.data);
    if (branch === undefined) kept.push(error);
    else {
      for (const one of inside) if (one.schemaPath.startsWith(`${error.schemaPath}/${branch}/`)) kept.push(one);
    }
  }
  return kept;
}

function isInside(error: ErrorObject, union: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    (error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`))
  );
}
