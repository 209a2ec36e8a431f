import type { ErrorObject } from 'ajv';
import { branchFor } from './branches.ts';
import { errorsOf } from './compile.ts';
import { complaintOf, type Problem } from './complaints.ts';
import { inDocumentOrder } from './path.ts';
import { hasDefaults, prepare } from './prepare.ts';
import type { Node, TSchema } from './type.ts';

interface ValidateOptions {
  /** Fill defaults and insist on members without one. False for a layer that others complete. */
  readonly complete: boolean;
}

/**
 * A copy of `value` that fits the schema, and what did not fit, in a person's words: one complaint for each place, in the
 * order of the document. Ajv judges; the words and the choice among its errors are ours.
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
    // Entries of lists are whole in every layer; everything else may come from another one.
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

/** A copy with defaults of a value that is known to fit, such as one of our own: nothing is compiled for it. */
export function withDefaults<T>(schema: TSchema, fitting: unknown): T {
  return prepare(schema as Node, fitting, [], { complete: true, problems: [] }) as T;
}

/**
 * Ajv tells what each branch of a union has against the value, and then that none fits. Where the value's type shows which
 * branch was meant, its errors alone are of use; else only that none fits.
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
